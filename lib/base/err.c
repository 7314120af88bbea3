/* Errors as text. A text that does not fit is cut at its end: it is for people, never parsed. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int fb_fail(struct fb_err *err, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return -1;
}

int fb_fail_errno(struct fb_err *err, const char *fmt, ...)
{
    int saved = errno;
    if (err) {
        char what[sizeof err->text], why[128];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(what, sizeof what, fmt, ap);
        va_end(ap);
        fb_fail(err, "%.800s: %s", what, strerror_r(saved, why, sizeof why));
        errno = saved;
    }
    return -1;
}

int fb_fail_in(struct fb_err *err, const char *fmt, ...)
{
    if (err) {
        char where[sizeof err->text], was[sizeof err->text];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(where, sizeof where, fmt, ap);
        va_end(ap);
        memcpy(was, err->text, sizeof was);
        fb_fail(err, "%.400s: %.600s", where, was);
    }
    return -1;
}

int fb_fail_memory(struct fb_err *err)
{
    return fb_fail(err, "out of memory, or past the ceiling that bounds it");
}
