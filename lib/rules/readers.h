/* The readers of a case. */
#ifndef FB_RULES_READERS_H
#define FB_RULES_READERS_H

#include "rules/case.h"

/* Fills readers, readers_n and readers_more of @c, whose sender, message and envelope are set. */
int fb_readers_gather(struct fb_arena *arena, struct fb_case *c, struct fb_err *err);
/* NULL where @addr (lower case) is no reader. */
const struct fb_reader *fb_readers_find(const struct fb_case *c, struct fb_str addr);
/* Gives @relation to all readers above @who in the reporting line. */
void fb_readers_mark_above(struct fb_case *c, const struct fb_person *who, unsigned relation);

#endif
