/* Scratch memory for as many runs at once as there may be, shared by the threads that judge. */
#ifndef FB_JUDGE_POOL_H
#define FB_JUDGE_POOL_H

#include "judge/encoder.h"

struct fb_pool;

/* @n scratches over @e, made now. */
int fb_pool_open(const struct fb_encoder *e, size_t n, struct fb_pool **ret, struct fb_err *err);
void fb_pool_close(struct fb_pool *p); /* NULL is allowed; all were given back */

/* Waits for a free one; any thread. */
struct fb_scratch *fb_pool_take(struct fb_pool *p);
void fb_pool_give(struct fb_pool *p, struct fb_scratch *s);

#endif
