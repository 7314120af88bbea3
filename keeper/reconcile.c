/* Store, markers and queue, compared. Each can have lost what the others know: the store can be lost or damaged, a marker
 * too, and an admin moves files by hand. What none but the queue knows is the admin's own and never looked at.
 *
 * DIAGNOSTICS: logs adopted (a hold without a row), marker_unreadable, marker_without_file, not_ours, forgotten. Without a
 * store: released_by_marker. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/log.h"
#include "hold/marker.h"
#include "work.h"

enum { UNDECIDED_AGAIN_MS = 5000 };

static void marker_drop(const struct fb_work *w, const struct fb_hold *m)
{
    struct fb_err err;
    if (fb_marker_remove(w->k->conf->forbear_state_dir, m->queue_id, &err))
        fb_log(FB_LOG_ERROR, "marker_stays", "queue_id=%s reason=%s", m->queue_id.p, fb_log_quote(fb_str(err.text)));
}

static void log_bad(struct fb_str bad)
{
    struct fb_str name;
    while (bad.n && fb_str_split(&bad, '\0', &name))
        if (name.n)
            fb_log(FB_LOG_ERROR, "marker_unreadable", "file=%s", fb_log_quote(name));
}

static int markers_list(struct fb_work *w, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    struct fb_str bad;
    *ret_n = 0;
    if (fb_marker_list(w->k->conf->forbear_state_dir, arena, ret, ret_n, &bad, err))
        return -1;
    log_bad(bad);
    return 0;
}

/* --- markers without a row --- */

static int adopt(struct fb_work *w, const struct fb_hold *m)
{
    if (fb_store_adopt(w->store, m, "its row was lost; the marker tells of it", &w->err) < 0)
        return -1;
    fb_log(FB_LOG_ERROR, "adopted", "queue_id=%s rule=%s", m->queue_id.p, m->rule.p);
    return 0;
}

static int lost_one(struct fb_work *w, const struct fb_hold *m, enum fb_queue_outcome is, const struct fb_queue_mail *mail)
{
    if (is == FB_QUEUE_DONE && fb_is_meant(w, m, mail))
        return adopt(w, m);
    if (is == FB_QUEUE_FAILED || (is != FB_QUEUE_DONE && w->now_s < m->created_s + w->k->conf->hold_grace)) {
        w->reconcile_ms = w->now_ms + UNDECIDED_AGAIN_MS;
        return 0;
    }
    fb_log(FB_LOG_ERROR, is == FB_QUEUE_DONE ? "not_ours" : "marker_without_file", "queue_id=%s rule=%s", m->queue_id.p, m->rule.p);
    marker_drop(w, m);
    return 0;
}

/* Leaves those in @v that have no row. Markers of closed holds go. */
static int without_row(struct fb_work *w, struct fb_hold *v, size_t *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        FB_ARENA arena = fb_arena_new(1 << 20);
        struct fb_hold row;
        int rc = arena ? fb_store_get(w->store, v[i].id, arena, &row, &w->err) : fb_fail_memory(&w->err);
        if (rc < 0)
            return -1;
        if (rc == FB_STORE_NONE)
            v[kept++] = v[i];
        else if (!fb_state_open(row.state))
            marker_drop(w, &v[i]);
    }
    *n = kept;
    return 0;
}

/* Calls @one for each of @v with what the queue says of it. */
typedef int found_fn(struct fb_work *w, const struct fb_hold *hold, enum fb_queue_outcome is, const struct fb_queue_mail *mail);

static int look_up_all(struct fb_work *w, const struct fb_hold *v, size_t n, found_fn *one)
{
    for (size_t at = 0; at < n; at += FB_BATCH) {
        FB_ARENA arena = fb_arena_new(FB_ROUND_ARENA);
        struct fb_queue_reply reply;
        size_t count = n - at < FB_BATCH ? n - at : FB_BATCH;
        int rc = arena ? fb_ask_look_up(w, arena, v + at, count, &reply) : fb_fail_memory(&w->err);
        for (size_t i = 0; i < count && !rc; i++)
            rc = one(w, &v[at + i], reply.outcome[i], &reply.mail[i]);
        if (rc)
            return rc;
    }
    return 0;
}

static int adopt_lost(struct fb_work *w, struct fb_arena *arena)
{
    struct fb_hold *v;
    size_t n;
    struct fb_err err;
    if (markers_list(w, arena, &v, &n, &err)) {
        fb_log(FB_LOG_ERROR, "markers_unreadable", "reason=%s", fb_log_quote(fb_str(err.text)));
        return 0;
    }
    return without_row(w, v, &n) ? -1 : look_up_all(w, v, n, lost_one);
}

/* --- rows --- */

static bool has_marker(const struct fb_work *w, const struct fb_hold *hold)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/markers/%s", w->k->conf->forbear_state_dir, hold->queue_id.p);
    return access(path, F_OK) == 0;
}

/* Not of a pending one: the milter is about to write it. */
static void marker_want(const struct fb_work *w, const struct fb_hold *hold)
{
    struct fb_err err;
    if (hold->state == FB_STATE_pending || hold->state == FB_STATE_advised || has_marker(w, hold))
        return;
    if (fb_marker_write(w->k->conf->forbear_state_dir, hold, &err))
        fb_log(FB_LOG_ERROR, "marker_lost", "queue_id=%s reason=%s", hold->queue_id.p, fb_log_quote(fb_str(err.text)));
}

static int held_one(struct fb_work *w, const struct fb_hold *hold, enum fb_queue_outcome is, const struct fb_queue_mail *mail)
{
    if (is == FB_QUEUE_FAILED || (is == FB_QUEUE_DONE && fb_is_meant(w, hold, mail)))
        return 0;
    if (is == FB_QUEUE_DONE || is == FB_QUEUE_DIFFERENT)
        return fb_go_wrong(w, hold, FB_STATE_gone, "not_ours", "the file of that queue id is not the message that was judged");
    return fb_go(w, hold, FB_STATE_gone, "it left the hold queue by another hand");
}

static int check_rows(struct fb_work *w, struct fb_arena *arena)
{
    struct fb_hold *v;
    size_t n, held = 0;
    if (fb_store_list(w->store, FB_STATES, FB_OPEN_MAX, arena, &v, &n, &w->err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        marker_want(w, &v[i]);
        if (v[i].state == FB_STATE_held) {
            fb_owe(w, v[i].id);
            v[held++] = v[i];
        }
    }
    return look_up_all(w, v, held, held_one);
}

static int forget(struct fb_work *w)
{
    size_t n, who;
    if (fb_store_forget_who(w->store, w->now_s - w->k->conf->hold_forget, w->now_s, &who, &w->err) ||
        fb_store_forget(w->store, w->now_s - w->k->conf->hold_retention, &n, &w->err))
        return -1;
    if (n || who)
        fb_log(FB_LOG_INFO, "forgotten", "holds=%zu senders=%zu", n, who);
    return 0;
}

int fb_reconcile(struct fb_work *w)
{
    FB_ARENA arena = fb_arena_new(FB_ROUND_ARENA);
    if (!arena)
        return fb_fail_memory(&w->err);
    w->reconcile_ms = w->now_ms + w->k->conf->keeper_reconcile * 1000;
    int rc = adopt_lost(w, arena);
    if (rc == 0)
        rc = check_rows(w, arena);
    if (rc == FB_AWAY)
        w->reconcile_ms = w->helper_ms;
    return rc < 0 ? -1 : forget(w);
}

/* --- without a store --- */

/* Where the store can still be read it says which are not to be released. Where it cannot, what was decided is not known:
 * then the markers alone count, but not before the store has been away for the grace. */
static bool may_release(struct fb_work *w, const struct fb_hold *m)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_hold row;
    int rc = w->store && arena ? fb_store_get(w->store, m->id, arena, &row, NULL) : -1;
    if (rc == 0)
        return (row.state == FB_STATE_held && row.deadline_s <= w->now_s) || row.state == FB_STATE_releasing;
    return w->now_ms >= w->store_since_ms + w->k->conf->hold_grace * 1000;
}

static size_t marker_due(struct fb_work *w, struct fb_hold *v, size_t n, struct fb_hold *ret)
{
    size_t due = 0;
    for (size_t i = 0; i < n && due < FB_BATCH; i++)
        if (v[i].deadline_s <= w->now_s && may_release(w, &v[i]))
            ret[due++] = v[i];
    return due;
}

static void release_meant(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *v, size_t n, const struct fb_queue_reply *found)
{
    struct fb_queue_file files[FB_BATCH];
    const struct fb_hold *going[FB_BATCH];
    struct fb_queue_reply reply;
    size_t go = 0;
    for (size_t i = 0; i < n; i++)
        if (found->outcome[i] == FB_QUEUE_DONE && fb_is_meant(w, &v[i], &found->mail[i]))
            going[go] = &v[i], files[go++] = found->mail[i].file;
    if (fb_ask(w, arena, FB_QUEUE_RELEASE, files, go, &reply))
        return;
    for (size_t i = 0; i < go; i++)
        if (reply.outcome[i] == FB_QUEUE_DONE) {
            fb_log(FB_LOG_ERROR, "released_by_marker", "queue_id=%s rule=%s", going[i]->queue_id.p, going[i]->rule.p);
            fb_later_at(&w->by_marker, going[i]->id, 0);
            marker_drop(w, going[i]);
        }
}

void fb_deadlines_by_marker(struct fb_work *w)
{
    FB_ARENA arena = fb_arena_new(FB_ROUND_ARENA);
    struct fb_hold *v, due[FB_BATCH];
    struct fb_queue_reply reply;
    size_t n;
    if (!arena || markers_list(w, arena, &v, &n, NULL))
        return;
    n = marker_due(w, v, n, due);
    if (n && fb_ask_look_up(w, arena, due, n, &reply) == 0)
        release_meant(w, arena, due, n, &reply);
}
