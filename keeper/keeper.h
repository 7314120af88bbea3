/* What the keeper's two threads share: configuration and keys, read once and never changed, and two bells. */
#ifndef FB_KEEPER_KEEPER_H
#define FB_KEEPER_KEEPER_H

#include "conf/conf.h"
#include "hold/seal.h"
#include "token/token.h"

enum { FB_STORE_BUSY_MS = 5000 };

struct fb_keeper {
    struct fb_arena *arena;
    const struct fb_conf *conf;
    const char *from; /* address that notices come from */
    struct fb_signer *signer;     /* used by the work thread alone */
    struct fb_verifier *verifier; /* only read */
    uint8_t box_public[FB_BOX_KEY], box_secret[FB_BOX_KEY], hash_key[FB_HASH_KEY];
    int wake_fd; /* eventfd: the desk recorded a decision */
    int stop_fd; /* eventfd: the desk is to stop */
};

/* Reads all keys of @conf, which must outlive *ret. */
int fb_keeper_init(const struct fb_conf *conf, struct fb_keeper *ret, struct fb_err *err);
void fb_keeper_done(struct fb_keeper *k); /* wipes */

/* Rings an eventfd. */
void fb_keeper_ring(int fd);

/* Does the token stored with @hold, or about to be, allow @action (enum fb_desk_action) on it at @at_s? A fault says why not.
 * *ret_by: "sender" or "admin:NAME", in @arena. */
int fb_keeper_allows(const struct fb_keeper *k, struct fb_str token, int action, int64_t at_s, struct fb_arena *arena,
                     struct fb_hold_id *ret_hold, const char **ret_by, struct fb_err *err);

#endif
