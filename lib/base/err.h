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

/* Sets the text and gives -1, so that a failure is one line: return fb_fail(err, "..."). @err may be NULL. That it is -1
 * is written here, and not in err.c, so that the compiler knows which results are not set. */
#define fb_fail(err, ...) (fb_err_set(err, __VA_ARGS__), fb_failed())

/* The same, with ": " and the text of errno behind it. */
#define fb_fail_errno(err, ...) (fb_err_set_errno(err, __VA_ARGS__), fb_failed())

/* Puts "<text>: " before what is there and gives -1: where the failure happened. */
#define fb_fail_in(err, ...) (fb_err_in(err, __VA_ARGS__), fb_failed())

/* Memory ran out or a ceiling was reached. */
#define fb_fail_memory(err) (fb_err_memory(err), fb_failed())

static inline int fb_failed(void)
{
    return -1;
}

void fb_err_set(struct fb_err *err, const char *fmt, ...) FB_PRINTF(2, 3);
void fb_err_set_errno(struct fb_err *err, const char *fmt, ...) FB_PRINTF(2, 3);
void fb_err_in(struct fb_err *err, const char *fmt, ...) FB_PRINTF(2, 3);
void fb_err_memory(struct fb_err *err);

#endif
