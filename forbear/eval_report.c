/* What `forbear eval` prints: tables for people, or one object for programs. Every figure comes from eval_figures.c.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include <stdio.h>
#include <stdlib.h>

#include "eval.h"

static void json_cleanup(json_t **j)
{
    json_decref(*j);
}
#define JSON __attribute__((cleanup(json_cleanup))) json_t *

static double per_1000(size_t n, size_t of)
{
    return of ? 1000.0 * (double)n / (double)of : 0;
}

static size_t in_set(const struct eval *e)
{
    return e->n - eval_count_ordinary(e).messages;
}

/* Rules that no case of the set wants are left out. */
static bool in_table(const struct eval *e, size_t rule)
{
    return eval_count(e, rule).holds > 0;
}

/* ---- for people ---- */

static void print_share(size_t n, size_t of)
{
    char share[8] = "";
    if (of)
        snprintf(share, sizeof share, "%.0f%%", 100.0 * (double)n / (double)of);
    printf(" %4zu/%-4zu %4s", n, of, share);
}

static void print_counts(struct fb_str name, const struct eval_counts *n)
{
    printf("%-20.*s", FB_FMT(name));
    print_share(n->holds_right, n->holds);
    print_share(n->holds_by_rule, n->holds);
    print_share(n->passes_right, n->passes);
    print_share(n->pairs_right, n->pairs);
    printf(" %5zu\n", n->fired_on_passes);
}

static void print_auc(const char *what, const struct eval *e, bool either)
{
    struct eval_auc a;
    if (eval_auc(e, either, &a))
        printf("AUC of the score, %s: %.3f (95%%: %.3f to %.3f)\n", what, a.auc, a.low, a.high);
}

static bool has_either(const struct eval *e)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->v[i].expect == EVAL_EITHER)
            return true;
    return false;
}

static void print_set(const struct eval *e)
{
    struct eval_counts all = eval_count(e, EVAL_OVERALL);
    struct eval_share order = eval_order(e);
    printf("%-20s %14s %14s %14s %14s %5s\n", "rule", "held ", "by the rule ", "passed ", "pairs right ", "false");
    for (size_t i = 0; i < e->rules.n; i++) {
        struct eval_counts n = eval_count(e, i);
        if (in_table(e, i))
            print_counts(e->rules.v[i], &n);
    }
    print_counts(FB_STR("overall"), &all);
    print_auc("hold against pass", e, false);
    if (has_either(e))
        print_auc("hold or either against pass", e, true);
    if (order.of)
        printf("order within pairs: %.3f of %zu\n", order.n / (double)order.of, order.of);
}

static void print_ordinary(const struct eval *e, const struct eval_ordinary *o)
{
    printf("ordinary mail: %zu messages, %zu judged, %zu held: %.2f per 1,000\n", o->messages, o->judged, o->holds, per_1000(o->holds, o->messages));
    for (size_t i = 0; i < e->rules.n; i++)
        if (eval_holds_of(e, i))
            printf("  %-20.*s %5zu  %6.2f\n", FB_FMT(e->rules.v[i]), eval_holds_of(e, i), per_1000(eval_holds_of(e, i), o->messages));
}

static void print_times(const char *what, struct eval_times t)
{
    if (t.n)
        printf("%s: %zu, CPU median %.2f ms, 99th percentile %.2f ms\n", what, t.n, t.median_ms, t.p99_ms);
}

/* What the deciding rule of a verdict quotes. */
static json_t *evidence_of(const json_t *verdict)
{
    const char *rule = json_string_value(json_object_get(verdict, "rule"));
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(verdict, "rules"), i, r)
        if (rule && strcmp(rule, json_string_value(json_object_get(r, "name"))) == 0)
            return json_object_get(r, "evidence");
    return NULL;
}

static void print_evidence(const json_t *verdict)
{
    size_t i;
    json_t *e;
    json_array_foreach(evidence_of(verdict), i, e) {
        const char *text = json_string_value(json_object_get(e, "text")), *note = json_string_value(json_object_get(e, "note"));
        printf(*text ? "    \"%s\" %s\n" : "    %s%s\n", text, note);
    }
}

static void print_held(const struct eval *e)
{
    for (size_t i = 0; i < e->n; i++) {
        const struct eval_case *c = &e->v[i];
        if (c->expect != EVAL_ORDINARY || !c->held)
            continue;
        JSON verdict = json_loads(c->json, 0, NULL);
        printf("held %s  %.*s %+.2f\n", c->file, FB_FMT(c->rule), c->score);
        print_evidence(verdict);
    }
}

static void print_signals(const json_t *verdict)
{
    const char *name, *reason = json_string_value(json_object_get(verdict, "not_judged"));
    json_t *value;
    if (reason)
        printf("    not judged: %s", reason);
    else
        printf("   ");
    json_object_foreach(json_object_get(verdict, "signals"), name, value)
        printf(" %s=%.3g", name, json_number_value(value));
    putchar('\n');
}

static void print_miss(const struct eval *e, const struct eval_case *c)
{
    JSON verdict = json_loads(c->json, 0, NULL);
    printf("%s %s  %+.2f ", c->held ? "HELD" : "missed", c->file, c->score);
    for (size_t i = 0; i < c->rules_n; i++)
        printf(" %.*s", FB_FMT(c->rules[i]));
    printf("%s%.*s\n   ", c->why.n ? ": " : "", FB_FMT(c->why));
    for (size_t i = 0; i < c->findings_n; i++) {
        const struct eval_finding *f = &c->findings[i];
        printf(" %.*s%+.2f%s", FB_FMT(e->rules.v[f->rule]), f->distance, !f->enabled ? " (off)" : f->needs_met ? "" : " (needs not met)");
    }
    putchar('\n');
    print_evidence(verdict);
    print_signals(verdict);
}

void eval_print(const struct eval *e, bool misses)
{
    struct eval_ordinary o = eval_count_ordinary(e);
    for (size_t i = 0; misses && i < e->n; i++)
        if (!eval_case_right(&e->v[i]))
            print_miss(e, &e->v[i]);
    print_held(e);
    if (in_set(e))
        print_set(e);
    if (o.messages)
        print_ordinary(e, &o);
    print_times("judged", eval_cpu(e, true));
    print_times("not judged", eval_cpu(e, false));
    struct eval_names reasons = eval_reasons(e);
    for (size_t i = 0; i < reasons.n; i++)
        printf("  %-20.*s %5zu\n", FB_FMT(reasons.v[i]), eval_not_judged(e, reasons.v[i]));
}

/* ---- for programs ---- */

static json_t *text(struct fb_str s)
{
    json_t *j = json_stringn(s.p, s.n);
    return j ? j : json_string("");
}

static json_t *file_name(const char *file)
{
    json_t *j = json_string(file);
    return j ? j : json_string("?");
}

static json_t *case_json(const struct eval *e, const struct eval_case *c)
{
    static const char *const names[] = {[EVAL_HOLD] = "hold", [EVAL_PASS] = "pass", [EVAL_EITHER] = "either"};
    json_t *rules = json_object();
    for (size_t i = 0; i < c->findings_n; i++)
        json_object_set_new(rules, e->rules.v[c->findings[i].rule].p, json_real(c->findings[i].log_odds));
    return json_pack("{so so ss ss sf so}", "file", file_name(c->file), "pair", c->pair.n ? text(c->pair) : json_null(), "expect", names[c->expect],
                     "verdict", c->held ? "hold" : "pass", "score", c->score, "rules", rules);
}

static json_t *cases_json(const struct eval *e)
{
    json_t *all = json_array();
    for (size_t i = 0; i < e->n; i++)
        if (e->v[i].expect != EVAL_ORDINARY)
            json_array_append_new(all, case_json(e, &e->v[i]));
    return all;
}

static json_t *held_json(const struct eval_case *c)
{
    JSON verdict = json_loads(c->json, 0, NULL);
    json_t *evidence = json_deep_copy(evidence_of(verdict));
    return json_pack("{so so sf so}", "file", file_name(c->file), "rule", text(c->rule), "score", c->score, "evidence", evidence ? evidence : json_array());
}

static json_t *ordinary_json(const struct eval *e, const struct eval_ordinary *o)
{
    json_t *held = json_array();
    for (size_t i = 0; i < e->n; i++)
        if (e->v[i].expect == EVAL_ORDINARY && e->v[i].held)
            json_array_append_new(held, held_json(&e->v[i]));
    return json_pack("{sI sI sI so}", "messages", (json_int_t)o->messages, "judged", (json_int_t)o->judged, "holds", (json_int_t)o->holds, "held", held);
}

static json_t *counts_json(const struct eval *e, size_t rule)
{
    struct eval_counts n = eval_count(e, rule);
    return json_pack("{sI sI sI sI sI sI sI sI}", "holds", (json_int_t)n.holds, "holds_right", (json_int_t)n.holds_right, "holds_by_rule",
                     (json_int_t)n.holds_by_rule, "passes", (json_int_t)n.passes, "passes_right", (json_int_t)n.passes_right, "pairs", (json_int_t)n.pairs,
                     "pairs_right", (json_int_t)n.pairs_right, "fired_on_passes", (json_int_t)n.fired_on_passes);
}

static json_t *auc_json(const struct eval *e, bool either)
{
    struct eval_auc a;
    return eval_auc(e, either, &a) ? json_pack("{sf sf sf}", "auc", a.auc, "low", a.low, "high", a.high) : json_null();
}

static json_t *times_json(const struct eval *e, bool judged)
{
    struct eval_times t = eval_cpu(e, judged);
    return json_pack("{sI sf sf}", "messages", (json_int_t)t.n, "median_ms", t.median_ms, "p99_ms", t.p99_ms);
}

static json_t *reasons_json(const struct eval *e)
{
    json_t *all = json_object();
    struct eval_names reasons = eval_reasons(e);
    for (size_t i = 0; i < reasons.n; i++)
        json_object_set_new(all, reasons.v[i].p, json_integer((json_int_t)eval_not_judged(e, reasons.v[i])));
    return all;
}

static void summarise_set(const struct eval *e, json_t *summary)
{
    struct eval_share order = eval_order(e);
    json_t *rules = json_object();
    for (size_t i = 0; i < e->rules.n; i++)
        if (in_table(e, i))
            json_object_set_new(rules, e->rules.v[i].p, counts_json(e, i));
    json_object_set_new(summary, "overall", counts_json(e, EVAL_OVERALL));
    json_object_set_new(summary, "rules", rules);
    json_object_set_new(summary, "hold_against_pass", auc_json(e, false));
    if (has_either(e))
        json_object_set_new(summary, "hold_or_either_against_pass", auc_json(e, true));
    json_object_set_new(summary, "order_within_pairs", order.of ? json_pack("{sI sf}", "of", (json_int_t)order.of, "share", order.n / (double)order.of) : json_null());
}

static void summarise_ordinary(const struct eval *e, const struct eval_ordinary *o, json_t *summary)
{
    json_t *rules = json_object();
    for (size_t i = 0; i < e->rules.n; i++)
        json_object_set_new(rules, e->rules.v[i].p, json_real(per_1000(eval_holds_of(e, i), o->messages)));
    json_object_set_new(summary, "holds_per_1000", json_real(per_1000(o->holds, o->messages)));
    json_object_set_new(summary, "holds_per_1000_by_rule", rules);
}

int eval_print_json(const struct eval *e, struct fb_err *err)
{
    struct eval_ordinary o = eval_count_ordinary(e);
    json_t *summary = json_object();
    JSON all = json_object();
    if (in_set(e)) {
        json_object_set_new(all, "cases", cases_json(e));
        summarise_set(e, summary);
    }
    if (o.messages) {
        json_object_set_new(all, "ordinary", ordinary_json(e, &o));
        summarise_ordinary(e, &o, summary);
    }
    json_object_set_new(summary, "not_judged", reasons_json(e));
    json_object_set_new(summary, "cpu", json_pack("{so so}", "judged", times_json(e, true), "not_judged", times_json(e, false)));
    json_object_set_new(all, "summary", summary);
    if (json_dumpf(all, stdout, JSON_COMPACT))
        return fb_fail_memory(err);
    putchar('\n');
    return 0;
}
