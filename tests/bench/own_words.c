/* own-words FILE [-v]: how well own words are told apart. FILE: one JSON object a line, with `text` and `own`.
 *
 * exact: equal but for blanks. near: at least 95% of the words the same, in both directions. Precision, recall and F1 are of
 * words, each counted as often as it is there: over the whole file, where the longest texts weigh most, and as the mean of
 * every text's F1 (1 where both are empty). -v shows each text that is not near, with what is missing (-) and too much (+). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "mail/charset.h"
#include "mail/own.h"

struct score {
    size_t n, exact, near, ours, gold, both;
    double f1;
};

static double f1_of(size_t ours, size_t gold, size_t both)
{
    return ours + gold ? 2.0 * (double)both / (double)(ours + gold) : 1;
}

struct words {
    struct fb_str *v;
    size_t n;
};

static struct words words_cut(struct fb_arena *a, struct fb_str s)
{
    struct words w = {.v = fb_arena_array(a, s.n + 1, sizeof *w.v)};
    struct fb_str word;
    while (w.v && fb_str_word(&s, &word))
        w.v[w.n++] = word;
    return w;
}

static int compare(const void *a, const void *b)
{
    const struct fb_str *x = a, *y = b;
    int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return r ? r : (x->n > y->n) - (x->n < y->n);
}

static bool equal(const struct words *a, const struct words *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (!fb_str_eq(a->v[i], b->v[i]))
            return false;
    return a->n == b->n;
}

/* How many words are in both, each as often as it is in both. Sorts them. */
static size_t shared(struct words *a, struct words *b)
{
    size_t both = 0;
    qsort(a->v, a->n, sizeof *a->v, compare);
    qsort(b->v, b->n, sizeof *b->v, compare);
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        int c = compare(&a->v[i], &b->v[j]);
        both += c == 0;
        i += c <= 0;
        j += c >= 0;
    }
    return both;
}

/* Lines of @a that are nowhere in @b. */
static void show(char sign, struct fb_str a, struct fb_str b)
{
    struct fb_str line;
    while (fb_str_line(&a, &line))
        if (fb_str_trim(line).n && fb_str_ifind(b, fb_str_trim(line)) < 0)
            printf("%c %.*s\n", sign, FB_FMT(line));
}

static struct fb_str member(json_t *o, const char *name)
{
    return (struct fb_str){json_string_value(json_object_get(o, name)), json_string_length(json_object_get(o, name))};
}

static void measure(struct score *s, json_t *o, bool verbose)
{
    FB_ARENA a = fb_arena_new(64u << 20);
    struct fb_err err;
    struct fb_own own;
    struct fb_str text, gold;
    if (fb_charset_tidy(a, member(o, "text"), &text, &err) < 0 || fb_charset_tidy(a, member(o, "own"), &gold, &err) < 0 ||
        fb_own_words(a, text, &own, &err) < 0) {
        fprintf(stderr, "own-words: %s\n", err.text);
        exit(1);
    }
    struct words w = words_cut(a, own.text), g = words_cut(a, gold);
    bool exact = equal(&w, &g);
    size_t both = shared(&w, &g);
    bool near = both * 100 >= w.n * 95 && both * 100 >= g.n * 95;
    s->n++, s->exact += exact, s->near += near, s->ours += w.n, s->gold += g.n, s->both += both;
    s->f1 += f1_of(w.n, g.n, both);
    if (verbose && !near) {
        printf("=== %s: %zu ours, %zu theirs, %zu in both\n", json_string_value(json_object_get(o, "id")), w.n, g.n, both);
        show('-', gold, text.n ? own.text : FB_STR_NONE);
        show('+', own.text, gold);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: own-words FILE [-v]\n");
        return 64;
    }
    FB_ARENA a = fb_arena_new(1u << 30);
    struct fb_err err;
    struct fb_str data, line;
    if (fb_io_read_file(a, argv[1], 512u << 20, &data, &err)) {
        fprintf(stderr, "own-words: %s\n", err.text);
        return 1;
    }
    struct score s = {0};
    while (fb_str_line(&data, &line)) {
        json_t *o = json_loadb(line.p, line.n, 0, NULL);
        if (o)
            measure(&s, o, argc > 2);
        json_decref(o);
    }
    printf("texts %zu  exact %.1f%%  near %.1f%%  precision %.4f  recall %.4f  F1 %.4f  mean F1 %.4f\n", s.n, 100.0 * (double)s.exact / (double)s.n,
           100.0 * (double)s.near / (double)s.n, (double)s.both / (double)s.ours, (double)s.both / (double)s.gold, f1_of(s.ours, s.gold, s.both),
           s.f1 / (double)s.n);
    return 0;
}
