/* Named points at which a test kills the keeper: FORBEAR_CRASH_AT=name. Only in builds with -Dcrash_points=true; in all
 * others they compile to nothing. */
#ifndef FB_KEEPER_CRASH_H
#define FB_KEEPER_CRASH_H

#ifdef FB_CRASH_POINTS
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void fb_crash_point(const char *name)
{
    const char *at = getenv("FORBEAR_CRASH_AT");
    if (at && strcmp(at, name) == 0)
        _exit(99);
}
#define FB_CRASH_POINT(name) fb_crash_point(name)
#else
#define FB_CRASH_POINT(name) ((void)0)
#endif

#endif
