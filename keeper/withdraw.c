/* What withdrawing asks for: the sender's copy first, and only once the MTA has accepted it the message is deleted. A copy
 * that is refused leaves the message held; its deadline stays, and where that has passed it is released. The smallest change and
 * the advice are known only where the sender's link, which alone opens the page, came with the decision; without it the copy is plain.
 *
 * A copy that is put off for ever keeps the message for ever: its sender took it back, so it is not delivered, and nobody has it
 * yet, so it is not deleted. An admin is told so each hour.
 *
 * DIAGNOSTICS: logs copy_refused, decision_invalid; copy_later, fetch_failed, delete_failed (once), and withdraw_stuck each hour. */
#include "crash.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "facts/facts.h"
#include "notice/notice.h"
#include "notice/smtp.h"
#include "wire/desk.h"
#include "work.h"

enum { LATER_FIRST_MS = 1000, LATER_MAX_MS = 300000, ARENA_SLACK = 16 << 20 };
enum { STUCK_TRIES = 12 }; /* a try every five minutes in the end: the twelfth comes after 19, and each twelfth from then on an hour later */

/* A withdrawal without a decision is one at the deadline, and only where the configuration says so. */
static bool is_allowed(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, struct fb_err *err)
{
    const char *by;
    if (!hold->decision.n)
        return (w->k->conf->hold_after_delay == FB_AFTER_DELAY_WITHDRAW && hold->deadline_s <= w->now_s) ||
               (fb_fail(err, "nobody decided it"), false);
    if (hold->action != FB_DESK_WITHDRAW)
        return fb_fail(err, "the decision was to release it"), false;
    return fb_keeper_allows(w->k, hold, hold->decision, hold->action, hold->changed_s, arena, &by, err) == 0;
}

static int again(struct fb_work *w, const struct fb_hold *hold, const char *event, const char *reason)
{
    unsigned tries = fb_later_again(&w->later, hold->id, w->now_ms, LATER_FIRST_MS, LATER_MAX_MS);
    if (tries == 1)
        fb_log(FB_LOG_ERROR, event, "queue_id=%s rule=%s reason=%s", hold->queue_id.p, hold->rule.p, fb_log_quote(fb_str(reason)));
    else if (tries && tries % STUCK_TRIES == 0)
        fb_log(FB_LOG_ERROR, "withdraw_stuck", "queue_id=%s rule=%s since_s=%lld reason=%s do=\"mend the reason; or give its sender what `postcat -q %s`"
               " shows, then `postsuper -d %s hold`\"", hold->queue_id.p, hold->rule.p, (long long)(w->now_s - hold->changed_s),
               fb_log_quote(fb_str(reason)), hold->queue_id.p, hold->queue_id.p);
    return 0;
}

static int back_to_held(struct fb_work *w, const struct fb_hold *hold, const char *event, const char *why)
{
    struct fb_hold held = *hold;
    held.state = FB_STATE_held;
    if (fb_go_wrong(w, hold, FB_STATE_held, event, why))
        return -1;
    fb_owe(w, hold->id);
    return hold->deadline_s <= w->now_s ? fb_go(w, &held, FB_STATE_releasing, "the delay is over and it could not be returned") : 0;
}

/* The same at every try, so that a copy which was sent twice can be told from two. */
static struct fb_str copy_id(const struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold)
{
    const char *at = strrchr(w->k->from, '@');
    struct fb_str id = fb_hold_id_text(arena, hold->id);
    return fb_arena_printf(arena, "<returned.%.*s@%s>", FB_FMT(id), at ? at + 1 : "localhost");
}

/* Where the link's key came with the decision; else NULL. Caller: json_decref. */
static json_t *find_facts(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold)
{
    struct fb_hold full;
    struct fb_str key, plain;
    json_t *facts = NULL;
    if (fb_store_get(w->store, hold->id, arena, &full, NULL) || !full.key_box.n || fb_open_page(w, arena, &full, &key, &plain, NULL) ||
        fb_facts_parse(plain, &facts, NULL))
        return NULL;
    return facts;
}

static int make_copy(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, const struct fb_queue_mail *mail,
                     struct fb_str original, bool plain, struct fb_str *ret, struct fb_err *err)
{
    const struct fb_conf *conf = w->k->conf;
    json_auto_t *facts = plain ? NULL : find_facts(w, arena, hold);
    struct fb_returned r = {.data_dir = conf->forbear_data_dir, .language = conf->notice_language, .wanted = hold->language, .from = w->k->from, .to = mail->sender,
                            .message_id = copy_id(w, arena, hold), .now_s = w->now_s, .original = original,
                            .recipients = mail->recipients, .smtputf8 = mail->smtputf8, .facts = facts};
    return r.message_id.p ? fb_returned_make(&r, arena, ret, err) : fb_fail_memory(err);
}

/* Outcomes of fb_smtp_submit; < 0: it could not be made. */
static int submit_copy(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, const struct fb_queue_mail *mail, struct fb_str original,
                       bool plain, struct fb_err *err)
{
    const struct fb_conf *conf = w->k->conf;
    struct fb_str copy;
    if (make_copy(w, arena, hold, mail, original, plain, &copy, err))
        return -1;
    return fb_smtp_submit(conf->notice_smtp, (int)conf->notice_timeout, mail->sender, copy, err);
}

/* 0: go on. FB_AWAY: not now. */
static int send_copy(struct fb_work *w, const struct fb_hold *hold, const struct fb_queue_mail *mail)
{
    FB_ARENA arena = fb_arena_new(12 * (size_t)mail->file.size + ARENA_SLACK);
    struct fb_err err;
    struct fb_str original;
    enum fb_queue_outcome is;
    if (!arena)
        return fb_fail_memory(&w->err);
    if (fb_ask_fetch(w, arena, &mail->file, &is, &original))
        return FB_AWAY;
    FB_CRASH_POINT("fetched");
    if (is != FB_QUEUE_DONE)
        return again(w, hold, "fetch_failed", "it could not be fetched; tried again"), FB_AWAY;
    int rc = submit_copy(w, arena, hold, mail, original, false, &err);
    if (rc && rc != FB_SMTP_LATER) /* beside a draft it is twice as large, and may be too large for the MTA that took the message itself */
        rc = submit_copy(w, arena, hold, mail, original, true, &err);
    FB_CRASH_POINT("copy_submitted");
    if (rc == FB_SMTP_LATER)
        return again(w, hold, "copy_later", err.text), FB_AWAY;
    if (rc)
        return back_to_held(w, hold, "copy_refused", err.text) ? -1 : FB_AWAY;
    rc = fb_store_copy_sent(w->store, hold->id, w->now_s, &w->err);
    FB_CRASH_POINT("copy_sent");
    return rc < 0 ? -1 : 0;
}

static int delete_ended(struct fb_work *w, const struct fb_hold *hold, enum fb_queue_outcome is)
{
    switch (is) {
    case FB_QUEUE_DONE:
    case FB_QUEUE_ABSENT: return fb_go(w, hold, FB_STATE_withdrawn, "the copy was accepted, the file deleted");
    case FB_QUEUE_ELSEWHERE:
    case FB_QUEUE_DIFFERENT: return fb_go_wrong(w, hold, FB_STATE_gone, "not_withdrawn", "it left the hold queue by another hand");
    case FB_QUEUE_FAILED: break;
    }
    return again(w, hold, "delete_failed", "the MTA's tool did not do it; tried again");
}

static int withdraw_found(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, struct fb_queue_mail *mail)
{
    if (!fb_is_meant(w, hold, mail))
        return fb_go_wrong(w, hold, FB_STATE_gone, "not_ours", "the file of that queue id is not the message that was judged");
    int rc = hold->copy_sent ? 0 : send_copy(w, hold, mail);
    if (rc)
        return rc < 0 ? -1 : 0;
    struct fb_queue_reply reply;
    if (fb_ask(w, arena, FB_QUEUE_DELETE, &mail->file, 1, &reply))
        return 0;
    FB_CRASH_POINT("deleted");
    return delete_ended(w, hold, reply.outcome[0]);
}

static int withdraw_one(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, enum fb_queue_outcome is, struct fb_queue_mail *mail)
{
    struct fb_err err = {""};
    if (!is_allowed(w, arena, hold, &err))
        return back_to_held(w, hold, "decision_invalid", err.text);
    if (is == FB_QUEUE_DONE)
        return withdraw_found(w, arena, hold, mail);
    if (is == FB_QUEUE_ABSENT && !hold->copy_sent)
        return fb_go(w, hold, FB_STATE_gone, "it is no longer in the queue");
    return delete_ended(w, hold, is); /* absent once the copy was sent: it was us */
}

int fb_do_withdrawing(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n)
{
    struct fb_queue_reply reply;
    int rc = fb_ask_look_up(w, arena, v, n, &reply);
    int64_t from_ms = fb_clock_ms();
    for (size_t i = 0; i < n && !rc; i++) {
        if (fb_work_long(from_ms)) {
            w->again = true;
            break;
        }
        rc = withdraw_one(w, arena, &v[i], reply.outcome[i], &reply.mail[i]);
    }
    return rc < 0 ? -1 : 0;
}
