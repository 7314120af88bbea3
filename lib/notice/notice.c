/* The notice: what a sender is told, and the Message-IDs of our mails. It says what the facts say and nothing more: what
 * is held, until when, why, and where to decide. It goes to the sender alone.
 *
 * DIAGNOSTICS: fails where a template is missing or faulty (the fault names it) and for lack of memory. */
#include "notice/notice.h"

#include <sodium.h>
#include <time.h>

#include "notice/mime.h"
#include "template/template.h"

enum { TO_LINE_NAMES = 5, RANDOM_ID = 16 };

/* "14:35", or "2026-11-30 14:35" where it is not today any more, in the sender's own time. */
static struct fb_str clock_text(struct fb_arena *arena, int64_t at_s, int64_t now_s, int tz_min)
{
    time_t at = at_s + tz_min * 60, now = now_s + tz_min * 60;
    struct tm a, n;
    if (!gmtime_r(&at, &a) || !gmtime_r(&now, &n))
        return FB_STR_NONE;
    if (a.tm_year == n.tm_year && a.tm_yday == n.tm_yday)
        return fb_arena_printf(arena, "%02d:%02d", a.tm_hour, a.tm_min);
    return fb_arena_printf(arena, "%04d-%02d-%02d %02d:%02d", a.tm_year + 1900, a.tm_mon + 1, a.tm_mday, a.tm_hour, a.tm_min);
}

static struct fb_str until_text(struct fb_arena *arena, struct fb_str clock, int tz_min)
{
    int off = tz_min < 0 ? -tz_min : tz_min;
    return fb_arena_printf(arena, "%.*s (UTC%c%02d:%02d)", FB_FMT(clock), tz_min < 0 ? '-' : '+', off / 60, off % 60);
}

static void add_names(struct fb_buf *b, json_t *list, size_t *n)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
        if ((*n)++ < TO_LINE_NAMES)
            fb_buf_printf(b, "%s%s", *n > 1 ? ", " : "", json_string_value(v));
}

/* The first readers by name, the others as a number. Readers that only the envelope names are in the number. */
static struct fb_str to_line(struct fb_arena *arena, json_t *facts)
{
    struct fb_buf b = FB_BUF(arena);
    size_t n = 0;
    add_names(&b, json_object_get(facts, "to"), &n);
    add_names(&b, json_object_get(facts, "cc"), &n);
    size_t others = (size_t)json_integer_value(json_object_get(facts, "hidden"));
    if (n > TO_LINE_NAMES)
        others += n - TO_LINE_NAMES;
    if (others)
        fb_buf_printf(&b, "%s%zu", n ? " + " : "", others);
    return fb_buf_str(&b);
}

static int put(json_t *v, const char *key, struct fb_str s, struct fb_err *err)
{
    return s.p && json_object_set_new(v, key, json_stringn(s.p, s.n)) == 0 ? 0 : fb_fail_memory(err);
}

/* One hold: its facts, and beside them what only the keeper knows. */
static int put_hold(const struct fb_notice *n, const struct fb_notice_hold *h, struct fb_arena *arena, json_t *v, struct fb_err *err)
{
    int tz_min = (int)json_integer_value(json_object_get(h->facts, "tz_min"));
    struct fb_str subject = fb_mime_one_line(arena, fb_str(json_string_value(json_object_get(h->facts, "subject"))));
    struct fb_str clock = clock_text(arena, h->deadline_s, n->now_s, tz_min);
    if (!clock.p || json_object_update(v, h->facts))
        return fb_fail_memory(err);
    if (put(v, "subject", subject, err) || put(v, "clock", clock, err) || put(v, "until", until_text(arena, clock, tz_min), err) ||
        put(v, "link", h->link, err) || put(v, "to_line", to_line(arena, h->facts), err))
        return -1;
    return json_object_set_new(v, "withdraws", json_boolean(n->withdraws)) ? fb_fail_memory(err) : 0;
}

static int put_gathered(const struct fb_notice *n, struct fb_arena *arena, json_t *v, struct fb_err *err)
{
    json_t *list = json_array();
    if (json_object_set_new(v, "holds", list) || json_object_set_new(v, "count", json_integer((json_int_t)n->holds_n)))
        return fb_fail_memory(err);
    for (size_t i = 0; i < n->holds_n; i++) {
        json_t *one = json_object();
        if (json_array_append_new(list, one))
            return fb_fail_memory(err);
        if (put_hold(n, &n->holds[i], arena, one, err))
            return -1;
    }
    return 0;
}

static int make_values(const struct fb_notice *n, struct fb_arena *arena, json_t *v, struct fb_err *err)
{
    struct fb_notice_hold one = {.link = n->link, .deadline_s = n->deadline_s, .facts = n->facts};
    struct fb_str opens = n->opens_s ? until_text(arena, clock_text(arena, n->opens_s, n->now_s, 0), 0) : FB_STR_NONE;
    if (n->kind == FB_NOTICE_GATHERED)
        return put_gathered(n, arena, v, err);
    if (n->kind == FB_NOTICE_HELP)
        return put(v, "opens", opens, err);
    if (put_hold(n, &one, arena, v, err) || put(v, "who", fb_mime_one_line(arena, n->who), err))
        return -1;
    return json_object_set_new(v, "notify", json_boolean(n->deadline_s == 0)) ? fb_fail_memory(err) : 0;
}

static int render(const struct fb_notice *n, const char *file, json_t *values, enum fb_escape escape, struct fb_arena *arena,
                  struct fb_str *ret, struct fb_err *err)
{
    struct fb_str text;
    if (fb_template_read(n->data_dir, n->language, file, arena, &text, err))
        return -1;
    return fb_template_render(file, text, values, escape, arena, ret, err);
}

static void add_text(GMimeMultipart *both, const char *subtype, struct fb_str text)
{
    FB_GOBJECT(GMimePart) part = fb_mime_text(subtype, text);
    g_mime_multipart_add(both, GMIME_OBJECT(part));
}

static const struct {
    const char *txt, *html;
} templates[] = {
    [FB_NOTICE_FIRST] = {"notice.txt", "notice.html"},          [FB_NOTICE_GATHERED] = {"gathered.txt", "gathered.html"},
    [FB_NOTICE_REMINDER] = {"reminder.txt", "reminder.html"},   [FB_NOTICE_MOVED] = {"moved.txt", "moved.html"},
    [FB_NOTICE_HELP] = {"help.txt", "help.html"},
};

int fb_notice_make(const struct fb_notice *n, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    json_auto_t *values = json_object();
    if (!values)
        return fb_fail_memory(err);
    struct fb_str text, html;
    const char *txt = templates[n->kind].txt;
    struct fb_mime_head head = {.from = n->from, .to = n->to, .message_id = n->message_id, .now_s = n->now_s,
                                .answers = n->kind == FB_NOTICE_HELP ? n->answers : fb_str(json_string_value(json_object_get(n->facts, "message_id")))};
    if (make_values(n, arena, values, err) || render(n, txt, values, FB_ESCAPE_NONE, arena, &text, err) ||
        render(n, templates[n->kind].html, values, FB_ESCAPE_HTML, arena, &html, err) ||
        fb_mime_subject(txt, &text, &head.subject, err))
        return -1;
    FB_GOBJECT(GMimeMultipart) both = g_mime_multipart_new_with_subtype("alternative");
    add_text(both, "plain", text);
    add_text(both, "html", html);
    return fb_mime_write(&head, GMIME_OBJECT(both), arena, ret, err);
}

struct fb_str fb_message_id_new(struct fb_arena *arena, const char *from)
{
    unsigned char random[RANDOM_ID];
    char text[2 * RANDOM_ID + 1];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(text, sizeof text, random, sizeof random);
    const char *at = strrchr(from, '@');
    return fb_arena_printf(arena, "<%s@%s>", text, at ? at + 1 : "localhost");
}
