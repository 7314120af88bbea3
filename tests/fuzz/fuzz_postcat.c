/* What postcat prints of a queue file: whatever is accepted fits in a reply that the keeper accepts. */
#include "fuzz.h"

#include "postcat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_queue_mail mail = {.file = {.queue_id = FB_STR("4jbsVs3zVZz1ShMx"), .inode = 1, .size = 1, .arrival_s = 1}};
    enum fb_queue_outcome done = FB_QUEUE_DONE;
    struct fb_queue_reply reply = {.op = FB_QUEUE_LOOK_UP, .n = 1, .outcome = &done, .mail = &mail}, back;
    FB_ARENA arena = fb_arena_new(16 << 20);
    if (!arena || postcat_parse(arena, (struct fb_str){(const char *)data, size}, &mail, NULL))
        return 0;
    struct fb_str frame = fb_queue_reply_encode(arena, &reply);
    FUZZ_CHECK(fb_queue_reply_decode(arena, frame, FB_QUEUE_LOOK_UP, &back, NULL) == 0);
    FUZZ_CHECK(fb_str_eq(back.mail[0].recipients, mail.recipients) && back.mail[0].smtputf8 == mail.smtputf8);
    return 0;
}
