/* A stack of scratches behind a lock. The milter's gate lets no more judge at once than there are, so nobody waits there;
 * other callers of the library may. */
#include "judge/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct fb_pool {
    pthread_mutex_t lock;
    pthread_cond_t given;
    size_t free, n;
    struct fb_scratch *v[];
};

int fb_pool_open(const struct fb_encoder *e, size_t n, struct fb_pool **ret, struct fb_err *err)
{
    struct fb_pool *p = calloc(1, sizeof *p + n * sizeof *p->v);
    if (!p)
        return fb_fail_memory(err);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->given, NULL);
    for (; p->n < n; p->free = ++p->n)
        if (fb_scratch_open(e, &p->v[p->n], err)) {
            fb_pool_close(p);
            return -1;
        }
    *ret = p;
    return 0;
}

void fb_pool_close(struct fb_pool *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        fb_scratch_close(p->v[i]);
    pthread_cond_destroy(&p->given);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

struct fb_scratch *fb_pool_take(struct fb_pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->free)
        pthread_cond_wait(&p->given, &p->lock);
    struct fb_scratch *s = p->v[--p->free];
    pthread_mutex_unlock(&p->lock);
    return s;
}

void fb_pool_give(struct fb_pool *p, struct fb_scratch *s)
{
    pthread_mutex_lock(&p->lock);
    p->v[p->free++] = s;
    pthread_cond_signal(&p->given);
    pthread_mutex_unlock(&p->lock);
}
