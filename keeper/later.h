/* When to look at a hold again. In memory alone: a restart may try everything at once. */
#ifndef FB_KEEPER_LATER_H
#define FB_KEEPER_LATER_H

#include "hold/store.h"

enum { FB_LATER_LIST = 200 };

struct fb_later {
    void *root; /* tsearch(3) */
};

/* True where nothing says otherwise. */
bool fb_later_due(const struct fb_later *l, struct fb_hold_id id, int64_t now_ms);
/* Is anything said of it? */
bool fb_later_has(const struct fb_later *l, struct fb_hold_id id);
/* From @now_ms + @wait_ms on; says how many times this was called for it, from 1. @wait_ms doubles with each call, up to
 * @max_ms. 0 when memory is out: then it is due. */
unsigned fb_later_again(struct fb_later *l, struct fb_hold_id id, int64_t now_ms, int64_t wait_ms, int64_t max_ms);
/* At that time, which is no try: how often it was tried stays. */
void fb_later_at(struct fb_later *l, struct fb_hold_id id, int64_t at_ms);
void fb_later_forget(struct fb_later *l, struct fb_hold_id id);
/* The earliest time of all: INT64_MAX where none is. */
int64_t fb_later_next(const struct fb_later *l);
/* Those that are due, the first of them longest, at most FB_LATER_LIST. Returns how many. */
size_t fb_later_list(const struct fb_later *l, int64_t now_ms, struct fb_hold_id ret[FB_LATER_LIST]);
void fb_later_done(struct fb_later *l);

#endif
