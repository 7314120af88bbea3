/* The codec between page and keeper: what decodes encodes to the same bytes. */
#include "fuzz.h"

#include "wire/desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_str frame = {(const char *)data, size};
    struct fb_desk_request req;
    enum fb_desk_outcome outcome;
    struct fb_desk_view view;
    FB_ARENA arena = fb_arena_new(16 << 20);
    if (!arena)
        return 0;
    if (fb_desk_request_decode(frame, &req, NULL) == 0)
        FUZZ_CHECK(fb_str_eq(fb_desk_request_encode(arena, &req), frame));
    if (fb_desk_reply_decode(arena, frame, &outcome, &view, NULL) == 0)
        FUZZ_CHECK(fb_str_eq(fb_desk_reply_encode(arena, outcome, &view), frame));
    return 0;
}
