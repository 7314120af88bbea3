/* Any mail as an answer to a notice: what it asks for stands alone on the first line of its own words, and the mails that it refers
 * to have ids. Any text as a file of words is read or refused. */
#include "fuzz.h"

#include "mail/own.h"
#include "rules/text.h"
#include "wire/desk.h"
#include "wish.h"

static void ids_check(const struct wish *w)
{
    FUZZ_CHECK(w->ids_n <= WISH_IDS && w->message_id.p);
    for (size_t i = 0; i < w->ids_n; i++)
        FUZZ_CHECK(w->ids[i].n >= 2 && w->ids[i].p[0] == '<' && w->ids[i].p[w->ids[i].n - 1] == '>');
}

/* Read once more, by other means. */
static void action_check(struct fb_arena *arena, const struct fb_message_limits *limits, struct fb_str raw, bool cut, int action)
{
    struct fb_err err;
    struct fb_message m;
    struct fb_own own;
    FUZZ_CHECK(fb_message_parse(arena, limits, raw, cut, &m, &err) == 0 && fb_own_words(arena, m.text, &own, &err) == 0);
    const char *end = memchr(own.text.p, '\n', own.text.n);
    struct fb_str line = {own.text.p, end ? (size_t)(end - own.text.p) : own.text.n};
    struct fb_str folded = fb_text_fold(arena, line);
    FUZZ_CHECK(fb_str_ifind(folded, action == FB_DESK_RELEASE ? FB_STR("GO") : FB_STR("BACK")) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct fb_message_limits limits = {.parts = 20, .nesting = 5, .header_size = 4096, .header_fields = 50};
    static bool started;
    struct fb_err err;
    struct wish w;
    struct words words = {0}, any = {0};
    struct fb_str raw = {(const char *)data, n}, body;
    FB_ARENA arena = fb_arena_new(64u << 20);
    struct fb_headers h = {.arena = arena};
    if (!started)
        fb_message_init();
    started = true;
    FUZZ_CHECK(words_read(arena, "words", FB_STR("release = GO\nwithdraw = BACK\n"), &words, &err) == 0);
    words_read(arena, "any", raw, &any, &err);
    if (fb_headers_split(&h, raw, limits.header_size, limits.header_fields, &body, &err))
        return 0;
    wish_by_program(&h);
    FUZZ_CHECK(wish_read(arena, &words, &limits, &h, raw, n % 2, &w, &err) == 0);
    ids_check(&w);
    FUZZ_CHECK(w.action == 0 || w.action == FB_DESK_RELEASE || w.action == FB_DESK_WITHDRAW);
    if (w.action)
        action_check(arena, &limits, raw, n % 2, w.action);
    return 0;
}
