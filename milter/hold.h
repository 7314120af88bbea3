/* Recording what the sender will be asked about: the row in the store, and the marker of a hold. */
#ifndef FB_MILTER_HOLD_H
#define FB_MILTER_HOLD_H

#include "gate.h"
#include "generation.h"
#include "hold/store.h"

struct holds {
    struct gate turn;       /* one thread at a time, and none waits for ever */
    struct fb_store *store; /* NULL: to be opened */
    char *dir;              /* where it is */
};

int holds_init(struct holds *h, struct fb_err *err);
void holds_done(struct holds *h);

/* Makes the row of @v (its action is notify or hold) durable, and after it the marker of a hold. When it returns 0 the
 * message may be quarantined or, for notify, delivered. Bounded by 2 seconds of waiting for the store. */
int holds_record(struct holds *h, const struct generation *g, const struct fb_verdict *v,
                 struct fb_str queue_id, int64_t now_s, struct fb_arena *arena, struct fb_err *err);

#endif
