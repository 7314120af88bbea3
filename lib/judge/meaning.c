/* From texts to judgement: tokens, sentences, windows. Decides what the encoder sees at once; must never let a window begin
 * or end within a sentence unless the sentence alone is longer than a window. */
#include "judge/meaning.h"

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
    struct fb_scratch *scratch;
    struct fb_pieces facts, subject, text;
    struct span *spans; /* one a sentence of the judgement */
    struct fb_meaning *out;
    float exit_below;
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
        struct fb_meaning_sentence *out = &r->out->sentences[r->out->sentences_n];
        out->text = s;
        out->evidence = NEVER;
        for (int a = 0; a < FB_ENCODER_ACTS; a++)
            out->acts[a] = NEVER;
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

static void keep_greatest(struct fb_meaning *out, const struct fb_encoding *e, bool first)
{
    out->hold = e->hold > out->hold ? e->hold : out->hold;
    for (int i = 0; i < FB_ENCODER_RULES && !e->left_early; i++)
        out->rules[i] = e->rules[i] > out->rules[i] ? e->rules[i] : out->rules[i];
    out->left_early = (first || out->left_early) && e->left_early;
}

/* What the encoder says of the sentences [first, end), the text's token @from standing at @base of the window. */
static void keep_sentences(struct reading *r, const struct fb_encoding *e, size_t first, size_t end, size_t base, size_t n)
{
    for (size_t i = first; i < end && !e->left_early; i++) {
        struct fb_meaning_sentence *s = &r->out->sentences[i];
        size_t from = base + r->spans[i].from - r->spans[first].from, to = base + r->spans[i].to - r->spans[first].from;
        to = to < n ? to : n;
        fb_encoder_acts(r->scratch, from, to, s->acts);
        for (size_t k = from; k < to; k++)
            s->evidence = e->evidence[k] > s->evidence ? e->evidence[k] : s->evidence;
    }
}

static size_t window_run(struct reading *r, size_t first)
{
    int32_t ids[FB_ENCODER_LONGEST] = {FB_TOKEN_CLS};
    uint8_t types[FB_ENCODER_LONGEST] = {0};
    size_t n = put(ids, 1, &r->facts, 0, r->facts.n);
    ids[n++] = FB_TOKEN_SEP;
    size_t end = 0, text = n, base = n = put(ids, n, &r->subject, 0, r->subject.n), room = FB_ENCODER_LONGEST - 1 - n;
    if (r->out->sentences_n) {
        end = window_end(r, first, room);
        size_t from = r->spans[first].from, to = r->spans[end - 1].to;
        n = put(ids, n, &r->text, from, to - from > room ? from + room : to);
    }
    ids[n++] = FB_TOKEN_SEP;
    memset(types + text, 1, n - text);
    struct fb_encoding e;
    fb_encoder_run(r->scratch, ids, types, n, r->exit_below, &e);
    keep_greatest(r->out, &e, first == 0);
    r->out->windows++;
    keep_sentences(r, &e, first, end, base, n - 1);
    return end;
}

static void windows_run(struct reading *r)
{
    size_t at = 0;
    for (int w = 0; w < FB_MEANING_WINDOWS; w++) {
        at = window_run(r, at);
        if (at >= r->out->sentences_n)
            return;
    }
    r->out->cut = true;
    r->out->sentences_n = at;
}

static void shorten(struct fb_pieces *p, size_t most)
{
    p->n = p->n < most ? p->n : most;
}

struct fb_str fb_meaning_subject(struct fb_arena *arena, struct fb_str subject)
{
    return subject.n ? fb_arena_printf(arena, "subject: %.*s. ", FB_FMT(subject)) : FB_STR_NONE;
}

int fb_meaning_read(struct fb_scratch *s, const struct fb_vocab *vocab, struct fb_arena *arena, struct fb_str facts, struct fb_str subject,
                  struct fb_str text, float exit_below, struct fb_meaning *ret, struct fb_err *err)
{
    struct reading r = {.scratch = s, .out = ret, .exit_below = exit_below};
    *ret = (struct fb_meaning){.hold = NEVER};
    for (int i = 0; i < FB_ENCODER_RULES; i++)
        ret->rules[i] = NEVER;
    subject = fb_meaning_subject(arena, subject);
    if (!subject.p)
        return fb_fail_memory(err);
    if (fb_wordpiece(vocab, arena, facts, &r.facts, err) || fb_wordpiece(vocab, arena, subject, &r.subject, err) ||
        fb_wordpiece(vocab, arena, text, &r.text, err) || sentences_find(&r, arena, text, err))
        return -1;
    shorten(&r.facts, FACTS_MOST);
    shorten(&r.subject, SUBJECT_MOST);
    windows_run(&r);
    return 0;
}
