/* The judge of meaning as a source of signals: judged (1 where it read the own words), judge_hold and judge_RULE (log-odds of
 * the whole message, counted from FB_MEANING_FLOOR), act_ACT (how many sentences do it) and other_language (1 where the own words are not English). All others are 0 where nothing was
 * judged by meaning: the judge is off, the processor cannot, the own words are not English. */
#ifndef FB_RULES_JUDGING_H
#define FB_RULES_JUDGING_H

#include "judge/meaning.h"
#include "rules/input.h"
#include "rules/signals.h"

enum { FB_MEANING_FLOOR = -6 };

struct fb_judging {
    struct fb_pool *pool, *second; /* NULL: nothing is judged by meaning; nothing is read again */
    struct fb_str absent; /* why there is none: one sentence; empty where there is */
};

/* @model, @second: paths of the weights (judge/meaning.h; @second NULL: none); those of @like are shared where they are the same
 * files (NULL: none). A file that is damaged or foreign is a failure; a processor that cannot is not. */
int fb_judging_open(struct fb_arena *arena, const char *model, const char *second, const struct fb_judging *like, struct fb_judging *ret,
                    struct fb_err *err);
void fb_judging_close(struct fb_judging *j);

/* Reads @c: what goes in, and what comes out. Outcomes: FB_JUDGING_NONE where nothing judges by meaning; FB_JUDGING_LANGUAGE
 * where @c is mainly in another language than English. */
enum { FB_JUDGING_NONE = 1, FB_JUDGING_LANGUAGE };
int fb_judging_read(const struct fb_judging *j, struct fb_arena *arena, const struct fb_case *c, struct fb_input *ret_input, struct fb_meaning *ret,
                    struct fb_err *err);

size_t fb_meaning_signals(void);
int fb_meaning_names(struct fb_arena *arena, struct fb_str *names, struct fb_str *sentences, struct fb_err *err);
/* source->state is a struct fb_judging. */
int fb_meaning_signals_read(const struct fb_source *source, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err);

#endif
