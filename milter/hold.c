/* Recording holds. The order is the promise: the row first, then the marker, both durable, and only then may the MTA be
 * asked to keep the message; a crash in between leaves a row that the keeper finds passed, never a message that nobody
 * releases. What is recorded of a message is sealed to the keeper; nothing readable ever reaches the disk.
 *
 * Whether its sender has had enough of it is asked in the same turn in which it is recorded, so that two messages at once do not
 * both find the last place free.
 *
 * DIAGNOSTICS: fails where the store cannot be opened or written, is damaged, or stays locked; where the marker cannot be
 * written; and for lack of memory. A row without a marker may be left: the keeper finds it. */
#include "hold.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "hold/marker.h"

enum { BUSY_MS = 2000, HOUR_S = 3600, LOOK_MS = 1000 };

/* ---- the store ---- */

int holds_init(struct holds *h, struct fb_err *err)
{
    *h = (struct holds){0};
    return gate_init(&h->write.turn, err) || gate_init(&h->read.turn, err) ? -1 : 0;
}

static void line_close(struct line *l)
{
    fb_store_close(l->store);
    free(l->dir);
    l->store = NULL;
    l->dir = NULL;
}

void holds_done(struct holds *h)
{
    line_close(&h->write);
    line_close(&h->read);
    gate_done(&h->write.turn);
    gate_done(&h->read.turn);
}

static int line_open(struct line *l, const char *dir, struct fb_err *err)
{
    if (l->store && !strcmp(l->dir, dir))
        return 0;
    line_close(l);
    if (!(l->dir = strdup(dir)))
        return fb_fail_memory(err);
    int rc = fb_store_open(dir, BUSY_MS, &l->store, err);
    return rc > 0 ? fb_fail(err, "%s: the store is damaged", dir) : rc;
}

static int line_use(struct line *l, const char *dir, holds_fn *fn, void *arg, struct fb_err *err)
{
    if (!gate_enter(&l->turn, 1, fb_clock_ms() + BUSY_MS))
        return fb_fail(err, "the store is busy with other holds");
    int rc = line_open(l, dir, err);
    if (rc == 0)
        rc = fn(l->store, arg, err);
    if (rc < 0)
        line_close(l); /* the next one opens it anew, whatever was wrong with it */
    gate_leave(&l->turn);
    return rc;
}

int holds_write(struct holds *h, const char *dir, holds_fn *fn, void *arg, struct fb_err *err)
{
    return line_use(&h->write, dir, fn, arg, err);
}

int holds_read(struct holds *h, const char *dir, holds_fn *fn, void *arg, struct fb_err *err)
{
    return line_use(&h->read, dir, fn, arg, err);
}

static bool any_marker(const char *dir)
{
    char path[PATH_MAX];
    DIR *markers = snprintf(path, sizeof path, "%s/markers", dir) < (int)sizeof path ? opendir(path) : NULL;
    const struct dirent *d = NULL;
    while (markers && (d = readdir(markers)) && d->d_name[0] == '.')
        ;
    if (markers)
        closedir(markers);
    return d != NULL;
}

/* A folder of thousands takes a millisecond to look into. */
bool holds_any(struct holds *h, const char *dir)
{
    long long now_ms = fb_clock_ms(), looked_ms = atomic_load(&h->looked_ms);
    if (now_ms - looked_ms >= LOOK_MS && atomic_compare_exchange_strong(&h->looked_ms, &looked_ms, now_ms))
        atomic_store(&h->any, any_marker(dir));
    return atomic_load(&h->any);
}

/* ---- recording ---- */

struct fb_str thread_root(const struct fb_str *references, size_t n, struct fb_str in_reply_to, struct fb_str own)
{
    return n ? references[0] : in_reply_to.n ? in_reply_to : own;
}

int64_t holds_delay(const struct fb_conf *conf, const struct fb_finding *f)
{
    return f->delay_s < conf->hold_longest ? f->delay_s : conf->hold_longest;
}

static int hold_make(const struct generation *g, const struct hold_request *r, struct fb_arena *arena, struct fb_hold *ret, struct fb_err *err)
{
    const struct fb_verdict *v = r->verdict;
    int64_t delay_s = holds_delay(g->conf, v->main), minimum_s = g->conf->hold_minimum;
    *ret = (struct fb_hold){
        .queue_id = r->queue_id,
        .state = v->action == FB_HOLD ? FB_STATE_pending : FB_STATE_advised,
        .rule = v->main->rule,
        .language = v->language,
        .created_s = r->now_s,
        .changed_s = r->now_s,
        .deadline_s = r->now_s + delay_s,
        .box = fb_box_seal(arena, g->box_key, v->facts),
    };
    if (!ret->box.p)
        return fb_fail_memory(err);
    if (v->action == FB_HOLD && minimum_s)
        ret->opens_s = r->now_s + (minimum_s < delay_s ? minimum_s : delay_s);
    fb_hold_id_new(&ret->id);
    fb_fingerprint(g->hash_key, r->queue_id, v->message_id, ret->fingerprint);
    fb_hold_hashes(g->hash_key, r->env->login, r->env->sender, r->root, ret);
    return 0;
}

struct recording {
    int64_t cap;
    const struct fb_hold *hold;
};

static int record(struct fb_store *s, void *arg, struct fb_err *err)
{
    const struct recording *r = arg;
    size_t n = 0;
    if (r->cap && fb_store_recent(s, r->hold->person, r->hold->created_s - HOUR_S + 1, &n, err))
        return -1;
    return r->cap && (int64_t)n >= r->cap ? HOLDS_CAP : fb_store_add(s, r->hold, err);
}

int holds_record(struct holds *h, const struct generation *g, const struct hold_request *r, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_hold hold;
    struct recording arg = {g->conf->hold_cap, &hold};
    const char *dir = g->conf->forbear_state_dir;
    int rc = hold_make(g, r, arena, &hold, err);
    if (rc == 0)
        rc = holds_write(h, dir, record, &arg, err);
    if (rc == 0 && r->verdict->action == FB_HOLD) {
        rc = fb_marker_write(dir, &hold, err);
        atomic_store(&h->looked_ms, 0); /* who answers it within the second is not to hear that nothing is held */
        atomic_store(&h->any, true);
    }
    return rc;
}

/* ---- what is not held again ---- */

struct sparing {
    struct fb_hold who; /* person and thread */
    int64_t now_s;
    struct fb_arena *arena;
    struct fb_str *rules;
    size_t n;
};

static int spared_find(struct fb_store *s, void *arg, struct fb_err *err)
{
    struct sparing *a = arg;
    return fb_store_spared(s, a->who.person, a->who.thread, a->now_s, a->arena, &a->rules, &a->n, err);
}

int holds_spared(struct holds *h, const struct generation *g, const struct hold_request *r, struct fb_arena *arena, struct fb_str **ret,
                 size_t *ret_n, struct fb_err *err)
{
    struct sparing arg = {.now_s = r->now_s, .arena = arena};
    fb_hold_hashes(g->hash_key, FB_STR_NONE, r->env->sender, r->root, &arg.who);
    int rc = holds_read(h, g->conf->forbear_state_dir, spared_find, &arg, err);
    *ret = arg.rules, *ret_n = arg.n;
    return rc;
}
