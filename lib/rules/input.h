/* What the judge of meaning is given of a case: the facts of its audience and the own words with names as roles. The format
 * is what the weights were trained on, word for word; model/README.md describes it. */
#ifndef FB_RULES_INPUT_H
#define FB_RULES_INPUT_H

#include "rules/case.h"

/* Where a stretch of the input's text comes from in the own words: from here on, until the next. */
struct fb_input_mark {
    size_t at, own;
};

struct fb_input {
    struct fb_str facts, subject, text;
    size_t marks_n;
    const struct fb_input_mark *marks;
};

/* All of *ret lives in @arena. Fails for lack of memory alone. */
int fb_input_make(struct fb_arena *arena, const struct fb_case *c, struct fb_input *ret, struct fb_err *err);

/* A part of the input's text as it stands in the own words, a view into them. */
struct fb_str fb_input_own(const struct fb_input *in, const struct fb_case *c, struct fb_str part);

#endif
