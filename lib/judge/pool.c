/* A stack of scratches behind a lock. How many there come to be is bounded by how many judge at once: the caller's gate. */
#include "judge/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct item {
    struct item *next;
    struct fb_scratch *scratch;
};

struct fb_pool {
    atomic_uint refs;
    struct fb_encoder *encoder;
    pthread_mutex_t lock;
    struct item *free, *in_use; /* items in use are empty: one for each scratch that was taken */
};

static int pool_new(const char *model, struct fb_pool **ret, struct fb_err *err)
{
    struct fb_pool *p = calloc(1, sizeof *p);
    if (!p || pthread_mutex_init(&p->lock, NULL)) {
        free(p);
        return fb_fail_memory(err);
    }
    atomic_init(&p->refs, 1);
    int rc = fb_encoder_open(model, NULL, &p->encoder, err);
    if (rc)
        fb_pool_close(p);
    else
        *ret = p;
    return rc;
}

int fb_pool_open(const char *model, struct fb_pool *like, struct fb_pool **ret, struct fb_err *err)
{
    if (!like || !fb_encoder_is(like->encoder, model))
        return pool_new(model, ret, err);
    atomic_fetch_add_explicit(&like->refs, 1, memory_order_relaxed);
    *ret = like;
    return 0;
}

static void items_free(struct item *list)
{
    for (struct item *next; list; list = next) {
        next = list->next;
        fb_scratch_close(list->scratch);
        free(list);
    }
}

void fb_pool_close(struct fb_pool *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    items_free(p->free);
    items_free(p->in_use);
    fb_encoder_close(p->encoder);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

const struct fb_encoder *fb_pool_encoder(const struct fb_pool *p)
{
    return p->encoder;
}

static struct item *pop(struct item **list)
{
    struct item *it = *list;
    if (it)
        *list = it->next;
    return it;
}

static void push(struct item **list, struct item *it)
{
    it->next = *list;
    *list = it;
}

static struct item *item_new(const struct fb_pool *p, struct fb_err *err)
{
    struct item *it = calloc(1, sizeof *it);
    if (!it)
        fb_fail_memory(err);
    else if (fb_scratch_open(p->encoder, &it->scratch, err) == 0)
        return it;
    free(it);
    return NULL;
}

int fb_pool_take(struct fb_pool *p, struct fb_scratch **ret, struct fb_err *err)
{
    pthread_mutex_lock(&p->lock);
    struct item *it = pop(&p->free);
    pthread_mutex_unlock(&p->lock);
    if (!it && !(it = item_new(p, err)))
        return -1;
    *ret = it->scratch;
    it->scratch = NULL;
    pthread_mutex_lock(&p->lock);
    push(&p->in_use, it);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

void fb_pool_give(struct fb_pool *p, struct fb_scratch *s)
{
    pthread_mutex_lock(&p->lock);
    struct item *it = pop(&p->in_use);
    it->scratch = s;
    push(&p->free, it);
    pthread_mutex_unlock(&p->lock);
}
