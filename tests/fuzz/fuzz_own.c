/* Any text: its own words are no more than the text, and its sentences are parts of them, in order, none of them empty. */
#include "fuzz.h"

#include "mail/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct fb_err err;
    struct fb_own own;
    FB_ARENA arena = fb_arena_new(64u << 20);
    FUZZ_CHECK(fb_own_words(arena, (struct fb_str){(const char *)data, n}, &own, &err) == 0);
    FUZZ_CHECK(own.text.n <= 2 * n); /* an empty line may stand for what was left out */
    const char *at = own.text.p;
    for (size_t i = 0; i < own.sentences_n; i++) {
        struct fb_str s = own.sentences[i];
        FUZZ_CHECK(s.n && s.p >= at && s.p + s.n <= own.text.p + own.text.n && !memchr(s.p, '\n', s.n));
        at = s.p + s.n;
    }
    return 0;
}
