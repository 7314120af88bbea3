/* How every function of forbear reports what happened.
 *
 *   0    success
 *   > 0  an outcome that the header of the function names and the caller must handle
 *   < 0  a failure that *err already describes; the caller forwards it unchanged
 *
 * assert() is for our own bugs alone: bytes from a peer never abort. */
#ifndef FB_BASE_ERR_H
#define FB_BASE_ERR_H

#include <stdarg.h>

#define FB_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* One sentence for a person: what failed, on what, and where. Never holds words of a message. */
struct fb_err {
    char text[1024];
};

/* Sets the text and returns -1, so that a failure is one line: return fb_fail(err, "..."). @err may be NULL. */
int fb_fail(struct fb_err *err, const char *fmt, ...) FB_PRINTF(2, 3);

/* The same, with ": " and the text of errno behind it. */
int fb_fail_errno(struct fb_err *err, const char *fmt, ...) FB_PRINTF(2, 3);

/* Puts "<text>: " before what is there and returns -1: where the failure happened. */
int fb_fail_in(struct fb_err *err, const char *fmt, ...) FB_PRINTF(2, 3);

/* Memory ran out or a ceiling was reached. */
int fb_fail_memory(struct fb_err *err);

#endif
