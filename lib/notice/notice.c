/* The notice: what a sender is told, and the Message-IDs of our mails. It says what the facts say and nothing more: what
 * is held, until when, why, and where to decide. It goes to the sender alone.
 *
 * DIAGNOSTICS: fails where a template is missing or faulty (the fault names it) and for lack of memory. */
#include "notice/notice.h"

#include <sodium.h>
#include <time.h>

#include "facts/tell.h"
#include "notice/fill.h"
#include "notice/language.h"
#include "notice/mime.h"
#include "template/template.h"

enum { LINE_NAMES = 5, QUOTES_SHOWN = 3, RANDOM_ID = 16 };

/* Rendering one mail. */
struct writing {
    const struct fb_notice *n;
    struct fb_language language;
    struct fb_arena *arena;
    struct fb_err *err;
};

static int put(const struct writing *w, json_t *v, const char *key, struct fb_str s)
{
    return s.p && json_object_set_new(v, key, json_stringn(s.p, s.n)) == 0 ? 0 : fb_fail_memory(w->err);
}

/* ---- when ---- */

/* "14:35", or "2026-11-30 14:35" where it is not today any more: for a subject, which is short. */
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

/* A moment as the language writes it within a sentence, with the sender's offset. */
static int put_moment(const struct writing *w, json_t *v, const char *key, int64_t at_s, int tz_min)
{
    int off = tz_min < 0 ? -tz_min : tz_min;
    struct fb_str text;
    if (fb_language_moment(&w->language, at_s, w->n->now_s, tz_min, w->arena, &text, w->err))
        return -1;
    return put(w, v, key, fb_arena_printf(w->arena, "%.*s (UTC%c%02d:%02d)", FB_FMT(text), tz_min < 0 ? '-' : '+', off / 60, off % 60));
}

/* ---- what, to whom and why ---- */

/* "Ben Roy" of "Ben Roy <ben@a.example>". */
static struct fb_str short_name(struct fb_str s)
{
    const char *open = s.n && s.p[s.n - 1] == '>' ? memrchr(s.p, '<', s.n) : NULL;
    struct fb_str name = open ? fb_str_trim((struct fb_str){s.p, (size_t)(open - s.p)}) : s;
    return name.n ? name : s;
}

static void add_names(struct fb_buf *b, json_t *list, size_t *n)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
        if ((*n)++ < LINE_NAMES)
            fb_buf_printf(b, "%s%.*s", *n > 1 ? ", " : "", FB_FMT(short_name(fb_str(json_string_value(v)))));
}

/* The first by name, the others as a number, which @others begins. */
static struct fb_str names_line(struct fb_arena *arena, json_t *first, json_t *second, size_t others)
{
    struct fb_buf b = FB_BUF(arena);
    size_t n = 0;
    add_names(&b, first, &n);
    add_names(&b, second, &n);
    if (n > LINE_NAMES)
        others += n - LINE_NAMES;
    if (others)
        fb_buf_printf(&b, "%s%zu", n ? " + " : "", others);
    struct fb_str line = fb_buf_str(&b);
    return line.p ? fb_mime_one_line(arena, line) : line;
}

/* Its words, each on one line. */
static int put_quotes(const struct writing *w, json_t *rule)
{
    json_t *quotes = json_array(), *v;
    size_t i;
    if (json_object_set_new(rule, "quotes", quotes))
        return fb_fail_memory(w->err);
    json_array_foreach(json_object_get(rule, "evidence"), i, v) {
        struct fb_str text = fb_mime_one_line(w->arena, fb_str_trim(fb_str(json_string_value(json_object_get(v, "text")))));
        if (!text.p)
            return fb_fail_memory(w->err);
        if (text.n && json_array_append_new(quotes, json_stringn(text.p, text.n)))
            return fb_fail_memory(w->err);
    }
    return 0;
}

/* The words that counted most, and with the rule that decided, which is the first, who makes it so. */
static int put_rules(const struct writing *w, json_t *facts)
{
    json_t *rules = json_object_get(facts, "rules"), *rule;
    size_t i;
    if (fb_facts_quote_once(facts, QUOTES_SHOWN, w->err))
        return -1;
    json_array_foreach(rules, i, rule)
        if (put_quotes(w, rule))
            return -1;
    struct fb_str readers = names_line(w->arena, json_object_get(facts, "readers"), NULL, 0);
    return json_array_size(rules) ? put(w, json_array_get(rules, 0), "read_by", readers) : 0;
}

/* One hold: its facts, as the language tells them, and beside them what only the keeper knows. */
static int put_hold(const struct writing *w, const struct fb_notice_hold *h, json_t *v)
{
    json_auto_t *facts = json_deep_copy(h->facts);
    int tz_min = (int)json_integer_value(json_object_get(h->facts, "tz_min"));
    struct fb_str subject = fb_mime_one_line(w->arena, fb_str(json_string_value(json_object_get(h->facts, "subject"))));
    size_t hidden = (size_t)json_integer_value(json_object_get(h->facts, "hidden"));
    if (!facts || fb_facts_tell(facts, w->language.rules, w->arena, w->err) || put_rules(w, facts))
        return facts ? -1 : fb_fail_memory(w->err);
    if (json_object_update(v, facts) || json_object_set_new(v, "withdraws", json_boolean(w->n->withdraws)))
        return fb_fail_memory(w->err);
    if (put(w, v, "subject", subject) || put(w, v, "link", h->link) || put(w, v, "clock", clock_text(w->arena, h->deadline_s, w->n->now_s, tz_min)) ||
        put(w, v, "to_line", names_line(w->arena, json_object_get(facts, "to"), json_object_get(facts, "cc"), hidden)) ||
        put_moment(w, v, "until", h->deadline_s, tz_min))
        return -1;
    return h->opens_s > w->n->now_s ? put_moment(w, v, "opens", h->opens_s, tz_min) : 0;
}

static int put_gathered(const struct writing *w, json_t *v)
{
    json_t *list = json_array();
    if (json_object_set_new(v, "holds", list) || json_object_set_new(v, "count", json_integer((json_int_t)w->n->holds_n)))
        return fb_fail_memory(w->err);
    for (size_t i = 0; i < w->n->holds_n; i++) {
        json_t *one = json_object();
        if (json_array_append_new(list, one))
            return fb_fail_memory(w->err);
        if (put_hold(w, &w->n->holds[i], one))
            return -1;
    }
    return 0;
}

static int make_values(const struct writing *w, json_t *v)
{
    const struct fb_notice *n = w->n;
    struct fb_notice_hold one = {.link = n->link, .deadline_s = n->deadline_s, .opens_s = n->opens_s, .facts = n->facts};
    if (put(w, v, "release", w->language.release) || put(w, v, "withdraw", w->language.withdraw) || put(w, v, "who", fb_mime_one_line(w->arena, n->who)))
        return -1;
    if (json_object_set_new(v, "by_mail", json_boolean(n->by_mail)) || json_object_set_new(v, "notify", json_boolean(n->deadline_s == 0)))
        return fb_fail_memory(w->err);
    if (n->kind == FB_NOTICE_GATHERED)
        return put_gathered(w, v);
    if (n->kind == FB_NOTICE_HELP)
        return n->opens_s ? put_moment(w, v, "opens", n->opens_s, 0) : 0;
    return put_hold(w, &one, v);
}

/* ---- the mail ---- */

static const struct {
    const char *txt, *html;
} templates[] = {
    [FB_NOTICE_FIRST] = {"notice.txt", "notice.html"},        [FB_NOTICE_GATHERED] = {"gathered.txt", "gathered.html"},
    [FB_NOTICE_REMINDER] = {"reminder.txt", "reminder.html"}, [FB_NOTICE_MOVED] = {"moved.txt", "moved.html"},
    [FB_NOTICE_HELP] = {"help.txt", "help.html"},
};

static int render(const struct writing *w, const char *language, const char *file, json_t *values, enum fb_escape escape, struct fb_str *ret)
{
    struct fb_str text;
    if (fb_template_read(w->n->data_dir, language, file, w->arena, &text, w->err))
        return -1;
    return fb_template_render(file, text, values, escape, w->arena, ret, w->err);
}

/* The text, and the subject that its first line is. */
static int write_text(const struct writing *w, json_t *values, struct fb_str *ret_subject, struct fb_str *ret)
{
    const char *file = templates[w->n->kind].txt;
    struct fb_str text;
    if (render(w, w->language.name, file, values, FB_ESCAPE_NONE, &text) || fb_mime_subject(file, &text, ret_subject, w->err))
        return -1;
    return fb_fill(text, w->arena, ret, w->err);
}

/* What the kind says, in the frame that all share. */
static int write_html(const struct writing *w, json_t *values, struct fb_str subject, struct fb_str *ret)
{
    struct fb_str inner;
    if (render(w, w->language.name, templates[w->n->kind].html, values, FB_ESCAPE_HTML, &inner))
        return -1;
    if (put(w, values, "inner", inner) || put(w, values, "language", fb_str(w->language.name)) || put(w, values, "title", subject))
        return -1;
    return render(w, "shared", "mail.html", values, FB_ESCAPE_HTML, ret);
}

static void add_text(GMimeMultipart *both, const char *subtype, struct fb_str text)
{
    FB_GOBJECT(GMimePart) part = fb_mime_text(subtype, text);
    g_mime_multipart_add(both, GMIME_OBJECT(part));
}

/* The mail that this one answers. A gathered notice answers none: of several parents mail programs make one chain, which ties together
 * conversations that have nothing in common (RFC 5322, 3.6.4, discourages it), and below the first alone it would be missing from the others. */
static struct fb_str answered(const struct fb_notice *n)
{
    return n->kind == FB_NOTICE_HELP ? n->answers : fb_str(json_string_value(json_object_get(n->facts, "message_id")));
}

int fb_notice_make(const struct fb_notice *n, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct writing w = {.n = n, .arena = arena, .err = err};
    json_auto_t *values = json_object();
    struct fb_str text, html;
    struct fb_mime_head head = {.from = n->from, .to = n->to, .message_id = n->message_id, .now_s = n->now_s, .answers = answered(n)};
    if (!values)
        return fb_fail_memory(err);
    if (fb_language_open(n->data_dir, n->wanted, n->language, arena, &w.language, err) || make_values(&w, values) ||
        write_text(&w, values, &head.subject, &text) || write_html(&w, values, head.subject, &html))
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
