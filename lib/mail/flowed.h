/* text/plain; format=flowed (RFC 3676) as paragraphs, one a line. */
#ifndef FB_MAIL_FLOWED_H
#define FB_MAIL_FLOWED_H

#include "base/arena.h"

/* @text: UTF-8, LF line ends. Quoted lines keep their '>' and a blank behind them. */
int fb_flowed_join(struct fb_arena *arena, struct fb_str text, bool delsp, struct fb_str *ret, struct fb_err *err);

#endif
