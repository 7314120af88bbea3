/* Asking the helper about the MTA's queue, in batches. A helper that does not answer changes nothing: what was to be done is
 * done when it is back. Which file is meant is decided here, and only by the fingerprint.
 *
 * DIAGNOSTICS: logs helper_away once, with the reason, and helper_back. */
#include "daemon/log.h"
#include "work.h"

enum { HELPER_TIMEOUT_MS = 60000, AWAY_FIRST_MS = 500, AWAY_MAX_MS = 30000, FETCH_SLACK = 65536 };

static int away(struct fb_work *w, const struct fb_err *err)
{
    int64_t wait = AWAY_FIRST_MS;
    for (unsigned i = 0; i < w->helper_tries && wait < AWAY_MAX_MS; i++)
        wait *= 2;
    if (w->helper_tries++ == 0)
        fb_log(FB_LOG_ERROR, "helper_away", "reason=%s", fb_log_quote(fb_str(err->text)));
    w->helper_ms = w->now_ms + (wait < AWAY_MAX_MS ? wait : AWAY_MAX_MS);
    return FB_AWAY;
}

static int answered(struct fb_work *w)
{
    if (w->helper_tries)
        fb_log(FB_LOG_INFO, "helper_back", "tries=%u", w->helper_tries);
    w->helper_tries = 0;
    return 0;
}

int fb_ask(struct fb_work *w, struct fb_arena *arena, enum fb_queue_op op, struct fb_queue_file *v, size_t n, struct fb_queue_reply *ret)
{
    struct fb_err err;
    struct fb_queue_request req = {.op = op, .n = n, .v = v};
    *ret = (struct fb_queue_reply){.op = op};
    if (n == 0)
        return 0;
    if (w->now_ms < w->helper_ms)
        return FB_AWAY;
    if (fb_queue_call(w->k->conf->keeper_helper, HELPER_TIMEOUT_MS, arena, &req, ret, &err))
        return away(w, &err);
    return answered(w);
}

static size_t place_of(const struct fb_queue_file *v, size_t n, struct fb_str queue_id)
{
    size_t i = 0;
    while (i < n && !fb_str_eq(v[i].queue_id, queue_id))
        i++;
    return i;
}

/* The helper refuses a whole request for one bad id, or one that stands twice. A bad one is in no queue. */
int fb_ask_look_up(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *v, size_t n, struct fb_queue_reply *ret)
{
    struct fb_queue_file files[FB_BATCH];
    struct fb_queue_reply got;
    size_t asked = 0, at[FB_BATCH];
    for (size_t i = 0; i < n; i++) {
        at[i] = place_of(files, asked, v[i].queue_id);
        if (at[i] == asked && fb_queue_id_valid(v[i].queue_id))
            files[asked++] = (struct fb_queue_file){.queue_id = v[i].queue_id};
    }
    *ret = (struct fb_queue_reply){.op = FB_QUEUE_LOOK_UP, .n = n, .outcome = fb_arena_array(arena, n, sizeof *ret->outcome),
                                   .mail = fb_arena_array(arena, n, sizeof *ret->mail)};
    if (!ret->outcome || !ret->mail)
        return fb_fail_memory(&w->err);
    int rc = fb_ask(w, arena, FB_QUEUE_LOOK_UP, files, asked, &got);
    for (size_t i = 0; i < n && !rc; i++) {
        bool bad = !fb_queue_id_valid(v[i].queue_id);
        ret->outcome[i] = bad ? FB_QUEUE_ABSENT : got.outcome[at[i]];
        if (!bad)
            ret->mail[i] = got.mail[at[i]];
    }
    return rc;
}

int fb_ask_fetch(struct fb_work *w, struct fb_arena *arena, const struct fb_queue_file *file, enum fb_queue_outcome *ret, struct fb_str *ret_message)
{
    struct fb_err err;
    size_t max = (size_t)file->size + FETCH_SLACK; /* the queue file is larger than the message in it */
    if (fb_queue_fetch(w->k->conf->keeper_helper, HELPER_TIMEOUT_MS, arena, file, max, ret, ret_message, &err))
        return away(w, &err);
    return answered(w);
}

bool fb_is_meant(const struct fb_work *w, const struct fb_hold *hold, const struct fb_queue_mail *mail)
{
    uint8_t is[FB_FINGERPRINT];
    fb_fingerprint(w->k->hash_key, hold->queue_id, mail->message_id, is);
    return memcmp(is, hold->fingerprint, sizeof is) == 0;
}

static bool is_among(const struct fb_hold *v, size_t n, struct fb_str queue_id)
{
    size_t i = 0;
    while (i < n && !fb_str_eq(v[i].queue_id, queue_id))
        i++;
    return i < n;
}

size_t fb_pick(struct fb_work *w, const struct fb_hold *all, size_t n, struct fb_hold *ret, size_t max)
{
    size_t picked = 0;
    for (size_t i = 0; i < n; i++) {
        if (!fb_later_due(&w->later, all[i].id, w->now_ms) || is_among(ret, picked, all[i].queue_id))
            continue;
        if (picked == max) {
            w->again = true;
            break;
        }
        ret[picked++] = all[i];
    }
    return picked;
}
