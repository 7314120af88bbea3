/* Any UTF-8 that claims to be HTML: it becomes text that is UTF-8. */
#include "fuzz.h"

#include <glib.h>

#include "mail/html.h"
#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static bool started;
    struct fb_err err;
    struct fb_str text;
    FB_ARENA arena = fb_arena_new(64u << 20);
    if (!started)
        fb_message_init();
    started = true;
    if (!g_utf8_validate_len((const char *)data, n, NULL))
        return 0;
    FUZZ_CHECK(fb_html_text(arena, (struct fb_str){(const char *)data, n}, &text, &err) == 0);
    FUZZ_CHECK(text.n && g_utf8_validate_len(text.p, text.n, NULL));
    return 0;
}
