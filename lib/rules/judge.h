/* Judging itself: message -> own words -> case -> signals -> rules -> verdict. */
#ifndef FB_RULES_JUDGE_H
#define FB_RULES_JUDGE_H

#include "rules/policy.h"
#include "rules/ruleset.h"

struct fb_judging;

struct fb_judge { /* what a policy judges with */
    const struct fb_conf *conf;
    struct fb_people people;
    struct fb_phrases *phrases;
    const struct fb_judging *judging; /* the source of the signals of meaning; NULL: none */
    struct fb_signals signals;
    struct fb_ruleset rules;
};

const struct fb_judge *fb_policy_judge(const struct fb_policy *p);

struct fb_judgement { /* a verdict and what led to it */
    struct fb_verdict verdict;
    struct fb_headers headers;
    struct fb_message message;
    struct fb_own own;
    struct fb_case c;
    struct fb_str exempt; /* the entry of rules.conf that exempts it from all rules; empty: none */
    const struct fb_signal *signals; /* NULL where it was not judged */
    struct fb_finding *findings;     /* those of the verdict */
    const struct fb_reader *const *readers; /* who made the deciding finding so */
    size_t readers_n;
};

/* As fb_judge. */
int fb_judge_run(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *ret, struct fb_err *err);

/* The middle of it: from message and own words of @j to its findings. It is read once, and once more by the second judge of meaning
 * where a rule comes near. @like: what it was before it was changed, whose past it shares, and as closely as which it is read;
 * NULL: it was not. *@ret: why it was not judged, or FB_REASON_none. */
int fb_judge_weigh(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, const struct fb_case *like,
                   struct fb_judgement *j, enum fb_reason *ret, struct fb_err *err);
/* Whether a rule that can fire comes @within log-odds of its threshold, or reaches it. */
int fb_findings_near(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judgement *j, double within, bool *ret, struct fb_err *err);
/* The findings of @signals, one a rule; the action, the main finding and the readers with them. */
int fb_findings_make(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *j, struct fb_err *err);
/* The verdict as JSON of facts/facts.h. */
int fb_judge_facts(struct fb_arena *arena, struct fb_judgement *j, struct fb_err *err);
/* All signals and all arithmetic, for people: `forbear check --explain`. */
int fb_judge_explain(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judgement *j, struct fb_str *ret, struct fb_err *err);

#endif
