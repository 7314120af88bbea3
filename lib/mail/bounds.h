/* What a MIME parser would have to build, counted before one is asked to: GLib aborts when memory is out, so that the
 * work is bounded by refusing, not by failing. */
#ifndef FB_MAIL_BOUNDS_H
#define FB_MAIL_BOUNDS_H

#include "mail/message.h"

/* True where no parser could build much more out of @entity (header and body) than the limits say, however it reads what is
 * broken: twice the parts, twenty times the nesting. The caller looks at what was built for the exact limits. */
bool fb_bounds_hold(struct fb_str entity, const struct fb_message_limits *limits);

#endif
