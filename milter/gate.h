/* The gate before judging: how many messages are judged at once, and how long one may wait for its turn. */
#ifndef FB_MILTER_GATE_H
#define FB_MILTER_GATE_H

#include <pthread.h>

#include "base/err.h"
#include "base/str.h"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int64_t inside, cores;
};

int gate_init(struct gate *g, struct fb_err *err);
void gate_done(struct gate *g);

/* Waits for one of @width places (0, or more than there are cores: one a core), at the longest until @deadline_ms of fb_clock_ms.
 * False: it came too late, nothing was taken. Else gate_leave must follow. */
bool gate_enter(struct gate *g, int64_t width, int64_t deadline_ms);
void gate_leave(struct gate *g);

#endif
