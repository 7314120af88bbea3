/* The rate limit: decides whether one more request of somebody is one too many. A bucket of tokens for each, told by the
 * one instant at which it is full again (the generic cell rate algorithm, ITU-T I.371), in a table of fixed size that is
 * found by keyed hash. It must never grow, and never refuse somebody for what another did: a slot whose hash is another's
 * is not theirs, and one that has to make room loses its memory of what was taken. */
#include "web/rate.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static const int64_t MINUTE_US = 60000000, SECOND_US = 1000000;

void web_rate_init(struct web_rate *r, const uint8_t key[WEB_RATE_KEY], unsigned a_minute)
{
    memset(r, 0, sizeof *r);
    memcpy(r->key, key, sizeof r->key);
    r->step_us = a_minute ? MINUTE_US / a_minute : 0;
}

static uint64_t hash(const struct web_rate *r, struct fb_str who)
{
    uint64_t h;
    static_assert(sizeof r->key == crypto_shorthash_KEYBYTES && sizeof h == crypto_shorthash_BYTES, "as libsodium has it");
    crypto_shorthash((uint8_t *)&h, (const uint8_t *)who.p, who.n, r->key);
    return h;
}

/* The slot of @who, or the one of its set that is soonest full, made theirs. */
static struct web_rate_slot *slot_of(struct web_rate *r, uint64_t who)
{
    struct web_rate_slot *set = r->sets[who % WEB_RATE_SETS], *least = set;
    for (size_t i = 0; i < WEB_RATE_WAYS; i++) {
        if (set[i].who == who)
            return &set[i];
        if (set[i].filled_us < least->filled_us)
            least = &set[i];
    }
    *least = (struct web_rate_slot){.who = who};
    return least;
}

unsigned web_rate_take(struct web_rate *r, struct fb_str who, int64_t now_us)
{
    if (!r->step_us)
        return 0;
    struct web_rate_slot *s = slot_of(r, hash(r, who));
    int64_t filled_us = (s->filled_us > now_us ? s->filled_us : now_us) + r->step_us, over_us = filled_us - now_us - MINUTE_US;
    if (over_us > 0)
        return (unsigned)((over_us + SECOND_US - 1) / SECOND_US);
    s->filled_us = filled_us;
    return 0;
}
