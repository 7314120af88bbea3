/* Waiting, doubled with each try. */
#include "later.h"

#include <search.h>
#include <stdlib.h>

struct item {
    struct fb_hold_id id; /* first: a key is an item */
    int64_t at_ms;
    unsigned tries;
};

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, FB_HOLD_ID);
}

static struct item *find(const struct fb_later *l, struct fb_hold_id id)
{
    struct item *const *at = tfind(&id, &l->root, by_id);
    return at ? *at : NULL;
}

bool fb_later_due(const struct fb_later *l, struct fb_hold_id id, int64_t now_ms)
{
    const struct item *it = find(l, id);
    return !it || it->at_ms <= now_ms;
}

bool fb_later_has(const struct fb_later *l, struct fb_hold_id id)
{
    return find(l, id) != NULL;
}

static struct item *add(struct fb_later *l, struct fb_hold_id id)
{
    struct item *it = calloc(1, sizeof *it);
    if (!it)
        return NULL;
    it->id = id;
    if (!tsearch(it, &l->root, by_id)) {
        free(it);
        return NULL;
    }
    return it;
}

unsigned fb_later_again(struct fb_later *l, struct fb_hold_id id, int64_t now_ms, int64_t wait_ms, int64_t max_ms)
{
    struct item *it = find(l, id);
    if (!it)
        it = add(l, id);
    if (!it)
        return 0;
    for (unsigned i = 0; i < it->tries && wait_ms < max_ms; i++)
        wait_ms *= 2;
    it->at_ms = now_ms + (wait_ms < max_ms ? wait_ms : max_ms);
    return ++it->tries;
}

void fb_later_at(struct fb_later *l, struct fb_hold_id id, int64_t at_ms)
{
    struct item *it = find(l, id);
    if (!it)
        it = add(l, id);
    if (it)
        it->at_ms = at_ms;
}

void fb_later_forget(struct fb_later *l, struct fb_hold_id id)
{
    struct item *it = find(l, id);
    if (it) {
        tdelete(it, &l->root, by_id);
        free(it);
    }
}

struct walk {
    int64_t now_ms, next_ms;
    const struct item *v[FB_LATER_LIST]; /* due, who waits longest first */
    size_t n;
};

/* In its place, where it has one among the first. */
static void put(struct walk *w, const struct item *it)
{
    size_t at = w->n;
    w->n += w->n < FB_LATER_LIST;
    for (; at > 0 && w->v[at - 1]->at_ms > it->at_ms; at--)
        if (at < FB_LATER_LIST)
            w->v[at] = w->v[at - 1];
    if (at < FB_LATER_LIST)
        w->v[at] = it;
}

static void visit(const void *node, VISIT which, void *arg)
{
    const struct item *it = *(const struct item *const *)node;
    struct walk *w = arg;
    if (which != postorder && which != leaf) /* each once */
        return;
    if (it->at_ms < w->next_ms)
        w->next_ms = it->at_ms;
    if (it->at_ms <= w->now_ms)
        put(w, it);
}

int64_t fb_later_next(const struct fb_later *l)
{
    struct walk w = {.now_ms = INT64_MIN, .next_ms = INT64_MAX};
    twalk_r(l->root, visit, &w);
    return w.next_ms;
}

size_t fb_later_list(const struct fb_later *l, int64_t now_ms, struct fb_hold_id ret[FB_LATER_LIST])
{
    struct walk w = {.now_ms = now_ms, .next_ms = INT64_MAX};
    twalk_r(l->root, visit, &w);
    for (size_t i = 0; i < w.n; i++)
        ret[i] = w.v[i]->id;
    return w.n;
}

void fb_later_done(struct fb_later *l)
{
    tdestroy(l->root, free);
    l->root = NULL;
}
