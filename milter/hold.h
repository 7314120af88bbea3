/* Recording what the sender will be asked about: the row in the store, and the marker of a hold. And the store itself, for all of
 * the milter that write to it or ask it something before they reply. */
#ifndef FB_MILTER_HOLD_H
#define FB_MILTER_HOLD_H

#include "gate.h"
#include "generation.h"
#include "hold/store.h"

/* A connection to the store: one thread at a time, and none waits for ever. */
struct line {
    struct gate turn;
    struct fb_store *store; /* NULL: to be opened */
    char *dir;              /* where it is */
};

struct holds {
    struct line write, read; /* who only asks does not wait for who writes */
    atomic_llong looked_ms;  /* of fb_clock_ms: when the markers were last looked at */
    atomic_bool any;         /* whether there were any */
};

int holds_init(struct holds *h, struct fb_err *err);
void holds_done(struct holds *h);

/* Calls @fn with the store in @dir, which is opened where it is not yet, and returns what it returned. Bounded by 2 seconds of
 * waiting for the others, and 2 for the store. */
typedef int holds_fn(struct fb_store *s, void *arg, struct fb_err *err);
int holds_write(struct holds *h, const char *dir, holds_fn *fn, void *arg, struct fb_err *err);
int holds_read(struct holds *h, const char *dir, holds_fn *fn, void *arg, struct fb_err *err);
/* Whether any message was held within the last second, by its marker. Costs next to nothing, and touches no store. */
bool holds_any(struct holds *h, const char *dir);

/* The id by which a thread is known: the first of @references, or @in_reply_to, or the message's own. */
struct fb_str thread_root(const struct fb_str *references, size_t n, struct fb_str in_reply_to, struct fb_str own);

/* How long a message waits by that finding: never longer than hold.longest. */
int64_t holds_delay(const struct fb_conf *conf, const struct fb_finding *f);

struct hold_request {
    const struct fb_verdict *verdict; /* its action is notify or hold */
    const struct fb_envelope *env;
    struct fb_str root, queue_id;    /* of its thread, of the message */
    int64_t now_s;
};

enum { HOLDS_CAP = 1 }; /* its sender has had as many within the hour as hold.cap allows */

/* Makes the row durable, and after it the marker of a hold. When it returns 0 the message may be quarantined or, for notify,
 * delivered; with an outcome nothing was recorded, and the message passes. Bounded as above. */
int holds_record(struct holds *h, const struct generation *g, const struct hold_request *r, struct fb_arena *arena, struct fb_err *err);

/* The rules by which nothing of @r's sender is held on its thread: what they decided about before, and an empty one, which is all, where
 * they have talked. Of @r: env, root, now_s. */
int holds_spared(struct holds *h, const struct generation *g, const struct hold_request *r, struct fb_arena *arena, struct fb_str **ret,
                 size_t *ret_n, struct fb_err *err);

#endif
