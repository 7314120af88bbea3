/* Recording holds. The order is the promise: the row first, then the marker, both durable, and only then may the MTA be
 * asked to keep the message; a crash in between leaves a row that the keeper finds passed, never a message that nobody
 * releases. What is recorded of a message is sealed to the keeper; nothing readable ever reaches the disk.
 *
 * DIAGNOSTICS: fails where the store cannot be opened or written, is damaged, or stays locked; where the marker cannot be
 * written; and for lack of memory. A row without a marker may be left: the keeper finds it. */
#include "hold.h"

#include <stdlib.h>

#include "daemon/daemon.h"
#include "hold/marker.h"

enum { BUSY_MS = 2000 };

int holds_init(struct holds *h, struct fb_err *err)
{
    *h = (struct holds){0};
    return gate_init(&h->turn, err);
}

void holds_done(struct holds *h)
{
    fb_store_close(h->store);
    free(h->dir);
    gate_done(&h->turn);
}

static int hold_make(const struct generation *g, const struct fb_verdict *v, struct fb_str queue_id,
                     int64_t now_s, struct fb_arena *arena, struct fb_hold *ret, struct fb_err *err)
{
    *ret = (struct fb_hold){
        .queue_id = queue_id,
        .state = v->action == FB_HOLD ? FB_STATE_pending : FB_STATE_advised,
        .rule = v->main->rule,
        .created_s = now_s,
        .changed_s = now_s,
        .deadline_s = now_s + v->main->delay_s,
        .box = fb_box_seal(arena, g->box_key, v->facts),
    };
    if (!ret->box.p)
        return fb_fail_memory(err);
    fb_hold_id_new(&ret->id);
    fb_fingerprint(g->hash_key, queue_id, v->message_id, ret->fingerprint);
    return 0;
}

static void holds_close(struct holds *h)
{
    fb_store_close(h->store);
    free(h->dir);
    h->store = NULL;
    h->dir = NULL;
}

static int holds_open(struct holds *h, const char *dir, struct fb_err *err)
{
    if (h->store && !strcmp(h->dir, dir))
        return 0;
    holds_close(h);
    if (!(h->dir = strdup(dir)))
        return fb_fail_memory(err);
    int rc = fb_store_open(dir, BUSY_MS, &h->store, err);
    return rc > 0 ? fb_fail(err, "%s: the store is damaged", dir) : rc;
}

static int holds_add(struct holds *h, const char *dir, const struct fb_hold *hold, struct fb_err *err)
{
    if (!gate_enter(&h->turn, 1, fb_clock_ms() + BUSY_MS))
        return fb_fail(err, "the store is busy with other holds");
    int rc = holds_open(h, dir, err);
    if (rc == 0)
        rc = fb_store_add(h->store, hold, err);
    if (rc < 0)
        holds_close(h); /* the next one opens it anew, whatever was wrong with it */
    gate_leave(&h->turn);
    return rc;
}

int holds_record(struct holds *h, const struct generation *g, const struct fb_verdict *v,
                 struct fb_str queue_id, int64_t now_s, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_hold hold;
    const char *dir = g->conf->forbear_state_dir;
    int rc = hold_make(g, v, queue_id, now_s, arena, &hold, err);
    if (rc == 0)
        rc = holds_add(h, dir, &hold, err);
    if (rc == 0 && v->action == FB_HOLD)
        rc = fb_marker_write(dir, &hold, err);
    return rc;
}
