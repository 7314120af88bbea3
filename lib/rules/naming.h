/* Whom a text names. */
#ifndef FB_RULES_NAMING_H
#define FB_RULES_NAMING_H

#include "rules/case.h"

enum { FB_NAMING_GREETED = 2 }; /* sentences in which people are greeted */

/* Fills mentions, and the person of each word, of @c, whose readers and text are set. Fails for lack of memory alone. */
int fb_naming_find(struct fb_arena *arena, struct fb_case *c, struct fb_err *err);

#endif
