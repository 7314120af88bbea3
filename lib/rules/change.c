/* The smallest change. A reader less is smaller than several, those are smaller than a sentence less, that than writing to one
 * alone, and that than two sentences less. Each is tried by judging the changed message as any other, so that what is said
 * of it is true; nobody's absence is proposed to whom it is about or who is spoken to, and nothing is ever held by it.
 *
 * DIAGNOSTICS: lack of memory in the message's arena. Each try has an arena of its own, and its failure is no failure. */
#include "rules/change.h"

#include <math.h>

#include "rules/hand.h"

enum { TRIES_MAX = 12, SENTENCES_MAX = 4, READERS_MAX = 4, NAMES_SHOWN = 3, QUOTE_MAX = 120, TRY_ARENA = 64 << 20 };
enum {
    BOSSES = FB_RELATION_MANAGER | FB_RELATION_BOSS_ABOVE | FB_RELATION_SENIOR | FB_RELATION_ADDRESSEE_BOSS | FB_RELATION_NAMED_BOSS
};

const char *fb_change_name(enum fb_change_kind k)
{
    static const char *const names[] = {"unknown", "none", "reader", "readers", "words", "alone"};
    return names[k];
}

struct flagged { /* a sentence that is evidence of what fires */
    size_t at;   /* of the own words' sentences */
    double left; /* log-odds of the deciding rule without it */
};

struct item { /* what can be left off by itself */
    struct fb_str addr;
    const struct fb_reader *reader; /* NULL: a list */
    enum fb_role role;
};

struct search {
    const struct fb_judge *judge;
    const struct fb_judge_input *in;
    struct fb_judgement *j;
    struct fb_arena *arena;
    unsigned tries;
    bool cut; /* something was not tried, or could not be judged */
    size_t flagged_n, items_n;
    struct flagged flagged[SENTENCES_MAX];
    struct item *items;
};

/* ---- one try ---- */

struct try { /* the message, changed */
    struct fb_arena *arena;
    struct fb_message message;
    struct fb_own own;
    struct fb_envelope env;
};

static void try_done(struct try *t)
{
    fb_arena_free(t->arena);
}
#define TRY __attribute__((cleanup(try_done))) struct try

static bool try_begin(struct search *s, struct try *t)
{
    *t = (struct try){.message = s->j->message, .own = s->j->own, .env = *s->in->env};
    if (s->tries++ < TRIES_MAX)
        t->arena = fb_arena_new(TRY_ARENA);
    s->cut |= !t->arena;
    return t->arena != NULL;
}

/* Whether the changed message, which somebody still reads, would have gone. */
static bool passes(struct search *s, const struct try *t, double *ret_left)
{
    struct fb_judge_input in = *s->in;
    struct fb_judgement j = {.headers = s->j->headers, .message = t->message, .own = t->own};
    const struct fb_verdict *was = &s->j->verdict;
    enum fb_reason reason;
    struct fb_err unheeded;
    in.env = &t->env;
    if (fb_judge_weigh(s->judge, t->arena, &in, &s->j->c, &j, &reason, &unheeded) || reason != FB_REASON_none) {
        s->cut = true;
        return false;
    }
    *ret_left = j.findings[was->main - was->findings].log_odds;
    return j.verdict.action < was->action && j.c.readers_n + j.c.readers_more > 0;
}

/* ---- without sentences ---- */

/* The sentences at @a and at @b (which may be the same) out of the own words. */
static bool leave_out(struct try *t, size_t a, size_t b)
{
    const struct fb_own own = t->own;
    struct fb_buf text = FB_BUF(t->arena);
    const char *at = own.text.p;
    size_t *from = fb_arena_array(t->arena, own.sentences_n, sizeof *from), n = 0;
    struct fb_str *v = fb_arena_array(t->arena, own.sentences_n, sizeof *v);
    for (size_t i = 0; from && v && i < own.sentences_n; i++) {
        struct fb_str s = own.sentences[i];
        fb_buf_add(&text, (struct fb_str){at, (size_t)(s.p - at)});
        at = s.p + s.n;
        if (i == a || i == b)
            continue;
        from[n] = text.n;
        v[n++] = s;
        fb_buf_add(&text, s);
    }
    fb_buf_add(&text, (struct fb_str){at, (size_t)(own.text.p + own.text.n - at)});
    t->own = (struct fb_own){.text = fb_buf_str(&text), .sentences = v, .sentences_n = n};
    for (size_t i = 0; t->own.text.p && i < n; i++)
        v[i].p = t->own.text.p + from[i];
    return from && v && t->own.text.p;
}

/* A message of which nothing is left is no change. */
static bool goes_without_words(struct search *s, size_t a, size_t b, double *ret_left)
{
    TRY t = {.arena = NULL};
    *ret_left = INFINITY;
    if (s->j->own.sentences_n <= 1u + (a != b) || !try_begin(s, &t))
        return false;
    if (leave_out(&t, a, b))
        return passes(s, &t, ret_left);
    s->cut = true;
    return false;
}

static void flag(struct search *s, struct fb_str words)
{
    const struct fb_own *own = &s->j->own;
    for (size_t i = 0; words.n && i < own->sentences_n; i++) {
        size_t k = 0;
        if (own->sentences[i].p >= words.p + words.n || words.p >= own->sentences[i].p + own->sentences[i].n)
            continue;
        while (k < s->flagged_n && s->flagged[k].at != i)
            k++;
        if (k == SENTENCES_MAX)
            s->cut = true;
        else if (k == s->flagged_n)
            s->flagged[s->flagged_n++] = (struct flagged){.at = i, .left = INFINITY};
    }
}

/* The sentences that are evidence: of the deciding rule first. */
static void flag_all(struct search *s)
{
    const struct fb_verdict *v = &s->j->verdict;
    for (size_t i = 0; i < v->main->evidence_n; i++)
        flag(s, v->main->evidence[i].text);
    for (size_t i = 0; i < v->findings_n; i++)
        for (size_t k = 0; v->findings[i].action == v->action && k < v->findings[i].evidence_n; k++)
            flag(s, v->findings[i].evidence[k].text);
}

/* ---- without readers ---- */

static bool is_meant(const struct search *s, const struct fb_reader *r)
{
    const struct fb_case *c = &s->j->c;
    if (r == c->addressee)
        return true;
    for (size_t i = 0; i < s->flagged_n; i++)
        if (c->about[s->flagged[i].at].reader == r)
            return true;
    return false;
}

static bool is_list_of_meant(const struct search *s, struct fb_str addr)
{
    const struct fb_case *c = &s->j->c;
    for (size_t i = 0; i < c->readers_n; i++)
        if (fb_str_eq(c->readers[i].list, addr) && is_meant(s, &c->readers[i]))
            return true;
    return false;
}

static void add_list(struct search *s, struct fb_str addr, enum fb_role role)
{
    for (size_t i = 0; i < s->items_n; i++)
        if (!s->items[i].reader && fb_str_eq(s->items[i].addr, addr))
            return;
    if (fb_people_list(s->j->c.people, addr) && !is_list_of_meant(s, addr))
        s->items[s->items_n++] = (struct item){.addr = addr, .role = role};
}

/* Readers who are addressed themselves, then lists. Whom it is about, and who is spoken to, stays. */
static bool list_items(struct search *s)
{
    const struct fb_case *c = &s->j->c;
    const struct fb_message *m = &s->j->message;
    s->items = fb_arena_array(s->arena, c->readers_n + m->to.n + m->cc.n + c->env->rcpt_n, sizeof *s->items);
    for (size_t i = 0; s->items && i < c->readers_n; i++)
        if (!c->readers[i].list.n && !is_meant(s, &c->readers[i]))
            s->items[s->items_n++] = (struct item){.addr = c->readers[i].addr, .reader = &c->readers[i], .role = c->readers[i].role};
    for (size_t i = 0; s->items && i < m->to.n; i++)
        add_list(s, m->to.v[i].addr, FB_ROLE_TO);
    for (size_t i = 0; s->items && i < m->cc.n; i++)
        add_list(s, m->cc.v[i].addr, FB_ROLE_CC);
    for (size_t i = 0; s->items && i < c->env->rcpt_n; i++)
        add_list(s, c->env->rcpt[i], FB_ROLE_HIDDEN);
    return s->items != NULL;
}

typedef bool item_test(const struct search *s, const struct item *i);

static bool is_boss(const struct search *s, const struct item *i)
{
    (void)s;
    return i->reader && i->reader->relation & BOSSES;
}

static bool is_outsider(const struct search *s, const struct item *i)
{
    (void)s;
    return i->reader && !i->reader->inside;
}

/* A colleague among colleagues makes nothing so. */
static bool may_matter(const struct search *s, const struct item *i)
{
    return !i->reader || i->role == FB_ROLE_HIDDEN || is_boss(s, i) || is_outsider(s, i) || s->j->c.readers_n + s->j->c.readers_more == 2;
}

/* Whom the judge takes for the same. */
static bool is_alike(const struct item *a, const struct item *b)
{
    return a->reader && b->reader && a->role == b->role && a->reader->inside == b->reader->inside && a->reader->customer == b->reader->customer &&
           a->reader->relation == b->reader->relation;
}

static bool is_among(const struct item *off, size_t n, struct fb_str addr)
{
    for (size_t i = 0; i < n; i++)
        if (fb_str_ieq(off[i].addr, addr))
            return true;
    return false;
}

static bool leave_off_field(struct fb_arena *arena, struct fb_addresses *field, const struct item *off, size_t n)
{
    const struct fb_addresses all = *field;
    *field = (struct fb_addresses){.v = fb_arena_array(arena, all.n, sizeof *field->v)};
    for (size_t i = 0; field->v && i < all.n; i++)
        if (!is_among(off, n, all.v[i].addr))
            field->v[field->n++] = all.v[i];
    return field->v != NULL;
}

static bool leave_off(struct try *t, const struct item *off, size_t n)
{
    const struct fb_envelope all = t->env;
    struct fb_str *v = fb_arena_array(t->arena, all.rcpt_n, sizeof *v);
    t->env.rcpt = v;
    t->env.rcpt_n = 0;
    for (size_t i = 0; v && i < all.rcpt_n; i++)
        if (!is_among(off, n, all.rcpt[i]))
            v[t->env.rcpt_n++] = all.rcpt[i];
    return v && leave_off_field(t->arena, &t->message.to, off, n) && leave_off_field(t->arena, &t->message.cc, off, n);
}

static bool goes_without(struct search *s, const struct item *off, size_t n)
{
    TRY t = {.arena = NULL};
    double left;
    if (!try_begin(s, &t))
        return false;
    if (leave_off(&t, off, n))
        return passes(s, &t, &left);
    s->cut = true;
    return false;
}

/* ---- what to say ---- */

/* Whom of those who are named or addressed @boss is above, the nearest; *@ret_steps is 0 where nobody is. */
static struct fb_about below(const struct fb_case *c, const struct fb_person *boss, unsigned *ret_steps)
{
    struct fb_about found = {NULL, NULL};
    *ret_steps = 0;
    for (size_t i = 0; i < c->mentions_n + c->readers_n; i++) {
        const struct fb_reader *r = i < c->mentions_n ? c->mentions[i].reader : &c->readers[i - c->mentions_n];
        const struct fb_person *p = i < c->mentions_n ? c->mentions[i].person : r->role == FB_ROLE_TO ? r->person : NULL;
        unsigned steps = p ? fb_person_above(boss, p) : 0;
        if (steps && (!*ret_steps || steps < *ret_steps)) {
            *ret_steps = steps;
            found = (struct fb_about){r, p};
        }
    }
    return found;
}

/* Who it is, and what makes it matter. */
static struct fb_change_who who_is(const struct search *s, const struct item *i)
{
    static const char *const places[] = {[FB_ROLE_TO] = "to", [FB_ROLE_CC] = "cc", [FB_ROLE_HIDDEN] = "bcc"};
    const struct fb_case *c = &s->j->c;
    const struct fb_reader *r = i->reader;
    struct fb_change_who w = {.name = FB_STR_NONE, .as = "", .of = FB_STR_NONE, .place = places[i->role]};
    unsigned steps = 0;
    if (i->role == FB_ROLE_HIDDEN)
        return w;
    w.name = r ? r->name : i->addr;
    struct fb_about under = r && r->person ? below(c, r->person, &steps) : (struct fb_about){NULL, NULL};
    if (!r)
        w.as = "list";
    else if (r->relation & FB_RELATION_MANAGER)
        w.as = "own_manager";
    else if (steps)
        w.as = steps == 1 ? "manager" : "above", w.of = fb_hand_name(c, under);
    else if (r->relation & FB_RELATION_BOSS_ABOVE)
        w.as = "above_manager";
    else if (!r->inside)
        w.as = r->customer ? "customer" : "outside";
    else if (r->relation & FB_RELATION_SENIOR)
        w.as = "senior";
    return w;
}

/* "Lena's manager, Tom Delgado," */
static struct fb_str describe(struct fb_arena *arena, const struct fb_change_who *w)
{
    static const struct {
        const char *as, *text; /* of the name and of whom, in the order of the text */
        bool of_first;
    } forms[] = {
        {"own_manager", "your manager, %.*s,", false},     {"manager", "%.*s's manager, %.*s,", true},
        {"above", "%.*s, who is above %.*s,", false},      {"above_manager", "%.*s, who is above your manager,", false},
        {"customer", "%.*s, who is at a customer,", false}, {"outside", "%.*s, who is outside,", false},
        {"senior", "%.*s, who is senior to you,", false},  {"list", "the list %.*s", false},
    };
    if (!w->name.n)
        return FB_STR("somebody");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!strcmp(forms[i].as, w->as))
            return forms[i].of_first ? fb_arena_printf(arena, forms[i].text, FB_FMT(w->of), FB_FMT(w->name))
                                     : fb_arena_printf(arena, forms[i].text, FB_FMT(w->name), FB_FMT(w->of));
    return w->name;
}

/* How such a sentence ends: what did not pass was held, or its sender was told of it. */
static const char *would_have(const struct search *s)
{
    return s->j->verdict.action == FB_HOLD ? "this would have gone" : "there would have been nothing to say";
}

static struct fb_str say_reader(const struct search *s, const struct item *i)
{
    static const char *const places[] = {[FB_ROLE_TO] = "in To", [FB_ROLE_CC] = "on Cc", [FB_ROLE_HIDDEN] = "on Bcc"};
    struct fb_change_who is = who_is(s, i);
    struct fb_str who = describe(s->arena, &is);
    if (!who.p)
        return who;
    return fb_arena_printf(s->arena, "Without %.*s %s %s.", FB_FMT(who), places[i->role], would_have(s));
}

static struct fb_str say_readers(const struct search *s, const struct item *off, size_t n)
{
    struct fb_buf b = FB_BUF(s->arena);
    fb_buf_add(&b, FB_STR("Without "));
    size_t shown = n > NAMES_SHOWN ? NAMES_SHOWN : n;
    for (size_t i = 0; i < shown; i++)
        fb_buf_printf(&b, "%s%.*s", !i ? "" : i + 1 == n ? " and " : ", ", FB_FMT(fb_hand_shown(off[i].reader)));
    if (n > shown)
        fb_buf_printf(&b, " and %zu more", n - shown);
    fb_buf_printf(&b, " %s.", would_have(s));
    return fb_buf_str(&b);
}

/* The first words of a long sentence. */
static void quote(struct fb_buf *b, struct fb_str s)
{
    size_t n = s.n > QUOTE_MAX ? QUOTE_MAX : s.n;
    while (n < s.n && n && !fb_is_blank(s.p[n]))
        n--;
    n = n ? n : s.n;
    fb_buf_printf(b, "\"%.*s%s\"", (int)n, s.p, n < s.n ? " ..." : "");
}

static int set(struct search *s, enum fb_change_kind kind, struct fb_str text, struct fb_str reader, struct fb_str says, struct fb_err *err)
{
    s->j->verdict.change = (struct fb_change){.kind = kind, .text = text, .reader = reader, .says = says};
    return text.p && reader.p && says.p ? 0 : fb_fail_memory(err);
}

static int set_words(struct search *s, struct fb_str first, struct fb_str second, struct fb_err *err)
{
    struct fb_buf says = FB_BUF(s->arena), text = FB_BUF(s->arena);
    fb_buf_add(&says, FB_STR("Without "));
    quote(&says, first);
    fb_buf_add(&text, first);
    if (second.n) {
        fb_buf_add(&says, FB_STR(" and "));
        quote(&says, second);
        fb_buf_char(&text, '\n');
        fb_buf_add(&text, second);
    }
    fb_buf_printf(&says, " %s.", would_have(s));
    return set(s, FB_CHANGE_WORDS, fb_buf_str(&text), FB_STR_NONE, fb_buf_str(&says), err);
}

/* The first of them, for other languages. */
static int set_who(struct search *s, const struct item *off, size_t n, struct fb_err *err)
{
    struct fb_change *change = &s->j->verdict.change;
    size_t shown = n > NAMES_SHOWN ? NAMES_SHOWN : n;
    struct fb_change_who *v = fb_arena_array(s->arena, shown, sizeof *v);
    for (size_t i = 0; v && i < shown; i++)
        v[i] = who_is(s, &off[i]);
    change->who = v;
    change->who_n = v ? shown : 0;
    change->who_more = n - shown;
    return v ? 0 : fb_fail_memory(err);
}

static int set_readers(struct search *s, const struct item *off, size_t n, struct fb_err *err)
{
    struct fb_buf b = FB_BUF(s->arena);
    for (size_t i = 0; i < n; i++)
        fb_buf_printf(&b, "%s%.*s", i ? " " : "", FB_FMT(off[i].addr));
    struct fb_str says = n == 1 ? say_reader(s, off) : say_readers(s, off, n);
    return set(s, n == 1 ? FB_CHANGE_READER : FB_CHANGE_READERS, FB_STR_NONE, fb_buf_str(&b), says, err) || set_who(s, off, n, err) ? -1 : 0;
}

/* ---- the search: each step gives 1 where it found the change ---- */

static bool decides(const struct search *s, const struct item *i)
{
    for (size_t k = 0; k < s->j->readers_n; k++)
        if (s->j->readers[k] == i->reader)
            return true;
    return false;
}

static int try_one(struct search *s, const struct item *i, const struct item **tried, size_t *n, struct fb_err *err)
{
    for (size_t k = 0; k < *n; k++)
        if (tried[k] == i || is_alike(tried[k], i))
            return 0;
    if (*n == READERS_MAX)
        return s->cut = true, 0;
    tried[(*n)++] = i;
    return goes_without(s, i, 1) ? set_readers(s, i, 1, err) ? -1 : 1 : 0;
}

/* Those who are evidence of the deciding rule first. */
static int by_one_reader(struct search *s, struct fb_err *err)
{
    const struct item *tried[READERS_MAX];
    size_t n = 0;
    for (int evident = 1; evident >= 0; evident--)
        for (size_t i = 0; i < s->items_n; i++) {
            const struct item *item = &s->items[i];
            int rc = may_matter(s, item) && decides(s, item) == evident ? try_one(s, item, tried, &n, err) : 0;
            if (rc)
                return rc;
        }
    return 0;
}

static int by_group(struct search *s, item_test *test, struct fb_err *err)
{
    struct item *off = fb_arena_array(s->arena, s->items_n, sizeof *off);
    size_t n = 0;
    if (!off)
        return fb_fail_memory(err);
    for (size_t i = 0; i < s->items_n; i++)
        if (test(s, &s->items[i]))
            off[n++] = s->items[i];
    return n > 1 && goes_without(s, off, n) ? set_readers(s, off, n, err) ? -1 : 1 : 0;
}

static int by_one_sentence(struct search *s, struct fb_err *err)
{
    const struct fb_own *own = &s->j->own;
    size_t found = s->flagged_n;
    for (size_t i = 0; i < s->flagged_n; i++)
        if (goes_without_words(s, s->flagged[i].at, s->flagged[i].at, &s->flagged[i].left) &&
            (found == s->flagged_n || s->flagged[i].left < s->flagged[found].left))
            found = i;
    return found < s->flagged_n ? set_words(s, own->sentences[s->flagged[found].at], FB_STR_NONE, err) ? -1 : 1 : 0;
}

/* To the one whom it is about, or who is spoken to, and to nobody else. */
static int by_writing_to_one(struct search *s, struct fb_err *err)
{
    const struct fb_case *c = &s->j->c;
    const struct fb_reader *r = fb_hand_person(c, s->j->verdict.main).reader;
    TRY t = {.arena = NULL};
    double left;
    r = r ? r : c->addressee;
    if (!r || r->role == FB_ROLE_HIDDEN || c->readers_n + c->readers_more < 2 || !try_begin(s, &t))
        return 0;
    struct fb_address only = {.addr = r->addr, .display = r->name};
    t.message.to = (struct fb_addresses){.n = 1, .v = &only};
    t.message.cc.n = 0;
    t.env.rcpt = &r->addr;
    t.env.rcpt_n = 1;
    if (!passes(s, &t, &left))
        return 0;
    struct fb_str name = fb_hand_name(c, (struct fb_about){r, r->person});
    struct fb_str says = fb_arena_printf(s->arena, "To %.*s alone %s.", FB_FMT(name), would_have(s));
    struct fb_change_who *who = fb_arena_array(s->arena, 1, sizeof *who);
    if (!who || set(s, FB_CHANGE_ALONE, FB_STR_NONE, r->addr, says, err))
        return fb_fail_memory(err);
    *who = (struct fb_change_who){.name = name, .as = "", .of = FB_STR_NONE, .place = "to"};
    s->j->verdict.change.who = who;
    s->j->verdict.change.who_n = 1;
    return 1;
}

/* The two that weighed most, each by itself. */
static int by_two_sentences(struct search *s, struct fb_err *err)
{
    size_t best = 0, next = 1;
    double left;
    if (s->flagged_n < 2)
        return 0;
    for (size_t i = 1; i < s->flagged_n; i++)
        if (s->flagged[i].left < s->flagged[best].left)
            next = best, best = i;
        else if (next == best || (i != next && s->flagged[i].left < s->flagged[next].left))
            next = i;
    size_t a = s->flagged[best].at, b = s->flagged[next].at;
    if (!goes_without_words(s, a, b, &left))
        return 0;
    return set_words(s, s->j->own.sentences[a], s->j->own.sentences[b], err) ? -1 : 1;
}

static int give_up(struct search *s, struct fb_err *err)
{
    static const char says[] = "No one reader and no one sentence makes it so: it is the message as a whole.";
    return s->cut ? 0 : set(s, FB_CHANGE_NONE, FB_STR_NONE, FB_STR_NONE, fb_str(says), err);
}

/* Sentences are tried first of all, whatever is found: which of them weighs most is what is quoted. */
static int search(struct search *s, struct fb_err *err)
{
    if (!list_items(s))
        return fb_fail_memory(err);
    int words = by_one_sentence(s, err), rc = words < 0 ? -1 : by_one_reader(s, err);
    if (!rc)
        rc = by_group(s, is_boss, err);
    if (!rc)
        rc = by_group(s, is_outsider, err);
    if (rc || words)
        return rc < 0 ? -1 : 0;
    rc = by_writing_to_one(s, err);
    if (!rc)
        rc = by_two_sentences(s, err);
    return rc ? rc < 0 ? -1 : 0 : give_up(s, err);
}

/* ---- evidence ---- */

static bool overlap(struct fb_str a, struct fb_str b)
{
    return a.p < b.p + b.n && b.p < a.p + a.n;
}

/* What quotes @sentence goes to the front, the order of the others staying as it is. */
static int quote_first(struct fb_arena *arena, struct fb_finding *f, struct fb_str sentence, struct fb_err *err)
{
    size_t at = 0;
    while (at < f->evidence_n && (!f->evidence[at].text.n || !overlap(f->evidence[at].text, sentence)))
        at++;
    if (at == 0 || at == f->evidence_n)
        return 0;
    struct fb_evidence *v = fb_arena_array(arena, f->evidence_n, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    v[0] = f->evidence[at];
    memcpy(v + 1, f->evidence, at * sizeof *v);
    memcpy(v + at + 1, f->evidence + at + 1, (f->evidence_n - at - 1) * sizeof *v);
    f->evidence = v;
    return 0;
}

static int quote_decisive_first(struct search *s, struct fb_err *err)
{
    const struct flagged *best = NULL;
    for (size_t i = 0; i < s->flagged_n; i++)
        if (s->flagged[i].left < s->j->verdict.main->log_odds && (!best || s->flagged[i].left < best->left))
            best = &s->flagged[i];
    for (size_t i = 0; best && i < s->j->verdict.findings_n; i++)
        if (quote_first(s->arena, &s->j->findings[i], s->j->own.sentences[best->at], err))
            return -1;
    return 0;
}

int fb_change_find(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *j, struct fb_err *err)
{
    struct search s = {.judge = judge, .in = in, .j = j, .arena = arena};
    flag_all(&s);
    return search(&s, err) || quote_decisive_first(&s, err) ? -1 : 0;
}
