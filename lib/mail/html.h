/* HTML to text (libxml2's HTML parser): the visible text alone, blockquotes and reply dividers as "> " lines. */
#ifndef FB_MAIL_HTML_H
#define FB_MAIL_HTML_H

#include "base/arena.h"

/* @html: UTF-8. Never fails on what is in it, but for lack of memory. */
int fb_html_text(struct fb_arena *arena, struct fb_str html, struct fb_str *ret, struct fb_err *err);

#endif
