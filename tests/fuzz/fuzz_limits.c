/* What a visitor writes into X-Forwarded-For, and how often visitors ask. The first byte says who is trusted, the next
 * eight are the rate's key, the rest is the field and, taken as bytes, who asks when. Whoever it is found to be, it is not
 * one of our proxies; nobody who has asked less than the limit is refused, and nobody is answered sooner than there is
 * room. */
#include "fuzz.h"

#include "web/peer.h"
#include "web/rate.h"

enum { LIMIT = 3, VISITORS = 4 };
static const int64_t MINUTE_US = 60000000, STEP_US = 20000000;

static void as_forwarded(uint8_t trusted, struct fb_str field)
{
    static const struct fb_net nets[] = {
        {.addr = {[10] = 0xff, 0xff, 127}, .prefix = 104}, {.addr = {[10] = 0xff, 0xff, 10}, .prefix = 104}, {.addr = {0xfd}, .prefix = 8},
    };
    const struct fb_nets proxies = {trusted % 4, nets};
    uint8_t peer[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1}, client[16];
    if (!web_peer_client(&proxies, peer, field, client))
        return;
    FUZZ_CHECK(!fb_nets_contain(&proxies, client));
    FUZZ_CHECK(proxies.n > 0 || memcmp(client, peer, sizeof peer) == 0);
}

/* The same bookkeeping, told naively: when each visitor's last LIMIT requests were answered. */
static void as_requests(const uint8_t *key, struct fb_str steps)
{
    static struct web_rate rate;
    int64_t answered[VISITORS][LIMIT], now_us = MINUTE_US;
    for (int v = 0; v < VISITORS; v++)
        for (int i = 0; i < LIMIT; i++)
            answered[v][i] = -MINUTE_US;
    web_rate_init(&rate, key, LIMIT);
    for (size_t i = 0; i < steps.n; i++) {
        char who = (char)((uint8_t)steps.p[i] % VISITORS);
        int64_t *own = answered[(int)who];
        now_us += ((uint8_t)steps.p[i] / VISITORS) * 1000000;
        unsigned wait_s = web_rate_take(&rate, (struct fb_str){&who, 1}, now_us);
        FUZZ_CHECK(wait_s <= 60);
        FUZZ_CHECK(!wait_s || own[0] > now_us - MINUTE_US);
        if (wait_s)
            continue;
        FUZZ_CHECK(own[0] <= now_us - STEP_US);
        memmove(own, own + 1, (LIMIT - 1) * sizeof *own);
        own[LIMIT - 1] = now_us;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t key[WEB_RATE_KEY] = {0};
    if (n < 9)
        return 0;
    memcpy(key, data + 1, 8);
    struct fb_str rest = {(const char *)data + 9, n - 9};
    as_forwarded(data[0], rest);
    as_requests(key, rest);
    return 0;
}
