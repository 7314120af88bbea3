/* Telling senders. A notice is owed from the moment a message is known to be held until the MTA has accepted it; what cannot
 * be told is not held: it is released. The first to a person goes at once; those that follow soon are gathered. Made again after a
 * kill, a notice has the same links and the same Message-ID, and tells of the same holds.
 *
 * DIAGNOSTICS: logs held_notified; notice_later (once), notice_refused, notice_fault, box_unreadable with the reason. */
#include <sodium.h>

#include "crash.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "facts/facts.h"
#include "notice/notice.h"
#include "notice/smtp.h"
#include "work.h"

enum { LATER_FIRST_MS = 500, LATER_MAX_MS = 15000, NOTICE_ARENA = 4 << 20, OWED_ARENA = 32 << 20 };

void fb_owe(struct fb_work *w, struct fb_hold_id id)
{
    if (!fb_later_has(&w->owed, id))
        fb_later_again(&w->owed, id, w->now_ms, 0, LATER_MAX_MS);
}

int fb_release_untold(struct fb_work *w, const struct fb_hold *hold, const char *event, const char *why)
{
    fb_later_forget(&w->owed, hold->id);
    fb_log(FB_LOG_ERROR, event, "queue_id=%s rule=%s reason=%s", hold->queue_id.p, hold->rule.p, fb_log_quote(fb_str(why)));
    return fb_go(w, hold, FB_STATE_releasing, "its sender could not be told");
}

/* --- pending -> held --- */

static int open_box(const struct fb_work *w, struct fb_arena *arena, struct fb_str box, struct fb_str *ret, struct fb_err *err)
{
    return fb_box_open(arena, w->k->box_public, w->k->box_secret, box, ret, err);
}

struct sealed {
    struct fb_str page, key_box;
};

static int seal_page(const struct fb_work *w, struct fb_arena *arena, struct fb_str box, struct sealed *ret, struct fb_err *err)
{
    struct fb_str plain;
    json_auto_t *facts = NULL;
    if (open_box(w, arena, box, &plain, err) || fb_facts_parse(plain, &facts, err))
        return -1;
    uint8_t key[FB_PAGE_KEY];
    fb_page_key_new(key);
    *ret = (struct sealed){fb_page_seal(arena, key, plain), fb_box_seal(arena, w->k->box_public, (struct fb_str){(char *)key, sizeof key})};
    sodium_memzero(key, sizeof key);
    sodium_memzero((char *)plain.p, plain.n); /* our own copy, in @arena */
    return ret->page.p && ret->key_box.p ? 0 : fb_fail_memory(err);
}

static int hold_untold(struct fb_work *w, const struct fb_hold *hold, const char *event, const char *why)
{
    struct fb_hold held = *hold;
    held.state = FB_STATE_held;
    return fb_go(w, hold, FB_STATE_held, "it is in the hold queue") ? -1 : fb_release_untold(w, &held, event, why);
}

/* At once, or together with others where one was sent within notice.gather, but before half of the delay is over and before it opens. */
static int notice_due(struct fb_work *w, const struct fb_hold *hold, int64_t *ret_s)
{
    int64_t last, latest = w->now_s + (hold->deadline_s - w->now_s) / 2, gather = w->k->conf->notice_gather;
    if (fb_store_last_notice(w->store, hold->person, &last, &w->err))
        return -1;
    if (last <= w->now_s)
        last += gather;
    if (hold->opens_s > w->now_s && hold->opens_s < latest)
        latest = hold->opens_s;
    *ret_s = last < latest ? last : latest;
    if (*ret_s < w->now_s || !gather)
        *ret_s = w->now_s;
    return 0;
}

int fb_hold_it(struct fb_work *w, const struct fb_hold *hold)
{
    FB_ARENA arena = fb_arena_new(NOTICE_ARENA);
    struct fb_hold full;
    struct sealed sealed;
    struct fb_err err;
    int64_t due_s;
    if (hold->deadline_s <= w->now_s) /* the keeper was away for the whole of the delay: there is nothing left to tell */
        return fb_go(w, hold, FB_STATE_held, "it is in the hold queue, and its delay is over");
    int rc = arena ? fb_store_get(w->store, hold->id, arena, &full, &w->err) : fb_fail_memory(&w->err);
    if (rc)
        return rc < 0 ? -1 : 0;
    if (seal_page(w, arena, full.box, &sealed, &err))
        return hold_untold(w, hold, "box_unreadable", err.text);
    if (notice_due(w, &full, &due_s))
        return -1;
    struct fb_str id = due_s > w->now_s ? FB_STR_NONE : fb_message_id_new(arena, w->k->from);
    if (!id.p)
        return fb_fail_memory(&w->err);
    rc = fb_store_notice_ready(w->store, hold->id, sealed.page, sealed.key_box, id, due_s, w->now_s, &w->err);
    FB_CRASH_POINT("notice_ready");
    if (rc < 0)
        return -1;
    fb_later_forget(&w->later, hold->id);
    fb_owe(w, hold->id);
    return 0;
}

/* --- the notice of a held one --- */

/* The same at every try, also where the wait begins anew. */
int fb_make_link(const struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, const uint8_t *key, struct fb_str *ret, struct fb_err *err)
{
    const struct fb_conf *conf = w->k->conf;
    int64_t longest_s = hold->created_s + conf->hold_longest;
    struct fb_token t = {.hold = hold->id, .node = fb_str(conf->forbear_node), .use = FB_TOKEN_DECIDE, .admin = FB_STR_NONE,
                         .exp_s = (longest_s > hold->deadline_s ? longest_s : hold->deadline_s) + conf->hold_retention};
    struct fb_str token;
    if (fb_token_sign(w->k->signer, &t, arena, &token, err))
        return -1;
    return fb_link_make(conf->web_base_url, token, key, arena, ret, err);
}

int fb_open_page(const struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, struct fb_str *ret_key, struct fb_str *ret_plain,
                 struct fb_err *err)
{
    if (open_box(w, arena, hold->key_box, ret_key, err))
        return -1;
    if (ret_key->n != FB_PAGE_KEY)
        return fb_fail(err, "the key of the page has another length");
    return fb_page_open(arena, (const uint8_t *)ret_key->p, hold->sealed, ret_plain, err);
}

/* What a notice tells of: one hold or several. */
struct telling {
    struct fb_notice_hold v[FB_GATHER_MAX];
    size_t n;
};

static void telling_done(struct telling *t)
{
    for (size_t i = 0; i < t->n; i++)
        json_decref(t->v[i].facts);
}
#define TELLING __attribute__((cleanup(telling_done))) struct telling

bool fb_answer_counts(const struct fb_hold *hold)
{
    return fb_hash_eq(hold->owner, hold->owner);
}

/* @hold: the first of those. Outcomes of fb_smtp_submit; < 0: it could not be made. */
static int make_and_submit(const struct fb_work *w, struct fb_arena *arena, const struct telling *t, const struct fb_hold *hold, struct fb_err *err)
{
    const struct fb_conf *conf = w->k->conf;
    const struct fb_notice_hold *first = &t->v[0];
    struct fb_str mail;
    struct fb_notice n = {.data_dir = conf->forbear_data_dir, .language = conf->notice_language, .wanted = hold->language, .from = w->k->from,
                          .to = fb_str(json_string_value(json_object_get(first->facts, "from"))), .message_id = hold->message_id, .now_s = w->now_s,
                          .withdraws = conf->hold_after_delay == FB_AFTER_DELAY_WITHDRAW};
    if (t->n == 1)
        n.deadline_s = first->deadline_s, n.opens_s = first->opens_s, n.link = first->link, n.facts = first->facts, n.by_mail = fb_answer_counts(hold);
    else
        n.kind = FB_NOTICE_GATHERED, n.holds = t->v, n.holds_n = t->n;
    if (fb_notice_make(&n, arena, &mail, err))
        return -1;
    return fb_smtp_submit(conf->notice_smtp, (int)conf->notice_timeout, n.to, mail, err);
}

static bool patience_over(const struct fb_work *w, const struct fb_hold *hold)
{
    int64_t from_s = hold->notice_s > hold->changed_s ? hold->notice_s : hold->changed_s;
    return w->now_s >= from_s + w->k->conf->notice_patience;
}

int fb_notice_again(struct fb_work *w, struct fb_later *l, const struct fb_hold *hold, unsigned first, const char *reason)
{
    if (fb_later_again(l, hold->id, w->now_ms, LATER_FIRST_MS, LATER_MAX_MS) == first)
        fb_log(FB_LOG_ERROR, "notice_later", "queue_id=%s rule=%s reason=%s", hold->queue_id.p, hold->rule.p, fb_log_quote(fb_str(reason)));
    return 0;
}

static int held_notified(struct fb_work *w, const struct fb_hold *v, size_t n)
{
    FB_CRASH_POINT("notice_submitted");
    if (fb_store_notice_sent(w->store, v[0].id, w->now_s, &w->err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        fb_later_forget(&w->owed, v[i].id);
        fb_log(FB_LOG_INFO, "held_notified", "queue_id=%s rule=%s delay_s=%lld", v[i].queue_id.p, v[i].rule.p,
               (long long)(v[i].deadline_s - v[i].created_s));
    }
    return 0;
}

static int release_untold(struct fb_work *w, const struct fb_hold *v, size_t n, const char *event, const char *why)
{
    for (size_t i = 0; i < n; i++)
        if (fb_release_untold(w, &v[i], event, why))
            return -1;
    return 0;
}

static int open_one(const struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, struct telling *t, struct fb_err *err)
{
    struct fb_notice_hold *to = &t->v[t->n];
    struct fb_str key, plain;
    *to = (struct fb_notice_hold){.deadline_s = hold->deadline_s, .opens_s = hold->opens_s};
    if (fb_open_page(w, arena, hold, &key, &plain, err) || fb_make_link(w, arena, hold, (const uint8_t *)key.p, &to->link, err) ||
        fb_facts_parse(plain, &to->facts, err))
        return -1;
    t->n++;
    return 0;
}

/* @v: all of one notice. What cannot be opened goes its way; the others are told of. */
static int tell(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n)
{
    struct fb_err err;
    TELLING t = {.n = 0};
    for (size_t i = 0; i < n && i < FB_GATHER_MAX; i++) {
        if (open_one(w, arena, &v[i], &t, &err) == 0)
            v[t.n - 1] = v[i];
        else if (fb_release_untold(w, &v[i], "box_unreadable", err.text))
            return -1;
    }
    if (t.n == 0)
        return 0;
    int rc = make_and_submit(w, arena, &t, &v[0], &err);
    if (rc == 0)
        return held_notified(w, v, t.n);
    if (rc < 0)
        return release_untold(w, v, t.n, "notice_fault", err.text);
    if (rc == FB_SMTP_REFUSED || patience_over(w, &v[0]))
        return release_untold(w, v, t.n, "notice_refused", err.text);
    return fb_notice_again(w, &w->owed, &v[0], 2, err.text); /* 1 was fb_owe */
}

/* Its Message-ID, and with it all others of that person that are told of in the same mail. */
static int give_id(struct fb_work *w, struct fb_arena *arena, struct fb_hold *hold)
{
    hold->message_id = fb_message_id_new(arena, w->k->from);
    if (!hold->message_id.p)
        return fb_fail_memory(&w->err);
    int rc = fb_store_gather(w->store, hold->id, hold->message_id, w->now_s, &w->err);
    FB_CRASH_POINT("gathered");
    return rc;
}

static int soon(struct fb_work *w, struct fb_hold_id id, int64_t wait_ms)
{
    fb_later_at(&w->owed, id, w->now_ms + (wait_ms < LATER_MAX_MS ? wait_ms : LATER_MAX_MS));
    return 0;
}

/* Of those with one notice the oldest tells it. */
static int owed_notice(struct fb_work *w, struct fb_arena *arena, struct fb_hold *hold)
{
    struct fb_hold *v;
    size_t n;
    if (!hold->message_id.n && hold->notice_s > w->now_s)
        return soon(w, hold->id, (hold->notice_s - w->now_s) * 1000);
    int rc = hold->message_id.n ? 0 : give_id(w, arena, hold);
    if (rc || (rc = fb_store_gathered(w->store, hold->message_id, arena, &v, &n, &w->err)))
        return rc < 0 ? -1 : 0;
    if (n == 0 || fb_hold_id_eq(v[0].id, hold->id))
        return n ? tell(w, arena, v, n) : 0;
    fb_owe(w, v[0].id);
    return soon(w, hold->id, LATER_MAX_MS);
}

static int owed_one(struct fb_work *w, struct fb_hold_id id)
{
    FB_ARENA arena = fb_arena_new(OWED_ARENA);
    struct fb_hold hold;
    int rc = arena ? fb_store_get(w->store, id, arena, &hold, &w->err) : fb_fail_memory(&w->err);
    if (rc < 0)
        return -1;
    if (rc == 0 && hold.state == FB_STATE_held && hold.key_box.n)
        return owed_notice(w, arena, &hold);
    if (rc == 0 && hold.state == FB_STATE_held && hold.later != FB_LATER_NONE)
        return fb_tell_later(w, &hold);
    fb_later_forget(&w->owed, id);
    return 0;
}

int fb_do_owed(struct fb_work *w)
{
    struct fb_hold_id due[FB_LATER_LIST];
    int64_t from_ms = fb_clock_ms();
    size_t n = fb_later_list(&w->owed, w->now_ms, due);
    w->again = w->again || n == FB_LATER_LIST;
    for (size_t i = 0; i < n; i++) {
        if (fb_work_long(from_ms)) {
            w->again = true;
            return 0;
        }
        if (owed_one(w, due[i]))
            return -1;
    }
    return 0;
}

/* --- notify mode --- */

/* The Message-ID is kept before anything is sent, so that a second try has the same. */
static int advice_ready(struct fb_work *w, struct fb_arena *arena, struct fb_hold *hold)
{
    if (hold->message_id.n)
        return 0;
    hold->message_id = fb_message_id_new(arena, w->k->from);
    if (!hold->message_id.p)
        return fb_fail_memory(&w->err);
    return fb_store_notice_ready(w->store, hold->id, FB_STR_NONE, FB_STR_NONE, hold->message_id, w->now_s, w->now_s, &w->err) < 0 ? -1 : 0;
}

static int advise(struct fb_work *w, struct fb_arena *arena, struct fb_hold *hold)
{
    struct fb_err err;
    struct fb_str plain;
    TELLING t = {.v = {{.link = FB_STR_NONE}}};
    if (open_box(w, arena, hold->box, &plain, &err) || fb_facts_parse(plain, &t.v[0].facts, &err))
        return fb_go_wrong(w, hold, FB_STATE_gone, "box_unreadable", err.text);
    t.n = 1;
    int rc = make_and_submit(w, arena, &t, hold, &err);
    if (rc == FB_SMTP_LATER && !patience_over(w, hold))
        return fb_notice_again(w, &w->later, hold, 1, err.text);
    if (rc)
        return fb_go_wrong(w, hold, FB_STATE_gone, rc < 0 ? "notice_fault" : "notice_refused", err.text);
    FB_CRASH_POINT("notice_submitted");
    if (fb_store_notice_sent(w->store, hold->id, w->now_s, &w->err) < 0)
        return -1;
    return fb_go(w, hold, FB_STATE_told, "the notice was accepted");
}

static int advise_one(struct fb_work *w, struct fb_hold_id id)
{
    FB_ARENA arena = fb_arena_new(NOTICE_ARENA);
    struct fb_hold hold;
    int rc = arena ? fb_store_get(w->store, id, arena, &hold, &w->err) : fb_fail_memory(&w->err);
    if (rc)
        return rc < 0 ? -1 : 0;
    if (!hold.box.n) /* erased once the notice was accepted */
        return fb_go(w, &hold, FB_STATE_told, "the notice was accepted");
    return advice_ready(w, arena, &hold) ? -1 : advise(w, arena, &hold);
}

int fb_do_advised(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n)
{
    int64_t from_ms = fb_clock_ms();
    (void)arena;
    for (size_t i = 0; i < n; i++) {
        if (fb_work_long(from_ms)) {
            w->again = true;
            return 0;
        }
        if (advise_one(w, v[i].id))
            return -1;
    }
    return 0;
}
