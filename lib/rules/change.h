/* The smallest change that would have let a message pass, found by judging it again without each flagged sentence and without
 * each reader who may make it so. */
#ifndef FB_RULES_CHANGE_H
#define FB_RULES_CHANGE_H

#include "rules/judge.h"

/* Sets the change of @j->verdict, whose main finding is there; the sentence that weighed most by that test comes first in the
 * evidence of the findings. What goes wrong while judging again, time that is over included, leaves the change unknown:
 * the verdict stands as it is. Fails for lack of memory in @arena alone. */
int fb_change_find(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *j, struct fb_err *err);

#endif
