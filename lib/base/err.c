/* Errors as text. A text that does not fit is cut at its end: it is for people, never parsed. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void fb_err_set(struct fb_err *err, const char *fmt, ...)
{
    if (!err)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
}

void fb_err_set_errno(struct fb_err *err, const char *fmt, ...)
{
    int saved = errno;
    char what[sizeof err->text], why[128];
    if (!err)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    fb_err_set(err, "%.800s: %s", what, strerror_r(saved, why, sizeof why));
    errno = saved;
}

void fb_err_in(struct fb_err *err, const char *fmt, ...)
{
    char where[sizeof err->text], was[sizeof err->text];
    if (!err)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(where, sizeof where, fmt, ap);
    va_end(ap);
    memcpy(was, err->text, sizeof was);
    fb_err_set(err, "%.400s: %.600s", where, was);
}

void fb_err_memory(struct fb_err *err)
{
    fb_err_set(err, "out of memory, or past the ceiling that bounds it");
}
