/* Scratch memory, shared by the threads that judge: made when more of them judge at once than ever before, then kept. */
#ifndef FB_JUDGE_POOL_H
#define FB_JUDGE_POOL_H

#include "judge/encoder.h"

struct fb_pool;

int fb_pool_open(const struct fb_encoder *e, struct fb_pool **ret, struct fb_err *err);
void fb_pool_close(struct fb_pool *p); /* NULL is allowed; all were given back */

/* One that nobody else has; any thread. Fails for lack of memory, or as oneDNN does. */
int fb_pool_take(struct fb_pool *p, struct fb_scratch **ret, struct fb_err *err);
void fb_pool_give(struct fb_pool *p, struct fb_scratch *s);

#endif
