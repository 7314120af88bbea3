/* What a connection judges by: the policy and the keys that go with it, loaded together, immutable, counted references.
 * A connection keeps the generation that it took, however often the configuration is loaded anew meanwhile. */
#ifndef FB_MILTER_GENERATION_H
#define FB_MILTER_GENERATION_H

#include <pthread.h>
#include <stdatomic.h>

#include "hold/seal.h"
#include "rules/policy.h"
#include "words.h"

enum { GENERATION_READERS = 64 };

struct generation {
    atomic_uint refs;
    struct fb_policy *policy;
    const struct fb_conf *conf; /* the policy's */
    bool keyed, hashed;         /* the box key and the hash key are there; in observe mode they may be absent */
    uint8_t box_key[FB_BOX_KEY], hash_key[FB_HASH_KEY];
    struct fb_arena *arena;
    struct words words;         /* by which a notice is answered */
    pthread_mutex_t readers_lock;
    size_t readers_n;           /* connections to the history that nobody uses at the moment */
    struct fb_history *readers[GENERATION_READERS];
};

struct generations {
    pthread_mutex_t lock;
    struct generation *current; /* changed by who reloads alone, under the lock */
    const char *conf_path; /* the caller's */
};

/* Loads the first one. Fails where the configuration does, and where the mode wants keys that are not there. */
int generations_init(struct generations *gs, const char *conf_path, struct fb_err *err);
void generations_done(struct generations *gs);
/* Loads the configuration anew for all who come from now on. Where it fails, the current one stays. */
int generations_reload(struct generations *gs, struct fb_err *err);

/* The current one, with a reference for the caller. Any thread; never fails. */
struct generation *generation_take(struct generations *gs);
void generation_drop(struct generation *g); /* NULL is allowed */

/* A connection to the history that was kept, or NULL. */
struct fb_history *generation_reader(struct generation *g);
/* Keeps one for the next, as long as the generation is there; false: there are enough. */
bool generation_keep_reader(struct generation *g, struct fb_history *h);

#endif
