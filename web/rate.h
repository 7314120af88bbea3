/* How often somebody may ask, in memory that does not grow. A function of who and when: no clock, no lock. */
#ifndef FB_WEB_RATE_H
#define FB_WEB_RATE_H

#include "base/str.h"

enum { WEB_RATE_KEY = 16, WEB_RATE_SETS = 2048, WEB_RATE_WAYS = 4 };

struct web_rate {
    uint8_t key[WEB_RATE_KEY]; /* nobody outside can tell who shares a set with whom */
    int64_t step_us;           /* 0: no limit */
    struct web_rate_slot {
        uint64_t who;      /* keyed hash */
        int64_t filled_us; /* when all that was taken has flown back */
    } sets[WEB_RATE_SETS][WEB_RATE_WAYS];
};

/* @a_minute requests may come at once, and then as many in each minute. 0: as many as they like. */
void web_rate_init(struct web_rate *r, const uint8_t key[WEB_RATE_KEY], unsigned a_minute);
/* 0: @who may ask now, and that is counted. Otherwise nothing is counted, and in so many seconds there is room again.
 * Where more ask at a time than there are slots, those who asked least are forgotten, to their favour. */
unsigned web_rate_take(struct web_rate *r, struct fb_str who, int64_t now_us);

#endif
