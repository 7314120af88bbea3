/* The draft: a message with the smallest change done to whom it is addressed. */
#ifndef FB_NOTICE_DRAFT_H
#define FB_NOTICE_DRAFT_H

#include <jansson.h>

#include "base/arena.h"

/* @original: with its Bcc field. @change: of facts/facts.h; NULL: none is known. *ret is empty where the change is none of
 * addresses, or they cannot be found in the header: then there is nothing to do by itself. */
int fb_draft_make(struct fb_str original, json_t *change, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

#endif
