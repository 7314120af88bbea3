/* What the parts of `forbear eval` share: the cases, what became of each, and the figures. */
#ifndef FORBEAR_EVAL_H
#define FORBEAR_EVAL_H

#include <jansson.h>

#include "base/arena.h"

enum { EVAL_MESSAGE_MAX = 64 << 20 };

enum eval_expect { EVAL_ORDINARY, EVAL_HOLD, EVAL_PASS, EVAL_EITHER }; /* ordinary: nobody said what it deserves */

struct eval_finding { /* of one rule */
    size_t rule;      /* of struct eval */
    double log_odds, distance; /* from its threshold */
    bool enabled, needs_met, fires;
};

struct eval_names {
    size_t n;
    struct fb_str *v;
};

struct eval_case {
    const char *file;    /* as it is called; in a set, its path there */
    const char *path;    /* where the message is; NULL: it is @message */
    struct fb_str message;
    size_t world;        /* of struct eval */
    enum eval_expect expect;
    struct fb_str pair, why; /* empty: none */
    const char *const *rcpt; /* ended by NULL; NULL: To and Cc */
    size_t history_n, rules_n;
    const char *const *history; /* paths of what was seen before */
    const struct fb_str *rules; /* that should fire */

    bool judged, held;   /* what became of it */
    struct fb_str reason; /* why it was not judged; empty where it was */
    struct fb_str rule;  /* that held it; empty where it passes */
    double score, cpu_ms;
    size_t findings_n;
    const struct eval_finding *findings;
    const char *json, *explained; /* the library's words on it, where they were wanted; else NULL */
};

struct eval {
    struct fb_arena *arena;
    size_t n, cap, worlds_n, worlds_cap, rules_cap;
    struct eval_case *v;     /* in the order of the set */
    const char **worlds;     /* paths of world.conf; empty: the configuration as it is */
    struct eval_names rules; /* in the order of rules.conf */
};

/* ---- what is judged (eval_set.c) ---- */

/* Adds the cases of @dir/cases.jsonl. A fault names file and line. */
int eval_read_set(struct eval *e, const char *dir, struct fb_err *err);
/* Adds ordinary mail: the *.eml of a folder, a maildir, or an mbox. @world: a folder with world.conf; NULL: the one in @path,
 * where there is one. */
int eval_read_ordinary(struct eval *e, const char *path, const char *world, struct fb_err *err);

/* ---- what it comes to (eval_figures.c) ---- */

struct eval_auc {
    double auc, low, high; /* the area under the ROC curve, and its 95% interval */
};
/* Of the scores, hold (and, where @either, either) against pass. False where there is nothing of one kind. The interval is a
 * bootstrap over pairs (Efron 1979; 2,000 resamples, always the same): what stands in one pair is not drawn apart. */
bool eval_auc(const struct eval *e, bool either, struct eval_auc *ret);

struct eval_share {
    size_t of;
    double n; /* halves where scores are equal */
};
/* Of all ways to set a hold against a pass of its pair, those in which the hold has the greater score. */
struct eval_share eval_order(const struct eval *e);

struct eval_counts {
    size_t holds, holds_right; /* to be held; held */
    size_t holds_by_rule;      /* held, and the rule fired */
    size_t passes, passes_right, pairs, pairs_right; /* pairs that have both; all cases of them right */
    size_t fired_on_passes;    /* of the whole set */
};
/* Of the pairs in which the rule is wanted; EVAL_OVERALL: of all. */
#define EVAL_OVERALL SIZE_MAX
struct eval_counts eval_count(const struct eval *e, size_t rule);
bool eval_case_right(const struct eval_case *c);

struct eval_ordinary {
    size_t messages, judged, holds;
};
struct eval_ordinary eval_count_ordinary(const struct eval *e);
size_t eval_holds_of(const struct eval *e, size_t rule); /* ordinary messages on which it fired */

struct eval_times {
    size_t n;
    double median_ms, p99_ms;
};
struct eval_names eval_reasons(const struct eval *e); /* why messages were not judged, in the order of the set */
size_t eval_not_judged(const struct eval *e, struct fb_str reason);
struct eval_times eval_cpu(const struct eval *e, bool judged);

/* ---- what is said of it (eval_report.c) ---- */

void eval_print(const struct eval *e, bool misses);
int eval_print_json(const struct eval *e, struct fb_err *err);

#endif
