/* From texts to judgement: tokens, sentences, windows. Decides what the encoder sees at once; must never let a window begin
 * or end within a sentence unless the sentence alone is longer than a window.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "judge/meaning.h"

#include <math.h>

enum { FACTS_MOST = 160, SUBJECT_MOST = 64 }; /* tokens; so that a third of a window is always left for the text */
enum { NEVER = -100 };                         /* log-odds of what was not judged */

const char *const fb_meaning_rules[FB_ENCODER_RULES] = {
    "public_shaming", "manager_escalation", "uninvited_manager", "not_prewired",
    "under_the_bus",  "defensive_reply",    "heated",            "rushed_reply",
};

const char *const fb_meaning_acts[FB_ENCODER_ACTS] = {
    "ask",         "ownership",  "bad_news",   "blame_person",   "joint_proposal",     "banter",        "contempt",
    "praise",      "sarcasm",    "escalation_move", "ridicule",  "they_not_we",        "blame_team",    "apology",
    "private_correction", "thanks", "denial",  "blame_customer", "threat",             "reported_speech", "excuse",
    "exclusion",   "accusing_question", "list_of_late", "shouting",
};

/* A sentence as tokens [from, to) of the text. */
struct span {
    size_t from, to;
};

struct reading {
    const struct fb_meaning_readers *by;
    struct fb_scratch *first, *second; /* second: taken when it is first needed */
    struct fb_pieces facts, subject, text;
    struct span *spans; /* one a sentence of the judgement */
    struct fb_meaning *out;
};

struct window {
    int32_t ids[FB_ENCODER_LONGEST];
    uint8_t types[FB_ENCODER_LONGEST];
    size_t n, first, end, base; /* tokens; sentences [first, end); where the token of the first of them stands */
};

static bool ends_sentence(char c)
{
    return c == '.' || c == '!' || c == '?';
}

/* The next sentence at or after *at: one or more bytes that neither end a sentence nor a line, then all the enders. */
static bool next_sentence(struct fb_str text, size_t *at, struct fb_str *ret)
{
    size_t from = *at, to;
    while (from < text.n && (ends_sentence(text.p[from]) || text.p[from] == '\n'))
        from++;
    for (to = from; to < text.n && !ends_sentence(text.p[to]) && text.p[to] != '\n'; to++)
        ;
    while (to < text.n && ends_sentence(text.p[to]))
        to++;
    *ret = (struct fb_str){text.p + from, to - from};
    *at = to;
    return to > from;
}

/* Cuts the text into sentences that have at least one token. */
static int sentences_find(struct reading *r, struct fb_arena *arena, struct fb_str text, struct fb_err *err)
{
    size_t most = 1, at = 0, piece = 0;
    struct fb_str s;
    while (next_sentence(text, &at, &s))
        most++;
    r->spans = fb_arena_array(arena, most, sizeof *r->spans);
    r->out->sentences = fb_arena_array(arena, most, sizeof *r->out->sentences);
    if (!r->spans || !r->out->sentences)
        return fb_fail_memory(err);
    for (at = 0; next_sentence(text, &at, &s);) {
        struct span span = {piece, piece};
        while (span.to < r->text.n && r->text.v[span.to].to <= at)
            span.to++;
        piece = span.to;
        if (span.to == span.from)
            continue;
        r->out->sentences[r->out->sentences_n].text = s;
        r->spans[r->out->sentences_n++] = span;
    }
    return 0;
}

static size_t put(int32_t *ids, size_t n, const struct fb_pieces *pieces, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ids[n++] = pieces->v[i].id;
    return n;
}

/* Tokens of the window that begins with sentence @first: as many whole sentences as fit in @room, one at least. */
static size_t window_end(const struct reading *r, size_t first, size_t room)
{
    size_t end = first + 1;
    while (end < r->out->sentences_n && r->spans[end].to - r->spans[first].from <= room)
        end++;
    return end;
}

/* As before anything was read: of a sentence too, since what two judges say of sentences cannot be compared. */
static void forget(struct fb_meaning *out)
{
    out->hold = NEVER;
    for (int i = 0; i < FB_ENCODER_RULES; i++)
        out->rules[i] = NEVER;
    for (size_t i = 0; i < out->sentences_n; i++) {
        out->sentences[i].evidence = NEVER;
        for (int a = 0; a < FB_ENCODER_ACTS; a++)
            out->sentences[i].acts[a] = NEVER;
    }
}

static void keep_greatest(struct fb_meaning *out, const struct fb_encoding *e)
{
    out->hold = e->hold > out->hold ? e->hold : out->hold;
    for (int i = 0; i < FB_ENCODER_RULES && !e->left_early; i++)
        out->rules[i] = e->rules[i] > out->rules[i] ? e->rules[i] : out->rules[i];
}

static void keep_sentences(struct reading *r, struct fb_scratch *read_by, const struct fb_encoding *e, const struct window *w)
{
    for (size_t i = w->first; i < w->end && !e->left_early; i++) {
        struct fb_meaning_sentence *s = &r->out->sentences[i];
        size_t from = w->base + r->spans[i].from - r->spans[w->first].from, to = w->base + r->spans[i].to - r->spans[w->first].from;
        to = to < w->n - 1 ? to : w->n - 1;
        fb_encoder_acts(read_by, from, to, s->acts);
        for (size_t k = from; k < to; k++)
            s->evidence = e->evidence[k] > s->evidence ? e->evidence[k] : s->evidence;
    }
}

static void window_make(const struct reading *r, size_t first, struct window *ret)
{
    *ret = (struct window){.ids = {FB_TOKEN_CLS}, .first = first};
    size_t n = put(ret->ids, 1, &r->facts, 0, r->facts.n), text;
    ret->ids[n++] = FB_TOKEN_SEP;
    text = n;
    n = ret->base = put(ret->ids, n, &r->subject, 0, r->subject.n);
    if (r->out->sentences_n) {
        size_t room = FB_ENCODER_LONGEST - 1 - n;
        ret->end = window_end(r, first, room);
        size_t from = r->spans[first].from, to = r->spans[ret->end - 1].to;
        n = put(ret->ids, n, &r->text, from, to - from > room ? from + room : to);
    }
    ret->ids[n++] = FB_TOKEN_SEP;
    memset(ret->types + text, 1, n - text);
    ret->n = n;
}

static void keep(struct reading *r, struct fb_scratch *read_by, const struct fb_encoding *e, const struct window *w)
{
    keep_greatest(r->out, e);
    keep_sentences(r, read_by, e, w);
}

/* What two say: the mean of log-odds is right more often than either, for they err apart. */
static void agree(struct fb_encoding *e, const struct fb_encoding *other)
{
    e->hold = (e->hold + other->hold) / 2;
    for (int i = 0; i < FB_ENCODER_RULES; i++)
        e->rules[i] = (e->rules[i] + other->rules[i]) / 2;
}

static int read_again(struct reading *r, const struct window *w, const struct fb_encoding *first, struct fb_err *err)
{
    struct fb_encoding e;
    if (!r->second && fb_pool_take(r->by->second, &r->second, err))
        return -1;
    fb_encoder_run(r->second, w->ids, w->types, w->n, -INFINITY, &e);
    agree(&e, first);
    if (!r->out->again++)
        forget(r->out);
    keep(r, r->second, &e, w);
    return 0;
}

static int window_read(struct reading *r, const struct window *w, struct fb_err *err)
{
    struct fb_encoding e;
    fb_encoder_run(r->first, w->ids, w->types, w->n, r->by->exit_below, &e);
    r->out->left_early &= e.left_early;
    if (r->by->second && !e.left_early && e.hold > r->by->again_above)
        return read_again(r, w, &e, err);
    if (!r->out->again)
        keep(r, r->first, &e, w);
    return 0;
}

static int windows_read(struct reading *r, struct fb_err *err)
{
    struct window w = {.end = 0};
    forget(r->out);
    r->out->left_early = true;
    do {
        window_make(r, w.end, &w);
        if (window_read(r, &w, err))
            return -1;
    } while (++r->out->windows < FB_MEANING_WINDOWS && w.end < r->out->sentences_n);
    r->out->cut = w.end < r->out->sentences_n;
    r->out->sentences_n = w.end;
    return 0;
}

static void shorten(struct fb_pieces *p, size_t most)
{
    p->n = p->n < most ? p->n : most;
}

struct fb_str fb_meaning_subject(struct fb_arena *arena, struct fb_str subject)
{
    return subject.n ? fb_arena_printf(arena, "subject: %.*s. ", FB_FMT(subject)) : FB_STR_NONE;
}

int fb_meaning_read(const struct fb_meaning_readers *by, struct fb_arena *arena, struct fb_str facts, struct fb_str subject, struct fb_str text,
                  struct fb_meaning *ret, struct fb_err *err)
{
    const struct fb_vocab *vocab = fb_encoder_vocab(fb_pool_encoder(by->first));
    struct reading r = {.by = by, .out = ret};
    *ret = (struct fb_meaning){.windows = 0};
    subject = fb_meaning_subject(arena, subject);
    if (!subject.p)
        return fb_fail_memory(err);
    if (fb_wordpiece(vocab, arena, facts, &r.facts, err) || fb_wordpiece(vocab, arena, subject, &r.subject, err) ||
        fb_wordpiece(vocab, arena, text, &r.text, err) || sentences_find(&r, arena, text, err))
        return -1;
    shorten(&r.facts, FACTS_MOST);
    shorten(&r.subject, SUBJECT_MOST);
    if (fb_pool_take(by->first, &r.first, err))
        return -1;
    int rc = windows_read(&r, err);
    fb_pool_give(by->first, r.first);
    if (r.second)
        fb_pool_give(by->second, r.second);
    return rc;
}
