/* The counters: added to in memory, written to the store by one thread, off the path of any reply. */
#ifndef FB_MILTER_COUNTS_H
#define FB_MILTER_COUNTS_H

#include <pthread.h>

#include "hold/store.h"

enum { COUNTS_MAX = 512 };

/* What was counted since the last flush. */
struct counts_batch {
    struct fb_arena *arena;
    size_t n;
    struct fb_count v[COUNTS_MAX];
    int64_t lost; /* there was no room or no memory to count them */
};

struct counts {
    pthread_mutex_t lock;
    struct counts_batch *now;
    struct fb_store *store; /* of the thread that flushes */
    char *dir;              /* where that is */
};

int counts_init(struct counts *c, struct fb_err *err);
void counts_done(struct counts *c);

/* One more of "kind.name", or of "kind" where @name is empty, on the UTC day of @now_s. Any thread; never waits for I/O. */
void counts_add(struct counts *c, int64_t now_s, struct fb_str kind, struct fb_str name);

/* Writes all of it to the store in @dir, in one transaction. One thread at a time. What could not be written is kept for
 * the next flush. */
int counts_flush(struct counts *c, const char *dir, struct fb_err *err);

#endif
