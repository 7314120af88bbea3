/* The gate before judging. libmilter starts a thread for every connection that has something to say, without an upper
 * bound; this bounds the work that they do at once, so that a burst costs waiting and not memory. It never lets one wait
 * longer than its deadline: a message that comes too late passes.
 *
 * DIAGNOSTICS: gate_init fails where the system has no room for a condition variable. */
#include "gate.h"

#include <time.h>
#include <unistd.h>

int gate_init(struct gate *g, struct fb_err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *g = (struct gate){.cores = cores > 0 ? cores : 1};
    pthread_condattr_t attr;
    if (pthread_mutex_init(&g->lock, NULL) || pthread_condattr_init(&attr))
        return fb_fail_memory(err);
    int rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (!rc)
        rc = pthread_cond_init(&g->freed, &attr);
    pthread_condattr_destroy(&attr);
    return rc ? fb_fail_memory(err) : 0;
}

void gate_done(struct gate *g)
{
    pthread_cond_destroy(&g->freed);
    pthread_mutex_destroy(&g->lock);
}

bool gate_enter(struct gate *g, int64_t width, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    if (width <= 0 || width > g->cores)
        width = g->cores;
    int rc = 0;
    pthread_mutex_lock(&g->lock);
    while (g->inside >= width && !rc)
        rc = pthread_cond_timedwait(&g->freed, &g->lock, &until);
    bool free = g->inside < width;
    if (free)
        g->inside++;
    pthread_mutex_unlock(&g->lock);
    return free;
}

void gate_leave(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->inside--;
    pthread_cond_signal(&g->freed);
    pthread_mutex_unlock(&g->lock);
}
