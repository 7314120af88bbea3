/* The needs of a rule: a condition on signals.
 *
 *   or      = and *( "or" and )
 *   and     = not *( "and" not )
 *   not     = "not" not / compare
 *   compare = operand [ ( ">=" / "<=" / ">" / "<" / "=" / "!=" ) operand ]      alone: it is not 0
 *   operand = number / signal / "(" or ")"                                      a condition is 1 or 0 */
#ifndef FB_RULES_EXPR_H
#define FB_RULES_EXPR_H

#include "base/arena.h"

struct fb_expr;

/* Where a name stands in the array of values; false: there is no such signal. */
struct fb_expr_names {
    bool (*find)(const void *arg, struct fb_str name, size_t *ret);
    const void *arg;
};

/* A fault says what is wrong in which column of @text, counted from 1. */
int fb_expr_parse(struct fb_arena *arena, struct fb_str text, struct fb_expr_names names, const struct fb_expr **ret, struct fb_err *err);
bool fb_expr_true(const struct fb_expr *e, const double *values);
/* A whole decimal number, with a fraction or without. False for anything else. */
bool fb_expr_number(struct fb_str s, double *ret);

#endif
