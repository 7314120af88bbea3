/* Running the MTA's tools: no shell, an absolute path, a fixed environment, no descriptor but the three, bounded time. */
#ifndef FB_HELPER_RUN_H
#define FB_HELPER_RUN_H

#include "base/arena.h"

/* What to do with a piece of output. Anything but 0 ends the child and is what run() returns. */
typedef int run_sink(void *ctx, struct fb_str piece, struct fb_err *err);

struct run {
    const char *const *argv; /* argv[0] is the whole path; NULL at the end */
    int stdin_fd;            /* -1: /dev/null; else read from its first byte on */
    int timeout_ms;          /* for the whole run; then it is killed */
    bool unprivileged;       /* run as nobody, where we are root */
    run_sink *sink;          /* NULL: output is thrown away */
    void *ctx;
};

/* Runs to the end. Outcome RUN_NONZERO: it ended by another exit code than 0, or by a signal. What it writes to
 * standard error goes to ours. */
enum { RUN_NONZERO = 1 };
int run(const struct run *r, struct fb_err *err);

/* A sink that keeps all, where *ctx is a run_text; more than @max bytes is a failure. */
struct run_text {
    struct fb_buf buf;
    size_t max;
};
run_sink run_keep;

/* An unnamed file that holds @text, to be a standard input. */
int run_input(struct fb_str text, int *ret_fd, struct fb_err *err);

#endif
