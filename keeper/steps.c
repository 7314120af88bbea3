/* What pending, held and releasing ask for. A message is released at its deadline whatever else is wrong; it is never
 * touched where the file is not the one meant; and a decision counts only while its token verifies.
 *
 * DIAGNOSTICS: logs every hold that is closed by the name of its new state, with queue id and rule and nothing else; at
 * error level not_ours (a file of that id that is not the message meant), decision_invalid, release_failed. */
#include "crash.h"
#include "daemon/log.h"
#include "hold/marker.h"
#include "wire/desk.h"
#include "work.h"

enum { PENDING_FIRST_MS = 20, PENDING_MAX_MS = 5000, FAILED_FIRST_MS = 1000, FAILED_MAX_MS = 300000, TALKED_S = 14 * 86400 };

static void close_up(struct fb_work *w, const struct fb_hold *hold)
{
    struct fb_err err;
    fb_later_forget(&w->later, hold->id);
    fb_later_forget(&w->owed, hold->id);
    if (fb_marker_remove(w->k->conf->forbear_state_dir, hold->queue_id, &err))
        fb_log(FB_LOG_ERROR, "marker_stays", "queue_id=%s reason=%s", hold->queue_id.p, fb_log_quote(fb_str(err.text)));
}

int fb_go(struct fb_work *w, const struct fb_hold *hold, enum fb_state to, const char *why)
{
    int rc = fb_store_step(w->store, hold->id, hold->state, to, w->now_s, "keeper", why, &w->err);
    if (rc)
        return rc < 0 ? -1 : 0;
    fb_later_forget(&w->later, hold->id);
    if (!fb_state_open(to))
        close_up(w, hold);
    else
        w->again = true;
    fb_log(fb_state_open(to) ? FB_LOG_VERBOSE : FB_LOG_INFO, fb_state_name(to), "queue_id=%s rule=%s why=%s", hold->queue_id.p, hold->rule.p,
           fb_log_quote(fb_str(why)));
    return 0;
}

int fb_go_wrong(struct fb_work *w, const struct fb_hold *hold, enum fb_state to, const char *event, const char *why)
{
    fb_log(FB_LOG_ERROR, event, "queue_id=%s rule=%s reason=%s", hold->queue_id.p, hold->rule.p, fb_log_quote(fb_str(why)));
    return fb_go(w, hold, to, why);
}

static int not_ours(struct fb_work *w, const struct fb_hold *hold)
{
    return fb_go_wrong(w, hold, FB_STATE_gone, "not_ours", "the file of that queue id is not the message that was judged");
}

/* --- pending --- */

/* The milter records a hold before the MTA has moved the file: for a while it may be absent, or in incoming/. */
static int not_held_yet(struct fb_work *w, const struct fb_hold *hold, enum fb_queue_outcome is)
{
    if (w->now_s < hold->created_s + w->k->conf->hold_grace || is == FB_QUEUE_FAILED) {
        fb_later_again(&w->later, hold->id, w->now_ms, PENDING_FIRST_MS, PENDING_MAX_MS);
        return 0;
    }
    return is == FB_QUEUE_ELSEWHERE ? fb_go(w, hold, FB_STATE_passed, "the MTA did not hold it")
                                    : fb_go(w, hold, FB_STATE_gone, "the MTA never queued it, or it is gone");
}

int fb_do_pending(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n)
{
    struct fb_queue_reply reply;
    int rc = fb_ask_look_up(w, arena, v, n, &reply);
    FB_CRASH_POINT("looked_up");
    for (size_t i = 0; i < n && !rc; i++) {
        if (reply.outcome[i] == FB_QUEUE_DONE)
            rc = fb_is_meant(w, &v[i], &reply.mail[i]) ? fb_hold_it(w, &v[i]) : not_ours(w, &v[i]);
        else if (reply.outcome[i] == FB_QUEUE_DIFFERENT)
            rc = not_ours(w, &v[i]);
        else
            rc = not_held_yet(w, &v[i], reply.outcome[i]);
    }
    return rc < 0 ? -1 : 0;
}

/* --- held, at the deadline or near it --- */

/* Withdrawn at the deadline is only what its sender was told of: sealed for the page, and the notice no longer owed. */
static int ends_withdrawn(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, bool *ret)
{
    struct fb_hold full;
    *ret = false;
    if (w->k->conf->hold_after_delay != FB_AFTER_DELAY_WITHDRAW)
        return 0;
    int rc = fb_store_get(w->store, hold->id, arena, &full, &w->err);
    *ret = rc == 0 && full.sealed.n && !full.key_box.n;
    return rc < 0 ? -1 : 0;
}

int fb_do_held(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n)
{
    for (size_t i = 0; i < n && v[i].deadline_s - w->k->conf->notice_reminder <= w->now_s; i++) {
        bool withdrawn;
        if (v[i].deadline_s > w->now_s) {
            if (fb_remind(w, &v[i]))
                return -1;
        } else if (ends_withdrawn(w, arena, &v[i], &withdrawn) ||
            fb_go(w, &v[i], withdrawn ? FB_STATE_withdrawing : FB_STATE_releasing, "the delay is over"))
            return -1;
    }
    return 0;
}

/* --- releasing --- */

static bool decision_good(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, struct fb_err *err)
{
    const char *by;
    if (!hold->decision.n)
        return true;
    if (hold->action != FB_DESK_RELEASE && hold->action != FB_DESK_TALKED)
        return false;
    return fb_keeper_allows(w->k, hold, hold->decision, hold->action, hold->changed_s, arena, &by, err) == 0;
}

/* Takes those out of @v whose decision does not verify; they wait for their deadline again. */
static int refuse_forged(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t *n)
{
    size_t good = 0;
    for (size_t i = 0; i < *n; i++) {
        struct fb_err err = {"it is for something else"};
        if (decision_good(w, arena, &v[i], &err))
            v[good++] = v[i];
        else if (fb_go_wrong(w, &v[i], FB_STATE_held, "decision_invalid", err.text))
            return -1;
        else
            fb_owe(w, v[i].id);
    }
    *n = good;
    return 0;
}

/* What its sender has seen once is not held again: that rule on that thread; where they have talked, every rule. */
static int released(struct fb_work *w, const struct fb_hold *hold, const char *why)
{
    if (fb_store_spare(w->store, hold->person, hold->thread, hold->rule, w->now_s + w->k->conf->hold_retention, &w->err) ||
        (hold->action == FB_DESK_TALKED && fb_store_spare(w->store, hold->person, hold->thread, FB_STR_NONE, w->now_s + TALKED_S, &w->err)))
        return -1;
    FB_CRASH_POINT("spared");
    return fb_go(w, hold, FB_STATE_released, why);
}

/* What is found or what came of it, where the message was to be released. */
static int release_ended(struct fb_work *w, const struct fb_hold *hold, enum fb_queue_outcome is, const char *why)
{
    switch (is) {
    case FB_QUEUE_DONE: return released(w, hold, why);
    case FB_QUEUE_ELSEWHERE: return released(w, hold, "the MTA has it for delivery");
    case FB_QUEUE_ABSENT:
        return hold->asked ? released(w, hold, "the MTA was asked to, and has it no more") : fb_go(w, hold, FB_STATE_gone, "it is no longer in the queue");
    case FB_QUEUE_DIFFERENT: return not_ours(w, hold);
    case FB_QUEUE_FAILED: break;
    }
    if (fb_later_again(&w->later, hold->id, w->now_ms, FAILED_FIRST_MS, FAILED_MAX_MS) == 1)
        fb_log(FB_LOG_ERROR, "release_failed", "queue_id=%s rule=%s reason=%s", hold->queue_id.p, hold->rule.p,
               fb_log_quote(FB_STR("the MTA's tool did not do it; tried again")));
    return 0;
}

/* On the record before it is done: of what is found nowhere after a kill it must be known whether it was us. Killed just here, and the file
 * deleted by an admin before the next start, it was not, and is taken for it: which of the two it was nobody can tell. */
static int note_asked(struct fb_work *w, struct fb_hold *const *v, size_t n)
{
    struct fb_hold_id ids[FB_BATCH];
    size_t first = 0;
    for (size_t i = 0; i < n; i++)
        if (!v[i]->asked)
            ids[first++] = v[i]->id;
    int rc = fb_store_asked(w->store, ids, first, w->now_s, &w->err);
    FB_CRASH_POINT("asked");
    return rc;
}

int fb_do_releasing(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n)
{
    struct fb_queue_reply reply;
    struct fb_queue_file files[FB_BATCH];
    struct fb_hold *going[FB_BATCH];
    if (refuse_forged(w, arena, v, &n))
        return -1;
    int rc = fb_ask_look_up(w, arena, v, n, &reply);
    size_t go = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        if (reply.outcome[i] != FB_QUEUE_DONE)
            rc = release_ended(w, &v[i], reply.outcome[i], "");
        else if (!fb_is_meant(w, &v[i], &reply.mail[i]))
            rc = not_ours(w, &v[i]);
        else
            going[go] = &v[i], files[go++] = reply.mail[i].file;
    }
    if (!rc && go)
        rc = note_asked(w, going, go);
    if (!rc)
        rc = fb_ask(w, arena, FB_QUEUE_RELEASE, files, go, &reply);
    if (go)
        FB_CRASH_POINT("released");
    for (size_t i = 0; i < go && !rc; i++)
        rc = release_ended(w, going[i], reply.outcome[i], going[i]->decision.n ? "as decided" : "the delay is over, or its sender could not be told");
    return rc < 0 ? -1 : 0;
}

/* A row that was lost, or is in another state, ends as it may. */
static int note_released(struct fb_work *w, struct fb_hold_id id)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_hold hold;
    int rc = arena ? fb_store_get(w->store, id, arena, &hold, &w->err) : fb_fail_memory(&w->err);
    if (rc || (hold.state != FB_STATE_held && hold.state != FB_STATE_releasing))
        return rc < 0 ? -1 : 0;
    if (hold.state == FB_STATE_held && fb_go(w, &hold, FB_STATE_releasing, "the delay is over"))
        return -1;
    hold.state = FB_STATE_releasing;
    return released(w, &hold, "by its marker, while the store was away");
}

int fb_do_by_marker(struct fb_work *w)
{
    struct fb_hold_id v[FB_LATER_LIST];
    for (size_t n; (n = fb_later_list(&w->by_marker, w->now_ms, v)) > 0;)
        for (size_t i = 0; i < n; i++) {
            if (note_released(w, v[i]))
                return -1;
            fb_later_forget(&w->by_marker, v[i]);
        }
    return 0;
}
