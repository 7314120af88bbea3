/* The signals of the judge of meaning. Log-odds come with a floor, so that 0 says "not so, or not judged", as of every
 * other signal. Evidence is the sentence, as the sender wrote it.
 *
 * DIAGNOSTICS: lack of memory; a failure of oneDNN; weights that cannot be read. */
#include "rules/judging.h"

#include <math.h>

#include "rules/language.h"

enum {
    RULES = FB_ENCODER_RULES,
    ACTS = FB_ENCODER_ACTS,
    JUDGED = 0,
    HOLD = 1,
    FIRST_RULE = 2,
    FIRST_ACT = FIRST_RULE + RULES,
    SIGNALS = FIRST_ACT + ACTS,
    QUOTES = 3, /* sentences that are evidence of one signal, at most */
};

static const float exit_below = -2.5;    /* log-odds of hold at an exit: of 680 messages to hold, the lowest at any exit was -2.33 */
static const float decisive_above = -1; /* log-odds of evidence: below it no sentence is quoted but the strongest */

/* In the order of fb_meaning_acts, each as what follows "the sender ". */
static const char *const act_says[ACTS] = {
    "asks for something", "takes responsibility", "brings bad news", "blames a person", "proposes to do it together", "jokes",
    "shows contempt", "praises", "is sarcastic", "takes it to somebody above", "ridicules", "says \"they\" where \"we\" is meant", "blames a team",
    "apologises", "corrects in private", "thanks", "denies", "blames the customer", "threatens", "tells what others said", "makes excuses",
    "shuts somebody out", "accuses by a question", "lists who is late", "shouts",
};

int fb_judging_open(struct fb_arena *arena, const char *model, const struct fb_judging *like, struct fb_judging *ret, struct fb_err *err)
{
    *ret = (struct fb_judging){.absent = FB_STR_NONE};
    int rc = fb_pool_open(model, like ? like->pool : NULL, &ret->pool, err);
    if (rc != FB_ENCODER_NO_CPU)
        return rc;
    ret->absent = fb_arena_dup(arena, FB_STR("this processor has no AVX2: nothing is judged by meaning"));
    return ret->absent.p ? 0 : fb_fail_memory(err);
}

void fb_judging_close(struct fb_judging *j)
{
    fb_pool_close(j->pool);
}

size_t fb_meaning_signals(void)
{
    return SIGNALS;
}

int fb_meaning_names(struct fb_arena *arena, struct fb_str *names, struct fb_str *sentences, struct fb_err *err)
{
    names[JUDGED] = FB_STR("judged");
    sentences[JUDGED] = FB_STR("The judge has read the own words.");
    names[HOLD] = FB_STR("judge_hold");
    sentences[HOLD] = FB_STR("How sure the judge is that a wise colleague would say wait (log-odds, counted from -6).");
    for (int i = 0; i < RULES; i++) {
        names[FIRST_RULE + i] = fb_arena_printf(arena, "judge_%s", fb_meaning_rules[i]);
        sentences[FIRST_RULE + i] = fb_arena_printf(arena, "How sure the judge is of %s (log-odds, counted from -6).", fb_meaning_rules[i]);
    }
    for (int i = 0; i < ACTS; i++) {
        names[FIRST_ACT + i] = fb_arena_printf(arena, "act_%s", fb_meaning_acts[i]);
        sentences[FIRST_ACT + i] = fb_arena_printf(arena, "How many sentences there are in which the sender %s.", act_says[i]);
    }
    for (int i = 0; i < SIGNALS; i++)
        if (!names[i].p || !sentences[i].p)
            return fb_fail_memory(err);
    return 0;
}

/* What the signals are made from. */
struct reading {
    const struct fb_case *c;
    struct fb_arena *arena;
    struct fb_input input;
    struct fb_meaning meaning;
    const struct fb_signal_evidence *decisive; /* the sentences that decided, the strongest first */
    size_t decisive_n;
};

static const struct fb_reader *reader_of(const struct fb_case *c, struct fb_str own)
{
    for (size_t i = 0; i < c->text.sentences_n; i++) {
        struct fb_str s = c->text.sentences[i];
        if (s.p < own.p + own.n && own.p < s.p + s.n && c->about[i].reader)
            return c->about[i].reader;
    }
    return NULL;
}

static struct fb_signal_evidence quote(const struct reading *r, const struct fb_meaning_sentence *s, struct fb_str note)
{
    struct fb_str own = fb_input_own(&r->input, r->c, s->text);
    return (struct fb_signal_evidence){.text = own, .note = note, .who = reader_of(r->c, own)};
}

/* The strongest sentence that is left, or NULL; *@below is the evidence of the last one. */
static const struct fb_meaning_sentence *strongest(const struct fb_meaning *m, float below)
{
    const struct fb_meaning_sentence *best = NULL;
    for (size_t i = 0; i < m->sentences_n; i++)
        if (m->sentences[i].evidence < below && (!best || m->sentences[i].evidence > best->evidence))
            best = &m->sentences[i];
    return best;
}

static int find_decisive(struct reading *r, struct fb_err *err)
{
    struct fb_signal_evidence *v = fb_arena_array(r->arena, QUOTES, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    float below = INFINITY;
    while (r->decisive_n < QUOTES) {
        const struct fb_meaning_sentence *s = strongest(&r->meaning, below);
        if (!s || (r->decisive_n && s->evidence < decisive_above))
            break;
        v[r->decisive_n++] = quote(r, s, FB_STR("These words decided."));
        below = s->evidence;
    }
    r->decisive = v;
    return 0;
}

static struct fb_signal above_floor(const struct reading *r, float log_odds)
{
    if (log_odds <= FB_MEANING_FLOOR)
        return (struct fb_signal){0};
    return (struct fb_signal){.value = log_odds - FB_MEANING_FLOOR, .evidence_n = r->decisive_n, .evidence = r->decisive};
}

static int read_act(struct reading *r, int act, struct fb_signal *ret, struct fb_err *err)
{
    struct fb_signal_evidence *v = NULL;
    struct fb_str note = FB_STR_NONE;
    for (size_t i = 0; i < r->meaning.sentences_n; i++) {
        const struct fb_meaning_sentence *s = &r->meaning.sentences[i];
        if (s->acts[act] < 0)
            continue;
        if (!v) {
            v = fb_arena_array(r->arena, QUOTES, sizeof *v);
            note = fb_arena_printf(r->arena, "Here the sender %s.", act_says[act]);
        }
        if (!v || !note.p)
            return fb_fail_memory(err);
        if (ret->evidence_n < QUOTES)
            v[ret->evidence_n++] = quote(r, s, note);
        ret->value++;
    }
    ret->evidence = v;
    return 0;
}

static int read_all(struct reading *r, struct fb_signal *ret, struct fb_err *err)
{
    if (find_decisive(r, err))
        return -1;
    ret[JUDGED] = (struct fb_signal){.value = 1};
    ret[HOLD] = above_floor(r, r->meaning.hold);
    for (int i = 0; i < RULES; i++)
        ret[FIRST_RULE + i] = above_floor(r, r->meaning.rules[i]);
    for (int i = 0; i < ACTS; i++)
        if (read_act(r, i, &ret[FIRST_ACT + i], err))
            return -1;
    return 0;
}

int fb_judging_read(const struct fb_judging *j, struct fb_arena *arena, const struct fb_case *c, struct fb_input *ret_input, struct fb_meaning *ret,
                    struct fb_err *err)
{
    struct fb_scratch *scratch;
    if (!j->pool || !fb_language_english(&c->text))
        return FB_JUDGING_NONE;
    if (fb_input_make(arena, c, ret_input, err) || fb_pool_take(j->pool, &scratch, err))
        return -1;
    int rc = fb_meaning_read(scratch, fb_encoder_vocab(fb_pool_encoder(j->pool)), arena, ret_input->facts, ret_input->subject, ret_input->text,
                             exit_below, ret, err);
    fb_pool_give(j->pool, scratch);
    return rc;
}

int fb_meaning_signals_read(const struct fb_source *source, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err)
{
    struct reading r = {.c = c, .arena = arena};
    int rc = fb_judging_read(source->state, arena, c, &r.input, &r.meaning, err);
    return rc == FB_JUDGING_NONE ? 0 : rc ? -1 : read_all(&r, ret, err);
}
