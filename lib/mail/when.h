/* Times as mail clients write them for people. */
#ifndef FB_MAIL_WHEN_H
#define FB_MAIL_WHEN_H

#include "base/str.h"

/* The part of @s that tells a day and a clock, with what belongs to it ("Nov 3, 2026 at 7:52 AM"): a view, empty where none. */
struct fb_str fb_when_find(struct fb_str s);

/* What it says, in seconds since 1970. Where it names no zone, it was @tz_min minutes east of UTC; where day and month may be
 * told apart in two ways, it was the later of the two that is not after @before_s. False where it tells no day and clock. */
bool fb_when_read(struct fb_str when, int64_t before_s, int tz_min, int64_t *ret_s);

#endif
