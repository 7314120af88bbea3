/* Who wrote the mail that is quoted, and when. */
#ifndef FB_MAIL_QUOTED_H
#define FB_MAIL_QUOTED_H

#include "mail/lines.h"
#include "mail/own.h"

/* Of a text and where in its lines the newest quoted mail was found. */
struct fb_quoted fb_quoted_read(const struct fb_lines *lines, const struct fb_quote *at);

#endif
