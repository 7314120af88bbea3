/* What the keeper's two threads share: the configuration, which never changes, the keys, and two bells. */
#ifndef FB_KEEPER_KEEPER_H
#define FB_KEEPER_KEEPER_H

#include <pthread.h>

#include "conf/conf.h"
#include "hold/seal.h"
#include "token/token.h"

enum { FB_STORE_BUSY_MS = 5000 };

struct fb_keeper {
    const struct fb_conf *conf;
    const char *from; /* address that notices come from */
    struct fb_signer *signer; /* used by the work thread alone */
    struct fb_verifier *verifier;
    pthread_mutex_t lock; /* of the desk for as long as it verifies, and of the work while it exchanges the verifier */
    uint8_t box_public[FB_BOX_KEY], box_secret[FB_BOX_KEY], hash_key[FB_HASH_KEY];
    int wake_fd; /* eventfd: the desk recorded a decision */
    int stop_fd; /* eventfd: the desk is to stop */
};

/* Reads all keys of @conf, which must outlive *ret. */
int fb_keeper_init(const struct fb_conf *conf, struct fb_keeper *ret, struct fb_err *err);
void fb_keeper_done(struct fb_keeper *k); /* wipes */
/* Reads the signing keys anew; by the work thread. Where they cannot be read the old ones stay. The others never change: by them is
 * sealed and hashed what is in the store. */
int fb_keeper_reload(struct fb_keeper *k, struct fb_err *err);

/* Rings an eventfd. */
void fb_keeper_ring(int fd);

enum { FB_KEEPER_EARLY = 1 };

/* Does @decision, stored with @hold or about to be, allow @action (enum fb_desk_action) on it at @at_s? It is a token, or an answer
 * by mail. FB_KEEPER_EARLY: the sender's, and not before the hold's opens_s. Any other fault says why not. *ret_by: "sender" or
 * "admin:NAME", in @arena. */
int fb_keeper_allows(const struct fb_keeper *k, const struct fb_hold *hold, struct fb_str decision, int action, int64_t at_s,
                     struct fb_arena *arena, const char **ret_by, struct fb_err *err);

/* An answer by mail as a decision: "mail:<owner> <Message-ID of the notice>". Whoever has it has read the notice, and wrote as @owner. */
struct fb_str fb_keeper_answer(struct fb_arena *arena, const uint8_t owner[FB_HASH], struct fb_str message_id);

#endif
