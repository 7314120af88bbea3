/* Bytes of any charset to UTF-8 text that is fit to read. */
#ifndef FB_MAIL_CHARSET_H
#define FB_MAIL_CHARSET_H

#include "base/arena.h"

/* @charset: as the part names it, or NULL. An unknown one, and bytes that it cannot hold, are read as well as may be; what
 * stays unreadable becomes U+FFFD. */
int fb_charset_utf8(struct fb_arena *arena, struct fb_str bytes, const char *charset, struct fb_str *ret, struct fb_err *err);

/* @s: UTF-8. LF line ends; no control characters but tab and LF; no-break spaces as blanks; what has no width left out. */
int fb_charset_tidy(struct fb_arena *arena, struct fb_str s, struct fb_str *ret, struct fb_err *err);

#endif
