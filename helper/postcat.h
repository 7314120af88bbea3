/* What postcat(1) prints of a queue file on its standard input (`postcat -eh`), as facts. */
#ifndef FB_HELPER_POSTCAT_H
#define FB_HELPER_POSTCAT_H

#include "wire/queue.h"

/* Fills all of *ret but the file. What it points to lives in @text or @arena. A text that is not whole, or not of that
 * form, or longer in its parts than a reply may carry, is a failure that quotes nothing of it. */
int postcat_parse(struct fb_arena *arena, struct fb_str text, struct fb_queue_mail *ret, struct fb_err *err);

#endif
