/* An encoder with scratch memory for the threads that judge: made when more of them judge at once than ever before, then
 * kept. Whoever judges by the same file of weights shares it, with counted references. */
#ifndef FB_JUDGE_POOL_H
#define FB_JUDGE_POOL_H

#include "judge/encoder.h"

struct fb_pool;

/* @like: one that is shared where it is of the same file, so that nothing is loaded twice; NULL: none. Outcome:
 * FB_ENCODER_NO_CPU. */
int fb_pool_open(const char *model, struct fb_pool *like, struct fb_pool **ret, struct fb_err *err);
void fb_pool_close(struct fb_pool *p); /* NULL is allowed; the last one frees it, when all scratch was given back */
const struct fb_encoder *fb_pool_encoder(const struct fb_pool *p);

/* One that nobody else has; any thread. Fails for lack of memory. */
int fb_pool_take(struct fb_pool *p, struct fb_scratch **ret, struct fb_err *err);
void fb_pool_give(struct fb_pool *p, struct fb_scratch *s);

#endif
