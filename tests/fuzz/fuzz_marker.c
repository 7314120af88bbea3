/* A marker's text: what passes for one has a deadline that can be waited for. */
#include "fuzz.h"

#include "hold/marker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_hold hold;
    FB_ARENA arena = fb_arena_new(1 << 20);
    if (arena && fb_marker_parse(arena, FB_STR("4Sjh2k0fMzz1abc"), (struct fb_str){(const char *)data, size}, &hold, NULL) == 0)
        FUZZ_CHECK(hold.deadline_s >= 0 && hold.rule.n > 0);
    return 0;
}
