/* The running of the milter: libmilter in a thread of its own, signals and what is done off the path of any reply in the
 * first one. */
#ifndef FB_MILTER_SERVE_H
#define FB_MILTER_SERVE_H

#include "session.h"

/* Runs until a signal stops it; callbacks_open came before. Call it on the first thread, before any other is started.
 * SIGTERM, SIGINT: stop. SIGUSR1: load the configuration anew. The counters are written every 10 s and at the end. */
int serve(struct milter *m, struct fb_err *err);

#endif
