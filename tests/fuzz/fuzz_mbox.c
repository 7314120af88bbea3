/* Any bytes: the messages are parts of them, in order, and unquoting takes away '>' alone, one a line at most. */
#include "fuzz.h"

#include "mail/mbox.h"

static size_t count(struct fb_str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    FB_ARENA arena = fb_arena_new(64u << 20);
    struct fb_str rest = {(const char *)data, n}, message;
    const char *at = rest.p;
    while (fb_mbox_next(&rest, &message)) {
        FUZZ_CHECK(message.p >= at + 5 && message.p + message.n <= (const char *)data + n && rest.p == message.p + message.n);
        at = message.p + message.n;
        struct fb_str text = fb_mbox_unquote(arena, message);
        FUZZ_CHECK(text.p && text.n <= message.n && text.n + count(message, '\n') + 1 >= message.n);
        FUZZ_CHECK(message.n - text.n == count(message, '>') - count(text, '>'));
    }
    return 0;
}
