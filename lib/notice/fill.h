/* Plain text for a terminal, and for mail programs that know no other. */
#ifndef FB_NOTICE_FILL_H
#define FB_NOTICE_FILL_H

#include "base/arena.h"

enum { FB_FILL_COLUMNS = 76 };

/* Breaks lines at blanks so that none has more columns, save for a word that is wider alone (a link). Lines that follow each other without
 * an indent are one paragraph. What continues an indented line is indented as far, and behind "Name:  " as far as the value. One empty line at
 * most stands between others. A line that begins with "--" stays as it is. */
int fb_fill(struct fb_str text, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);
/* The same for text/plain; format=flowed (RFC 3676), which a reader breaks anew where the window is narrower: only where there is no
 * indent. A line that is "--" becomes the mark of a signature, "-- ". */
int fb_fill_flowed(struct fb_str text, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

#endif
