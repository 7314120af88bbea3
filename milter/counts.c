/* The counters. A reply to the MTA never waits for the store: counting touches memory alone, and one thread writes what
 * has gathered. A store that fails loses nothing as long as the program runs. Names are bounded (rules and reasons), so
 * a full table means a fault of ours; then counting stops and says so, and mail goes on.
 *
 * DIAGNOSTICS: counts_flush fails where the store does, and where counts were lost for lack of room. */
#include "counts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { BUSY_MS = 2000, ARENA_MAX = 1 << 18 };

static struct counts_batch *batch_new(void)
{
    struct counts_batch *b = calloc(1, sizeof *b);
    if (b && !(b->arena = fb_arena_new(ARENA_MAX))) {
        free(b);
        return NULL;
    }
    return b;
}

static void batch_free(struct counts_batch *b)
{
    if (b)
        fb_arena_free(b->arena);
    free(b);
}

int counts_init(struct counts *c, struct fb_err *err)
{
    *c = (struct counts){.now = batch_new()};
    if (!c->now || pthread_mutex_init(&c->lock, NULL))
        return fb_fail_memory(err);
    return 0;
}

void counts_done(struct counts *c)
{
    fb_store_close(c->store);
    free(c->dir);
    batch_free(c->now);
    pthread_mutex_destroy(&c->lock);
}

/* True where @full is "kind.name", or "kind" where @name is empty. */
static bool named(struct fb_str full, struct fb_str kind, struct fb_str name)
{
    size_t dot = name.n ? 1 : 0;
    return full.n == kind.n + dot + name.n && !memcmp(full.p, kind.p, kind.n) &&
           (!dot || (full.p[kind.n] == '.' && !memcmp(full.p + kind.n + 1, name.p, name.n)));
}

static struct fb_count *batch_row(struct counts_batch *b, struct fb_str day, struct fb_str kind, struct fb_str name)
{
    for (size_t i = 0; i < b->n; i++)
        if (fb_str_eq(b->v[i].day, day) && named(b->v[i].name, kind, name))
            return &b->v[i];
    if (b->n == COUNTS_MAX)
        return NULL;
    struct fb_count row = {
        .day = fb_arena_dup(b->arena, day),
        .name = fb_arena_printf(b->arena, "%.*s%s%.*s", FB_FMT(kind), name.n ? "." : "", FB_FMT(name)),
    };
    if (!row.day.p || !row.name.p)
        return NULL;
    b->v[b->n] = row;
    return &b->v[b->n++];
}

static void batch_add(struct counts_batch *b, struct fb_str day, struct fb_str kind, struct fb_str name, int64_t n)
{
    struct fb_count *row = batch_row(b, day, kind, name);
    if (row)
        row->n += n;
    else
        b->lost += n;
}

void counts_add(struct counts *c, int64_t now_s, struct fb_str kind, struct fb_str name)
{
    char day[sizeof "2026-11-28"];
    struct tm tm;
    time_t t = now_s;
    if (!gmtime_r(&t, &tm) || !strftime(day, sizeof day, "%Y-%m-%d", &tm))
        return; /* a year of five digits */
    pthread_mutex_lock(&c->lock);
    batch_add(c->now, fb_str(day), kind, name, 1);
    pthread_mutex_unlock(&c->lock);
}

static int counts_store(struct counts *c, const char *dir, struct fb_err *err)
{
    if (c->store && !strcmp(c->dir, dir))
        return 0;
    fb_store_close(c->store);
    c->store = NULL;
    free(c->dir);
    if (!(c->dir = strdup(dir)))
        return fb_fail_memory(err);
    int rc = fb_store_open(dir, BUSY_MS, &c->store, err);
    return rc > 0 ? fb_fail(err, "%s: the store is damaged", dir) : rc;
}

/* Puts @fresh in place of what was counted so far and hands that out. */
static struct counts_batch *counts_take(struct counts *c, struct counts_batch *fresh)
{
    pthread_mutex_lock(&c->lock);
    struct counts_batch *b = c->now;
    c->now = fresh;
    pthread_mutex_unlock(&c->lock);
    return b;
}

static void counts_give_back(struct counts *c, const struct counts_batch *b)
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < b->n; i++)
        batch_add(c->now, b->v[i].day, b->v[i].name, FB_STR_NONE, b->v[i].n);
    c->now->lost += b->lost;
    pthread_mutex_unlock(&c->lock);
}

int counts_flush(struct counts *c, const char *dir, struct fb_err *err)
{
    struct counts_batch *fresh = batch_new();
    if (!fresh)
        return fb_fail_memory(err);
    struct counts_batch *b = counts_take(c, fresh);
    int rc = b->n ? counts_store(c, dir, err) : 0;
    if (!rc && b->n)
        rc = fb_store_count(c->store, b->v, b->n, err);
    if (rc) {
        counts_give_back(c, b);
        fb_store_close(c->store); /* opened anew at the next flush, whatever was wrong with it */
        c->store = NULL;
    }
    if (!rc && b->lost)
        rc = fb_fail(err, "%" PRId64 " counts were lost: too many names", b->lost);
    batch_free(b);
    return rc;
}
