/* The codec between keeper and helper: what decodes encodes to the same bytes, so there is one form of each frame. */
#include "fuzz.h"

#include "wire/queue.h"

static void request(struct fb_arena *arena, struct fb_str frame)
{
    struct fb_queue_request req;
    if (fb_queue_request_decode(arena, frame, &req, NULL) == 0)
        FUZZ_CHECK(fb_str_eq(fb_queue_request_encode(arena, &req), frame));
}

static void reply(struct fb_arena *arena, struct fb_str frame, enum fb_queue_op op)
{
    struct fb_queue_reply r;
    if (fb_queue_reply_decode(arena, frame, op, &r, NULL) == 0)
        FUZZ_CHECK(fb_str_eq(fb_queue_reply_encode(arena, &r), frame));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_str frame = {(const char *)data, size};
    FB_ARENA arena = fb_arena_new(16 << 20);
    if (!arena)
        return 0;
    request(arena, frame);
    reply(arena, frame, FB_QUEUE_LOOK_UP);
    reply(arena, frame, FB_QUEUE_RELEASE);
    return 0;
}
