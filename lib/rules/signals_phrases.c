/* The signals of the phrase lists. A phrase about nobody is weak, the same words about a colleague are not: so each list
 * gives one signal for each kind of sentence below. A sentence counts once, however many phrases stand in it. One signal
 * reads what the sender answers: whether it complains. Nothing else of a quoted mail is looked at, and none of it is shown.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "rules/signals.h"

enum { EVIDENCE_MAX = 8, QUOTE_MAX = 400 };

static bool about_any(struct fb_about a)
{
    (void)a;
    return true;
}

static bool about_person(struct fb_about a)
{
    return a.reader || a.person;
}

static bool about_colleague(struct fb_about a)
{
    return a.person || (a.reader && a.reader->inside);
}

static const struct {
    const char *ending, *sentence;
    bool (*counts)(struct fb_about a);
} kinds[] = {
    {"", "", about_any},
    {"_at_person", " In a sentence about a person.", about_person},
    {"_at_colleague", " In a sentence about a colleague.", about_colleague},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

size_t fb_phrase_signals(const struct fb_phrases *p)
{
    const struct fb_phrase_list *lists;
    return fb_phrases_lists(p, &lists) * KINDS + 1;
}

int fb_phrase_names(struct fb_arena *arena, const struct fb_phrases *p, struct fb_str *names, struct fb_str *sentences, struct fb_err *err)
{
    const struct fb_phrase_list *lists;
    size_t n = fb_phrases_lists(p, &lists);
    for (size_t i = 0; i < n * KINDS; i++) {
        const struct fb_phrase_list *list = &lists[i / KINDS];
        names[i] = fb_arena_printf(arena, "phrase_%.*s%s", FB_FMT(list->name), kinds[i % KINDS].ending);
        sentences[i] = list->says.n ? fb_arena_printf(arena, "%.*s%s", FB_FMT(list->says), kinds[i % KINDS].sentence)
                                    : fb_arena_printf(arena, "Words of the list %.*s.%s", FB_FMT(list->name), kinds[i % KINDS].sentence);
        if (!names[i].p || !sentences[i].p)
            return fb_fail_memory(err);
    }
    names[n * KINDS] = FB_STR("answers_complaint");
    sentences[n * KINDS] = FB_STR("How many sentences of the mail that it answers, as far as it quotes that, hold words of the list complaint.");
    return 0;
}

/* The whole sentence, or the words alone where it is too long to quote. */
static struct fb_str quote(const struct fb_text *t, const struct fb_phrase_hit *hit)
{
    struct fb_str s = fb_str_trim(t->sentences[hit->sentence]);
    return s.n <= QUOTE_MAX ? s : fb_text_span(t, hit->word, hit->n);
}

static size_t count_quotes(const char *p, const char *end)
{
    size_t n = 0;
    for (; p < end; p++)
        n += *p == '"' || (end - p > 2 && memcmp(p, "\xE2\x80", 2) == 0 && ((unsigned char)p[2] & 0xFE) == 0x9C);
    return n;
}

/* What stands between quotation marks was said by somebody else. */
static bool is_quoted(const struct fb_text *t, const struct fb_phrase_hit *hit)
{
    struct fb_str s = t->sentences[hit->sentence], span = fb_text_span(t, hit->word, hit->n);
    return count_quotes(s.p, span.p) % 2 == 1 && count_quotes(span.p, span.p + span.n) == 0;
}

static struct fb_str note(struct fb_arena *arena, const struct fb_phrase_list *list, struct fb_about about)
{
    struct fb_str says = list->says, name = fb_about_name(about);
    if (!says.n)
        says = fb_arena_printf(arena, "Words of the list %.*s.", FB_FMT(list->name));
    return name.n ? fb_arena_printf(arena, "%.*s About %.*s.", FB_FMT(says), FB_FMT(name)) : says;
}

static int add_hit(struct fb_arena *arena, const struct fb_case *c, const struct fb_phrase_list *list, const struct fb_phrase_hit *hit,
                   struct fb_signal *ret, struct fb_err *err)
{
    struct fb_about about = c->about[hit->sentence];
    struct fb_signal_evidence one = {.text = quote(&c->text, hit), .note = note(arena, list, about), .who = about.reader};
    if (!one.note.p)
        return fb_fail_memory(err);
    for (size_t k = 0; k < KINDS; k++) {
        struct fb_signal *s = &ret[hit->list * KINDS + k];
        if (!kinds[k].counts(about))
            continue;
        s->value++;
        struct fb_signal_evidence *room = s->evidence_n ? (struct fb_signal_evidence *)s->evidence : fb_arena_array(arena, EVIDENCE_MAX, sizeof *room);
        if (!room)
            return fb_fail_memory(err);
        s->evidence = room;
        if (s->evidence_n < EVIDENCE_MAX)
            room[s->evidence_n++] = one;
    }
    return 0;
}

/* The list complaint; SIZE_MAX where the admin has none. */
static size_t complaint_list(const struct fb_phrases *p)
{
    const struct fb_phrase_list *lists;
    for (size_t i = 0, n = fb_phrases_lists(p, &lists); i < n; i++)
        if (fb_str_eq(lists[i].name, FB_STR("complaint")))
            return i;
    return SIZE_MAX;
}

static size_t count_sentences(const struct fb_phrase_hit *hits, size_t n, size_t list)
{
    size_t counted = 0, last = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        if (hits[i].list == list && hits[i].sentence != last)
            counted++, last = hits[i].sentence;
    return counted;
}

static int read_answered(const struct fb_phrases *p, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err)
{
    const struct fb_quoted *q = &c->own->quoted;
    size_t list = complaint_list(p), n;
    struct fb_own answered;
    struct fb_text text;
    const struct fb_phrase_hit *hits;
    if (list == SIZE_MAX || !q->body.n || q->forwarded || fb_str_ieq(q->addr, c->sender))
        return 0;
    if (fb_quoted_words(arena, q, &answered, err) || fb_text_cut(arena, answered.sentences, answered.sentences_n, &text, err) ||
        fb_phrases_match(p, arena, &text, true, &hits, &n, err))
        return -1;
    ret->value = (double)count_sentences(hits, n, list);
    if (ret->value <= 0)
        return 0;
    struct fb_signal_evidence *v = fb_arena_array(arena, 1, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    *v = (struct fb_signal_evidence){.text = FB_STR_NONE, .note = FB_STR("What it answers is a complaint")};
    ret->evidence = v;
    ret->evidence_n = 1;
    return 0;
}

int fb_phrase_read(const struct fb_source *source, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err)
{
    const struct fb_phrases *p = source->state;
    const struct fb_phrase_list *lists;
    const struct fb_phrase_hit *hits;
    size_t n, lists_n = fb_phrases_lists(p, &lists);
    size_t *counted = fb_arena_array(arena, lists_n, sizeof *counted); /* of each list, the last sentence counted + 1 */
    if (!counted)
        return fb_fail_memory(err);
    if (fb_phrases_match(p, arena, &c->text, c->addressee != NULL, &hits, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (counted[hits[i].list] == hits[i].sentence + 1u || is_quoted(&c->text, &hits[i]))
            continue;
        counted[hits[i].list] = hits[i].sentence + 1u;
        if (add_hit(arena, c, &lists[hits[i].list], &hits[i], ret, err))
            return -1;
    }
    return read_answered(p, arena, c, &ret[lists_n * KINDS], err);
}
