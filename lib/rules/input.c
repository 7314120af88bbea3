/* The judge's input. Decides how an audience is described and what becomes of names; must give, for the same case, the
 * very words that the training wrote, since the judge knows no others.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "rules/input.h"

#include <stdlib.h>

#include "rules/readers.h"

enum { ROLES_SHOWN = 6, EXECUTIVE_RANK = 2 };

/* ---- facts ---- */

/* What a reader is in others' reporting lines. */
struct line {
    bool direct, above;
};

static struct line above_addressee(const struct fb_case *c, const struct fb_person *who)
{
    struct line found = {false, false};
    for (size_t i = 0; i < c->message->to.n; i++) {
        const struct fb_person *other = fb_people_find(c->people, c->message->to.v[i].addr);
        unsigned steps = other && other != who ? fb_person_above(who, other) : 0;
        found.direct |= steps == 1;
        found.above |= steps > 1;
    }
    return found;
}

static bool senior(const struct fb_person *who, const struct fb_person *sender)
{
    if (!who)
        return false;
    if (who->in_line || (sender && sender->in_line))
        return !sender || who->depth < sender->depth;
    unsigned mine = sender ? sender->rank : 0;
    return who->rank > (mine > EXECUTIVE_RANK ? mine : EXECUTIVE_RANK);
}

/* The parts of an inside address's role, joined by " and ". */
static void person_role(struct fb_buf *b, const struct fb_case *c, const struct fb_person *who)
{
    const struct fb_person *sender = c->sender_person;
    unsigned up = who && sender ? fb_person_above(who, sender) : 0, down = who && sender ? fb_person_above(sender, who) : 0;
    struct line line = who ? above_addressee(c, who) : (struct line){false, false};
    const char *parts[] = {
        up == 1 ? "my manager" : up ? "my boss above" : NULL,
        down == 1 ? "my report" : down ? "my report below" : NULL,
        line.direct ? "addressee's manager" : line.above ? "addressee's boss above" : NULL,
    };
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i]) {
            fb_buf_printf(b, "%s%s", any ? " and " : "", parts[i]);
            any = true;
        }
    if (!any)
        fb_buf_add(b, senior(who, sender) ? FB_STR("senior") : FB_STR("peer"));
}

static bool inside(const struct fb_case *c, struct fb_str addr)
{
    return fb_words_contain(&c->conf->scope_internal_domains, fb_address_domain(addr));
}

static void role(struct fb_buf *b, const struct fb_case *c, struct fb_str addr)
{
    const struct fb_list *list = fb_people_list(c->people, addr);
    if (list)
        fb_buf_printf(b, "list of %zu", list->members_n);
    else if (!inside(c, addr))
        fb_buf_add(b, FB_STR("outsider"));
    else
        person_role(b, c, fb_people_find(c->people, addr));
}

static void roles(struct fb_buf *b, const struct fb_case *c, const struct fb_addresses *a)
{
    for (size_t i = 0; i < a->n && i < ROLES_SHOWN; i++) {
        if (i)
            fb_buf_add(b, FB_STR(", "));
        role(b, c, a->v[i].addr);
    }
    if (a->n > ROLES_SHOWN)
        fb_buf_printf(b, ", +%zu", a->n - ROLES_SHOWN);
}

static size_t outsiders(const struct fb_case *c, const struct fb_addresses *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += !inside(c, a->v[i].addr);
    return n;
}

/* Those of To and Cc who were on no earlier mail. */
static int new_on_thread(struct fb_buf *b, const struct fb_case *c, const struct fb_addresses *to, const struct fb_addresses *cc)
{
    struct fb_addresses new = {.v = fb_arena_array(b->arena, to->n + cc->n, sizeof *new.v)};
    if (!new.v)
        return -1;
    for (size_t i = 0; i < to->n + cc->n; i++) {
        struct fb_address a = i < to->n ? to->v[i] : cc->v[i - to->n];
        if (fb_past_unaddressed(&c->past, a.addr))
            new.v[new.n++] = a;
    }
    fb_buf_add(b, FB_STR("; new on thread: "));
    roles(b, c, &new);
    if (!new.n)
        fb_buf_add(b, FB_STR("none"));
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct fb_str *)a)->p, ((const struct fb_str *)b)->p);
}

/* Roles of the readers who exchanged mail alone with the sender, in the order of the alphabet. */
static int alone_before(struct fb_buf *b, const struct fb_case *c)
{
    struct fb_str v[FB_PAST_ASKED];
    size_t n = 0;
    for (size_t i = 0; i < c->readers_n && n < FB_PAST_ASKED; i++) {
        struct fb_buf one = FB_BUF(b->arena);
        if (!fb_past_alone(&c->past, c->readers[i].addr))
            continue;
        role(&one, c, c->readers[i].addr);
        v[n] = fb_buf_str(&one);
        if (!v[n++].p)
            return -1;
    }
    qsort(v, n, sizeof *v, by_text);
    fb_buf_add(b, FB_STR("; alone before with: "));
    for (size_t i = 0; i < n; i++)
        fb_buf_printf(b, "%s%.*s", i ? ", " : "", FB_FMT(v[i]));
    if (!n)
        fb_buf_add(b, FB_STR("nobody"));
    return 0;
}

/* Of a mail that was seen itself: what the quoted reply tells is known of too few of those that were trained on. */
static void answered(struct fb_buf *b, const struct fb_case *c)
{
    const struct fb_past *past = &c->past;
    if (!past->answers || past->quoted)
        return;
    int64_t sent_s = c->message->date_s == INT64_MIN ? c->now_s : c->message->date_s, s = sent_s - past->answered_s;
    fb_buf_printf(b, "; reply after: %s", s <= 15 * 60 ? "minutes" : s <= 90 * 60 ? "an hour" : s < 86400 ? "hours" : "days");
    fb_buf_printf(b, "; answers: %s", past->answered_inside ? "colleague" : "outsider");
}

static struct fb_str facts(struct fb_arena *arena, const struct fb_case *c)
{
    const struct fb_message *m = c->message;
    struct fb_addresses none = {0, NULL};
    const struct fb_addresses *to = m->to.n ? &m->to : &m->cc, *cc = m->to.n ? &m->cc : &none;
    struct fb_buf b = FB_BUF(arena);
    size_t readers = c->readers_n + c->readers_more, all = to->n + cc->n, out = outsiders(c, to) + outsiders(c, cc);
    fb_buf_add(&b, FB_STR("to: "));
    roles(&b, c, to);
    fb_buf_add(&b, FB_STR("; cc: "));
    roles(&b, c, cc);
    if (!cc->n)
        fb_buf_add(&b, FB_STR("none"));
    if (readers < 4)
        fb_buf_printf(&b, "; readers: %zu", readers);
    else
        fb_buf_add(&b, readers < 10 ? FB_STR("; readers: 4-9") : FB_STR("; readers: 10+"));
    fb_buf_printf(&b, "; outside: %s", !out ? "none" : out == all ? "all" : "some");
    if ((c->past.thread_known && new_on_thread(&b, c, to, cc)) || (readers > 1 && alone_before(&b, c)))
        return (struct fb_str){NULL, 0};
    answered(&b, c);
    if (fb_case_at_night(c))
        fb_buf_add(&b, FB_STR("; at night"));
    return fb_buf_str(&b);
}

/* ---- text ---- */

struct writer {
    struct fb_buf b;
    const struct fb_case *c;
    struct fb_input_mark *marks;
    size_t marks_n;
    struct fb_str last_role; /* which the text ends in, blanks aside; empty: in none */
};

static struct fb_str mention_role(const struct fb_case *c, const struct fb_mention *m)
{
    const struct fb_reader *r = m->reader;
    if (m->initials)
        return FB_STR_NONE;
    if (r && !r->person && !r->inside)
        return FB_STR_NONE; /* outsiders keep their names */
    if (r && r->role != FB_ROLE_HIDDEN)
        return r->list.n ? FB_STR("[READER]") : r->role == FB_ROLE_TO ? FB_STR("[TO]") : FB_STR("[CC]");
    if (c->sender_person && m->person && m->person == c->sender_person->manager)
        return FB_STR("[MYBOSS]");
    return FB_STR("[COLLEAGUE]");
}

static void mark(struct writer *w, const char *own)
{
    w->marks[w->marks_n++] = (struct fb_input_mark){w->b.n, (size_t)(own - w->c->own->text.p)};
}

static void drop_blanks(struct writer *w, bool lines)
{
    while (w->b.n && (w->b.p[w->b.n - 1] == ' ' || w->b.p[w->b.n - 1] == '\t' || (lines && w->b.p[w->b.n - 1] == '\n')))
        w->b.n--;
}

/* A line end takes the blanks around it along. Returns where the next line begins. */
static size_t put_line_end(struct writer *w, struct fb_str s, size_t i)
{
    drop_blanks(w, false);
    mark(w, s.p + i);
    fb_buf_char(&w->b, '\n');
    for (i++; i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'); i++)
        ;
    mark(w, s.p + i);
    return i;
}

static void put_plain(struct writer *w, struct fb_str s)
{
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] == '\n') {
            i = put_line_end(w, s, i);
            continue;
        }
        if (!fb_is_blank(s.p[i]))
            w->last_role = FB_STR_NONE;
        fb_buf_char(&w->b, s.p[i++]);
    }
}

/* The words of a mention, without what follows the name in the last of them ("Ben's"). */
static struct fb_str name_span(const struct fb_case *c, const struct fb_mention *m)
{
    struct fb_str s = fb_text_span(&c->text, m->word, m->n);
    if (fb_str_iends(s, FB_STR("'s")))
        s.n -= 2;
    else if (fb_str_iends(s, FB_STR("\xE2\x80\x99s")))
        s.n -= 4;
    return s;
}

static void put_role(struct writer *w, struct fb_str tag, struct fb_str name)
{
    if (fb_str_eq(w->last_role, tag)) { /* the same role twice in a row becomes one */
        drop_blanks(w, true);
    } else {
        mark(w, name.p);
        fb_buf_add(&w->b, tag);
    }
    mark(w, name.p + name.n);
    w->last_role = tag;
}

static int text(struct fb_arena *arena, const struct fb_case *c, struct fb_input *ret, struct fb_err *err)
{
    struct writer w = {.b = FB_BUF(arena), .c = c, .last_role = FB_STR_NONE};
    size_t lines = 0;
    for (size_t i = 0; i < c->own->text.n; i++)
        lines += c->own->text.p[i] == '\n';
    w.marks = fb_arena_array(arena, 2 * (lines + c->mentions_n) + 1, sizeof *w.marks);
    if (!w.marks)
        return fb_fail_memory(err);
    const char *at = c->own->text.p, *end = at + c->own->text.n;
    mark(&w, at);
    for (size_t i = 0; i < c->mentions_n; i++) {
        struct fb_str tag = mention_role(c, &c->mentions[i]), name = name_span(c, &c->mentions[i]);
        if (!tag.n || name.p < at)
            continue;
        put_plain(&w, (struct fb_str){at, (size_t)(name.p - at)});
        put_role(&w, tag, name);
        at = name.p + name.n;
    }
    put_plain(&w, (struct fb_str){at, (size_t)(end - at)});
    ret->text = fb_buf_str(&w.b);
    ret->marks = w.marks;
    ret->marks_n = w.marks_n;
    return ret->text.p ? 0 : fb_fail_memory(err);
}

int fb_input_make(struct fb_arena *arena, const struct fb_case *c, struct fb_input *ret, struct fb_err *err)
{
    *ret = (struct fb_input){.facts = facts(arena, c), .subject = c->message->subject};
    return ret->facts.p ? text(arena, c, ret, err) : fb_fail_memory(err);
}

/* The last mark at or before @at (@before: strictly before, so that an end belongs to what it ends). */
static size_t own_of(const struct fb_input *in, size_t at, bool before)
{
    size_t low = 0, high = in->marks_n;
    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        if (in->marks[mid].at < at + !before)
            low = mid;
        else
            high = mid;
    }
    size_t own = in->marks[low].own + (at - in->marks[low].at);
    return low + 1 < in->marks_n && own > in->marks[low + 1].own ? in->marks[low + 1].own : own;
}

struct fb_str fb_input_own(const struct fb_input *in, const struct fb_case *c, struct fb_str part)
{
    size_t from = own_of(in, (size_t)(part.p - in->text.p), false), to = own_of(in, (size_t)(part.p - in->text.p) + part.n, true);
    to = to > c->own->text.n ? c->own->text.n : to;
    return from < to ? fb_str_trim((struct fb_str){c->own->text.p + from, to - from}) : FB_STR_NONE;
}
