/* The rules, as data (rules.conf): how signals become log-odds, and log-odds a finding. A section is a rule, save two.
 *
 *   [rule_name]
 *   title, why, advice    for the sender: a few words; one sentence; what to do instead. Templates (template/template.h) that may
 *                         name the people at hand (rules/hand.def)
 *   start                 log-odds before any signal speaks (0)
 *   weight.SIGNAL         what one unit of the signal adds
 *   most.SIGNAL           the signal counts at most as this (1)
 *   needs                 a condition (rules/expr.h) without which the rule does not fire
 *   threshold             log-odds at which it fires (0)
 *   delay, mode, enabled  how long it holds ([hold] delay); observe, notify or hold (hold); yes or no (yes)
 *   exempt                people, groups and pairs whom it does not hold (rules/exempt.h)
 *
 *   [all]
 *   exempt                whom no rule holds: their mail is not judged
 *
 *   [regions]
 *   NAME                  how much more face weighs there (rules/regions.h): the signal face of a mail that is read there */
#ifndef FB_RULES_RULESET_H
#define FB_RULES_RULESET_H

#include "conf/conf.h"
#include "rules/exempt.h"
#include "rules/expr.h"
#include "rules/regions.h"
#include "rules/signals.h"

struct fb_weight {
    size_t signal;
    double weight, most;
};

struct fb_rule {
    struct fb_str name, title, why, advice;
    double start, threshold;
    const struct fb_expr *needs; /* NULL: none */
    int64_t delay_s;             /* -1: none of its own */
    enum fb_mode mode;
    bool enabled;
    bool own_text; /* the admin's own file has its title, why or advice */
    size_t weights_n;
    struct fb_weight *weights;
    struct fb_exempts exempt;
};

struct fb_ruleset {
    size_t n;
    struct fb_rule *v; /* shipped ones first, in the order of the files */
    struct fb_exempts exempt; /* from all rules */
    struct fb_regions regions;
};

/* The rules of @shipped, key by key overridden by @own, which may be absent. Faults name file and line. */
int fb_ruleset_load(struct fb_arena *arena, const char *shipped, const char *own, const struct fb_signals *signals, struct fb_ruleset *ret,
                    struct fb_err *err);
/* One file's text, read from @path: for tests and the fuzzer. */
int fb_ruleset_read(struct fb_arena *arena, const char *path, struct fb_str text, const struct fb_signals *signals, struct fb_ruleset *ret,
                    struct fb_err *err);

#endif
