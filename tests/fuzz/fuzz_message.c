/* Any message, whole or cut. Whatever it is: no abort in GLib, an outcome or readable text, and own words that are part of
 * it. */
#include "fuzz.h"

#include <glib.h>

#include "mail/message.h"
#include "mail/own.h"

static void is_readable(struct fb_str s)
{
    FUZZ_CHECK(s.n == 0 || (g_utf8_validate_len(s.p, s.n, NULL) && !memchr(s.p, '\r', s.n)));
}

static void addresses_check(struct fb_addresses as)
{
    for (size_t i = 0; i < as.n; i++)
        FUZZ_CHECK(as.v[i].addr.p && as.v[i].display.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct fb_message_limits limits = {.parts = 20, .nesting = 5, .header_size = 4096, .header_fields = 50};
    static bool started;
    struct fb_err err;
    struct fb_message m;
    struct fb_own own;
    FB_ARENA arena = fb_arena_new(64u << 20);
    if (!started) {
        g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
        fb_message_init();
        started = true;
    }
    int r = fb_message_parse(arena, &limits, (struct fb_str){(const char *)data, n}, n % 2, &m, &err);
    FUZZ_CHECK(r >= 0 && r <= FB_MESSAGE_CALENDAR);
    addresses_check(m.from);
    addresses_check(m.to);
    is_readable(m.subject);
    if (r)
        return 0;
    is_readable(m.text);
    FUZZ_CHECK(fb_own_words(arena, m.text, &own, &err) == 0);
    is_readable(own.text);
    return 0;
}
