/* The signals of the judge of meaning. Log-odds come with a floor, so that 0 says "not so, or not judged", as of every
 * other signal. Evidence is the sentence, as the sender wrote it.
 *
 * DIAGNOSTICS: lack of memory; weights that cannot be read. */
#include "rules/judging.h"

#include <math.h>

#include "rules/language.h"

enum {
    RULES = FB_ENCODER_RULES,
    ACTS = FB_ENCODER_ACTS,
    JUDGED = 0,
    HOLD = 1,
    NAMED_ALONE = 2,
    OTHER_LANGUAGE = 3,
    FIRST_RULE = 4,
    FIRST_ACT = FIRST_RULE + RULES,
    SIGNALS = FIRST_ACT + ACTS,
    QUOTES = 3,            /* sentences that are evidence of one signal, at most */
    GREETING_WORDS = 4,    /* at most, in a line that ends with a comma */
    GREETING_BEHIND = 50,  /* log-odds by which any other sentence is preferred */
};

static const float exit_below = -3;     /* log-odds of hold at an exit: training/calibrate.py keeps every message to hold above it */
static const float again_above = -3;    /* where a message is read closely: log-odds of hold above which the second reads a window */
static const float decisive_above = -1; /* log-odds of evidence: below it no sentence is quoted but the strongest */

/* In the order of fb_meaning_acts, each as what follows "the sender ". */
static const char *const act_says[ACTS] = {
    "asks for something", "takes responsibility", "brings bad news", "blames a person", "proposes to do it together", "jokes",
    "shows contempt", "praises", "is sarcastic", "takes it to somebody above", "ridicules", "says \"they\" where \"we\" is meant", "blames a team",
    "apologises", "corrects in private", "thanks", "denies", "blames the customer", "threatens", "tells what others said", "makes excuses",
    "shuts somebody out", "accuses by a question", "lists who is late", "shouts",
};

static int second_open(const char *path, const struct fb_judging *like, struct fb_judging *ret, struct fb_err *err)
{
    if (fb_pool_open(path, like ? like->second : NULL, &ret->second, err))
        return -1;
    if (!fb_encoder_same_vocab(fb_pool_encoder(ret->pool), fb_pool_encoder(ret->second)))
        return fb_fail(err, "%s has another vocabulary than the first file of weights", path);
    return 0;
}

int fb_judging_open(struct fb_arena *arena, const char *model, const char *second, const struct fb_judging *like, struct fb_judging *ret,
                    struct fb_err *err)
{
    *ret = (struct fb_judging){.absent = FB_STR_NONE};
    int rc = fb_pool_open(model, like ? like->pool : NULL, &ret->pool, err);
    if (rc == 0 && second && second_open(second, like, ret, err)) {
        fb_judging_close(ret);
        *ret = (struct fb_judging){.absent = FB_STR_NONE};
        return -1;
    }
    if (rc != FB_ENCODER_NO_CPU)
        return rc;
    ret->absent = fb_arena_dup(arena, FB_STR("this processor has no AVX2: nothing is judged by meaning"));
    return ret->absent.p ? 0 : fb_fail_memory(err);
}

void fb_judging_close(struct fb_judging *j)
{
    fb_pool_close(j->pool);
    fb_pool_close(j->second);
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
    names[NAMED_ALONE] = FB_STR("named_alone_before");
    sentences[NAMED_ALONE] = FB_STR("The sender lately exchanged mail alone, outside this thread, with whom the decisive sentence is about, or where that is "
                                    "nobody, with somebody whom it names or addresses.");
    names[OTHER_LANGUAGE] = FB_STR("other_language");
    sentences[OTHER_LANGUAGE] = FB_STR("The judge has not read the own words: they are mainly in another language than English.");
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

static bool overlap(struct fb_str a, struct fb_str b)
{
    return a.p < b.p + b.n && b.p < a.p + a.n;
}

static const struct fb_reader *reader_of(const struct fb_case *c, struct fb_str own)
{
    for (size_t i = 0; i < c->text.sentences_n; i++)
        if (c->about[i].reader && overlap(c->text.sentences[i], own))
            return c->about[i].reader;
    return NULL;
}

/* Whom the decisive sentences are about: the strongest that is about somebody. *ret_own: that sentence. */
static struct fb_about decisive_about(const struct reading *r, struct fb_str *ret_own)
{
    const struct fb_case *c = r->c;
    for (size_t k = 0; k < r->decisive_n; k++)
        for (size_t i = 0; i < c->text.sentences_n; i++)
            if ((c->about[i].reader || c->about[i].person) && overlap(c->text.sentences[i], r->decisive[k].text)) {
                *ret_own = r->decisive[k].text;
                return c->about[i];
            }
    return (struct fb_about){NULL, NULL};
}

static bool wrote_alone(const struct fb_case *c, struct fb_about a)
{
    return (a.reader || a.person) && fb_past_alone(&c->past, a.reader ? a.reader->addr : a.person->email);
}

/* Somebody whom the text names or addresses, and with whom the sender exchanged mail alone. */
static struct fb_about any_alone(const struct fb_case *c)
{
    for (size_t i = 0; i < c->mentions_n; i++) {
        struct fb_about a = {c->mentions[i].reader, c->mentions[i].person};
        if (wrote_alone(c, a))
            return a;
    }
    return (struct fb_about){c->addressee, NULL};
}

/* Asked of messages that the judge does not read too. */
static int read_named_alone(const struct reading *r, struct fb_signal *ret, struct fb_err *err)
{
    struct fb_str own = FB_STR_NONE;
    struct fb_about who = decisive_about(r, &own);
    if (!own.n)
        who = any_alone(r->c);
    if (!wrote_alone(r->c, who))
        return 0;
    struct fb_signal_evidence *v = fb_arena_array(r->arena, 1, sizeof *v);
    struct fb_str note = fb_arena_printf(r->arena, "%.*s and you wrote to each other alone before", FB_FMT(fb_about_name(who)));
    if (!v || !note.p)
        return fb_fail_memory(err);
    *v = (struct fb_signal_evidence){.text = own, .note = note, .who = who.reader};
    *ret = (struct fb_signal){.value = 1, .evidence_n = 1, .evidence = v};
    return 0;
}

static struct fb_signal_evidence quote(const struct reading *r, const struct fb_meaning_sentence *s, struct fb_str note)
{
    struct fb_str own = fb_input_own(&r->input, r->c, s->text);
    return (struct fb_signal_evidence){.text = own, .note = note, .who = reader_of(r->c, own)};
}

/* A line such as "Dear all," decides nothing, though what follows it may have lit it up. */
static bool is_greeting(struct fb_str line)
{
    size_t spaces = 0;
    for (size_t i = 0; i < line.n; i++)
        spaces += line.p[i] == ' ';
    return line.n && line.p[line.n - 1] == ',' && spaces < GREETING_WORDS;
}

static float decides(const struct fb_meaning_sentence *s)
{
    return s->evidence - (is_greeting(s->text) ? GREETING_BEHIND : 0);
}

/* The strongest sentence of those below @below, or NULL. */
static const struct fb_meaning_sentence *strongest(const struct fb_meaning *m, float below)
{
    const struct fb_meaning_sentence *best = NULL;
    for (size_t i = 0; i < m->sentences_n; i++)
        if (decides(&m->sentences[i]) < below && (!best || decides(&m->sentences[i]) > decides(best)))
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
        if (!s || (r->decisive_n && decides(s) < decisive_above))
            break;
        v[r->decisive_n++] = quote(r, s, FB_STR("These words decided."));
        below = decides(s);
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
    const struct fb_meaning_readers by = {.first = j->pool, .second = c->closely ? j->second : NULL, .exit_below = exit_below, .again_above = again_above};
    if (!j->pool)
        return FB_JUDGING_NONE;
    if (!fb_language_english(&c->text, fb_encoder_vocab(fb_pool_encoder(j->pool))))
        return FB_JUDGING_LANGUAGE;
    if (fb_input_make(arena, c, ret_input, err))
        return -1;
    return fb_meaning_read(&by, arena, ret_input->facts, ret_input->subject, ret_input->text, ret, err);
}

int fb_meaning_signals_read(const struct fb_source *source, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err)
{
    struct reading r = {.c = c, .arena = arena};
    int rc = fb_judging_read(source->state, arena, c, &r.input, &r.meaning, err);
    ret[OTHER_LANGUAGE].value = rc == FB_JUDGING_LANGUAGE;
    if (rc < 0 || (rc == 0 && read_all(&r, ret, err)))
        return -1;
    return read_named_alone(&r, &ret[NAMED_ALONE], err);
}
