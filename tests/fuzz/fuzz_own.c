/* Any text: its own words are no more than the text, and its sentences are parts of them, in order, none of them empty. What is
 * told of the quoted mail stands in the text, and can be read in turn. */
#include "fuzz.h"

#include "mail/own.h"

static void is_part(struct fb_str s, struct fb_str of)
{
    FUZZ_CHECK(s.p && (!s.n || (s.p >= of.p && s.p + s.n <= of.p + of.n)));
}

static void quoted_check(struct fb_arena *arena, struct fb_str text, const struct fb_quoted *q)
{
    struct fb_err err;
    struct fb_own theirs;
    int64_t sent_s;
    is_part(q->intro, text);
    is_part(q->body, text);
    is_part(q->name, q->intro);
    is_part(q->addr, q->intro);
    is_part(q->when, q->intro);
    FUZZ_CHECK(q->body.n <= FB_QUOTED_MAX);
    FUZZ_CHECK(fb_quoted_words(arena, q, &theirs, &err) == 0);
    fb_quoted_time(q, 1793696400, 60, &sent_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct fb_err err;
    struct fb_own own;
    FB_ARENA arena = fb_arena_new(64u << 20);
    struct fb_str text = {(const char *)data, n};
    FUZZ_CHECK(fb_own_words(arena, text, &own, &err) == 0);
    quoted_check(arena, text, &own.quoted);
    FUZZ_CHECK(own.text.n <= 2 * n); /* an empty line may stand for what was left out */
    const char *at = own.text.p;
    for (size_t i = 0; i < own.sentences_n; i++) {
        struct fb_str s = own.sentences[i];
        FUZZ_CHECK(s.n && s.p >= at && s.p + s.n <= own.text.p + own.text.n && !memchr(s.p, '\n', s.n));
        at = s.p + s.n;
    }
    return 0;
}
