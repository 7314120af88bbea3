/* The figures of `forbear eval`: what was right, how well the scores rank, what it cost. It counts what eval.c found and
 * judges nothing. Who draws at random always draws the same: two runs over the same verdicts print the same figures. */
#include <math.h>
#include <stdlib.h>

#include "eval.h"

enum { RESAMPLES = 2000 };

static bool in_set(const struct eval_case *c)
{
    return c->expect != EVAL_ORDINARY;
}

bool eval_case_right(const struct eval_case *c)
{
    return c->expect == EVAL_HOLD ? c->held : c->expect != EVAL_PASS || !c->held;
}

static bool fires(const struct eval_case *c, size_t rule)
{
    for (size_t i = 0; i < c->findings_n; i++)
        if (c->findings[i].rule == rule)
            return c->findings[i].fires;
    return false;
}

static bool wants(const struct eval *e, const struct eval_case *c, size_t rule)
{
    for (size_t i = 0; i < c->rules_n; i++)
        if (fb_str_eq(c->rules[i], e->rules.v[rule]))
            return true;
    return false;
}

/* ---- pairs ---- */

struct pairs { /* the cases of the set in the order of their pairs, those without one last and each by itself */
    size_t n;
    const struct eval_case **v;
};

static int compare(struct fb_str a, struct fb_str b)
{
    int d = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int by_pair(const void *a, const void *b)
{
    const struct eval_case *x = *(const struct eval_case *const *)a, *y = *(const struct eval_case *const *)b;
    if (!x->pair.n != !y->pair.n)
        return x->pair.n ? -1 : 1;
    int d = compare(x->pair, y->pair);
    return d ? d : (x > y) - (x < y);
}

static struct pairs pairs_of(const struct eval *e)
{
    struct pairs p = {.v = fb_arena_array(e->arena, e->n, sizeof *p.v)};
    for (size_t i = 0; p.v && i < e->n; i++)
        if (in_set(&e->v[i]))
            p.v[p.n++] = &e->v[i];
    if (p.n)
        qsort(p.v, p.n, sizeof *p.v, by_pair);
    return p;
}

/* The end of the pair that begins at @from. */
static size_t pair_end(const struct pairs *p, size_t from)
{
    size_t end = from + 1;
    while (end < p->n && p->v[from]->pair.n && fb_str_eq(p->v[end]->pair, p->v[from]->pair))
        end++;
    return end;
}

/* ---- right and wrong ---- */

struct pair_counts {
    size_t holds, passes, wrong;
    bool wanted;
};

static struct pair_counts count_pair(const struct eval *e, const struct pairs *p, size_t from, size_t end, size_t rule)
{
    struct pair_counts n = {.wanted = rule == EVAL_OVERALL};
    for (size_t i = from; i < end; i++) {
        n.holds += p->v[i]->expect == EVAL_HOLD;
        n.passes += p->v[i]->expect == EVAL_PASS;
        n.wrong += !eval_case_right(p->v[i]);
        n.wanted |= rule != EVAL_OVERALL && wants(e, p->v[i], rule);
    }
    return n;
}

static void count_case(const struct eval *e, const struct eval_case *c, size_t rule, struct eval_counts *n)
{
    if (c->expect == EVAL_HOLD && (rule == EVAL_OVERALL || wants(e, c, rule))) {
        n->holds++;
        n->holds_right += c->held;
        n->holds_by_rule += rule == EVAL_OVERALL ? c->held : fires(c, rule);
    }
    if (c->expect == EVAL_PASS) {
        n->passes++;
        n->passes_right += !c->held;
    }
}

struct eval_counts eval_count(const struct eval *e, size_t rule)
{
    struct eval_counts n = {0};
    struct pairs p = pairs_of(e);
    for (size_t from = 0, end; from < p.n; from = end) {
        end = pair_end(&p, from);
        struct pair_counts pair = count_pair(e, &p, from, end, rule);
        for (size_t i = from; i < end; i++) {
            n.fired_on_passes += p.v[i]->expect == EVAL_PASS && (rule == EVAL_OVERALL ? p.v[i]->held : fires(p.v[i], rule));
            if (pair.wanted)
                count_case(e, p.v[i], rule, &n);
        }
        bool whole = pair.wanted && pair.holds && pair.passes;
        n.pairs += whole;
        n.pairs_right += whole && !pair.wrong;
    }
    return n;
}

/* ---- ranking ---- */

struct ranked {
    double score;
    bool positive;
    size_t cluster; /* cases of one pair are drawn together */
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

/* The area under the curve where cluster i counts @times[i] times; NAN where all that counts is of one kind. */
static double area(const struct ranked *v, size_t n, const unsigned *times)
{
    double positives = 0, negatives = 0, won = 0;
    for (size_t i = 0, end; i < n; i = end) {
        double p = 0, q = 0;
        for (end = i; end < n && v[end].score == v[i].score; end++)
            *(v[end].positive ? &p : &q) += times[v[end].cluster];
        won += p * (negatives + q / 2);
        positives += p;
        negatives += q;
    }
    return positives > 0 && negatives > 0 ? won / (positives * negatives) : NAN;
}

/* Vigna's splitmix64: small, and good enough to draw by. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which the share @q of @n sorted ones lies. */
static double quantile(const double *v, size_t n, double q)
{
    size_t i = (size_t)ceil(q * (double)n);
    return v[i ? i - 1 : 0];
}

static void interval(const struct ranked *v, size_t n, size_t clusters, unsigned *times, double *areas, struct eval_auc *ret)
{
    uint64_t state = 1;
    size_t made = 0;
    for (int r = 0; r < RESAMPLES; r++) {
        memset(times, 0, clusters * sizeof *times);
        for (size_t i = 0; i < clusters; i++)
            times[draw(&state) % clusters]++;
        areas[made] = area(v, n, times);
        made += !isnan(areas[made]);
    }
    qsort(areas, made, sizeof *areas, by_value);
    ret->low = made ? quantile(areas, made, 0.025) : ret->auc;
    ret->high = made ? quantile(areas, made, 0.975) : ret->auc;
}

bool eval_auc(const struct eval *e, bool either, struct eval_auc *ret)
{
    struct pairs p = pairs_of(e);
    size_t n = 0, clusters = 0;
    struct ranked *v = fb_arena_array(e->arena, p.n, sizeof *v);
    unsigned *times = fb_arena_array(e->arena, p.n, sizeof *times);
    double *areas = fb_arena_array(e->arena, RESAMPLES, sizeof *areas);
    if (!v || !times || !areas)
        return false;
    for (size_t from = 0, end; from < p.n; from = end, clusters++) {
        end = pair_end(&p, from);
        times[clusters] = 1;
        for (size_t i = from; i < end; i++)
            if (either || p.v[i]->expect != EVAL_EITHER)
                v[n++] = (struct ranked){p.v[i]->score, p.v[i]->expect != EVAL_PASS, clusters};
    }
    if (n)
        qsort(v, n, sizeof *v, by_score);
    *ret = (struct eval_auc){.auc = area(v, n, times)};
    if (isnan(ret->auc))
        return false;
    interval(v, n, clusters, times, areas, ret);
    return true;
}

struct eval_share eval_order(const struct eval *e)
{
    struct eval_share s = {0};
    struct pairs p = pairs_of(e);
    for (size_t from = 0, end; from < p.n; from = end) {
        end = pair_end(&p, from);
        for (size_t i = from; i < end; i++)
            for (size_t k = from; k < end; k++)
                if (p.v[i]->expect == EVAL_HOLD && p.v[k]->expect == EVAL_PASS) {
                    s.of++;
                    s.n += p.v[i]->score > p.v[k]->score ? 1 : p.v[i]->score == p.v[k]->score ? 0.5 : 0;
                }
    }
    return s;
}

/* ---- ordinary mail, and time ---- */

struct eval_ordinary eval_count_ordinary(const struct eval *e)
{
    struct eval_ordinary o = {0};
    for (size_t i = 0; i < e->n; i++)
        if (!in_set(&e->v[i])) {
            o.messages++;
            o.judged += e->v[i].judged;
            o.holds += e->v[i].held;
        }
    return o;
}

size_t eval_holds_of(const struct eval *e, size_t rule)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++)
        n += !in_set(&e->v[i]) && fires(&e->v[i], rule);
    return n;
}

size_t eval_not_judged(const struct eval *e, struct fb_str reason)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++)
        n += !e->v[i].judged && fb_str_eq(e->v[i].reason, reason);
    return n;
}

struct eval_names eval_reasons(const struct eval *e)
{
    struct eval_names names = {.v = fb_arena_array(e->arena, e->n, sizeof *names.v)};
    for (size_t i = 0; names.v && i < e->n; i++) {
        size_t at = 0;
        while (at < names.n && !fb_str_eq(names.v[at], e->v[i].reason))
            at++;
        if (!e->v[i].judged && at == names.n)
            names.v[names.n++] = e->v[i].reason;
    }
    return names;
}

struct eval_times eval_cpu(const struct eval *e, bool judged)
{
    struct eval_times t = {0};
    double *v = fb_arena_array(e->arena, e->n, sizeof *v);
    for (size_t i = 0; v && i < e->n; i++)
        if (e->v[i].judged == judged)
            v[t.n++] = e->v[i].cpu_ms;
    if (!t.n)
        return t;
    qsort(v, t.n, sizeof *v, by_value);
    t.median_ms = quantile(v, t.n, 0.5);
    t.p99_ms = quantile(v, t.n, 0.99);
    return t;
}
