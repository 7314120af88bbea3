/* What an answer to a notice asks for: the first line of its author's own words, and the mails that it refers to. It must never
 * take for an order what only stands in the notice that is quoted, and it decides nothing: whether its author may ask is for
 * others.
 *
 * DIAGNOSTICS: the only failure is lack of memory; a mail that cannot be read asks for nothing. */
#include "wish.h"

#include "mail/own.h"

bool wish_by_program(const struct fb_headers *h)
{
    const struct fb_field *type = fb_headers_get(h, "Content-Type", 0), *automatic = fb_headers_get(h, "Auto-Submitted", 0);
    return (automatic && !fb_str_ieq(automatic->value, FB_STR("no"))) || fb_headers_get(h, "Precedence", 0) ||
           (type && fb_str_istarts(type->value, FB_STR("multipart/report")));
}

static void ids_read(const struct fb_message *m, struct wish *w)
{
    if (m->in_reply_to.n)
        w->ids[w->ids_n++] = m->in_reply_to;
    for (size_t i = m->references_n; i && w->ids_n < WISH_IDS; i--)
        if (!fb_str_eq(m->references[i - 1], m->in_reply_to))
            w->ids[w->ids_n++] = m->references[i - 1];
}

int wish_read(struct fb_arena *arena, const struct words *words, const struct fb_message_limits *limits, const struct fb_headers *h,
              struct fb_str raw, bool cut, struct wish *ret, struct fb_err *err)
{
    struct fb_message m;
    struct fb_own own;
    struct fb_str line;
    *ret = (struct wish){.message_id = FB_STR_NONE};
    int rc = fb_message_header(arena, h, &m, err);
    if (rc)
        return rc < 0 ? -1 : 0;
    ret->message_id = m.message_id;
    ids_read(&m, ret);
    rc = fb_message_parse(arena, limits, raw, cut, &m, err);
    if (rc)
        return rc < 0 ? -1 : 0;
    if (fb_own_words(arena, m.text, &own, err))
        return -1;
    struct fb_str rest = fb_str_trim(own.text);
    return fb_str_line(&rest, &line) ? words_action(words, arena, line, &ret->action, err) : 0;
}
