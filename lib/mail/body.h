/* The text that a reader sees first, out of a MIME tree. */
#ifndef FB_MAIL_BODY_H
#define FB_MAIL_BODY_H

#include <gmime/gmime.h>

#include "mail/message.h"

/* Fails for lack of memory alone; outcomes: enum fb_message_outcome. */
int fb_body_text(struct fb_arena *arena, const struct fb_message_limits *limits, GMimeObject *root, struct fb_str *ret, struct fb_err *err);

#endif
