/* The one thread beside libmilter's: it loads the configuration anew when SIGUSR1 says so, and flushes the counters. */
#ifndef FB_MILTER_CLERK_H
#define FB_MILTER_CLERK_H

#include "session.h"

struct clerk {
    struct milter *m;
    pthread_t thread;
    atomic_bool stop;
};

/* Blocks SIGUSR1, and libmilter's SIGTERM, SIGINT and SIGHUP, in the caller and so in all threads that it starts from then
 * on: call it before any is started. */
int clerk_start(struct clerk *c, struct milter *m, struct fb_err *err);
/* Waits for the thread, which flushes the counters a last time. */
void clerk_stop(struct clerk *c);

#endif
