/* The milter's letters. It writes down what came by mail and decides nothing; whether it counts is decided here. A letter is done
 * when all that it asks for is durable; done twice after a kill, it asks for nothing new.
 *
 * An answer decides where it proves that its author read the notice (its Message-ID is 128 random bits, of which we keep a hash) and is
 * the hold's owner. A cry for help is answered once a person and hour. That the thread moved begins the wait anew, once a hold.
 *
 * DIAGNOSTICS: logs decided, moved, helped; answer_refused, post_given_up with the reason; marker_lost. */
#include <jansson.h>

#include "crash.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "hold/marker.h"
#include "notice/notice.h"
#include "notice/smtp.h"
#include "wire/desk.h"
#include "work.h"

enum { POSTS_MAX = 200, POST_ARENA = 4 << 20, POST_LONGEST_S = 86400, HELP_S = 3600, LATER_FIRST_MS = 500, LATER_MAX_MS = 15000, KEEP = 1 };

/* Beside holds in the list of what is tried again. */
static struct fb_hold_id post_id(const struct fb_post *post)
{
    struct fb_hold_id id = {{0}};
    memcpy(id.b, &post->seq, sizeof post->seq);
    return id;
}

static int done(struct fb_work *w, const struct fb_post *post)
{
    fb_later_forget(&w->later, post_id(post));
    return fb_store_post_done(w->store, post->seq, &w->err) < 0 ? -1 : 0;
}

/* --- help --- */

struct help {
    struct fb_str to, answers, language; /* a tag; empty: unknown */
    int64_t opens_s;
};

static int help_submit(const struct fb_work *w, struct fb_arena *arena, const struct fb_post *post, const struct help *help, struct fb_err *err)
{
    const struct fb_conf *conf = w->k->conf;
    const char *at = strrchr(w->k->from, '@');
    struct fb_str mail;
    struct fb_notice n = {.kind = FB_NOTICE_HELP, .data_dir = conf->forbear_data_dir, .language = conf->notice_language, .wanted = help->language, .from = w->k->from,
                          .to = help->to, .now_s = w->now_s, .answers = help->answers, .opens_s = help->opens_s,
                          .message_id = fb_arena_printf(arena, "<help.%lld.%lld@%s>", (long long)post->seq, (long long)post->at_s,
                                                        at ? at + 1 : "localhost")};
    if (!n.message_id.p)
        return fb_fail_memory(err);
    if (fb_notice_make(&n, arena, &mail, err))
        return -1;
    return fb_smtp_submit(conf->notice_smtp, (int)conf->notice_timeout, n.to, mail, err);
}

static int send_help(struct fb_work *w, struct fb_arena *arena, const struct fb_post *post, const struct help *help)
{
    struct fb_hold who;
    struct fb_err err;
    bool helped;
    fb_hold_hashes(w->k->hash_key, FB_STR_NONE, help->to, FB_STR_NONE, &who);
    if (fb_store_helped(w->store, who.person, w->now_s - HELP_S + 1, &helped, &w->err))
        return -1;
    if (helped || !help->to.n)
        return done(w, post);
    int rc = help_submit(w, arena, post, help, &err);
    if (rc == FB_SMTP_LATER && w->now_s < post->at_s + w->k->conf->notice_patience) {
        fb_later_again(&w->later, post_id(post), w->now_ms, LATER_FIRST_MS, LATER_MAX_MS);
        return KEEP;
    }
    fb_log(rc ? FB_LOG_ERROR : FB_LOG_INFO, rc ? "post_given_up" : "helped", "kind=help%s%s", rc ? " reason=" : "",
           rc ? fb_log_quote(fb_str(err.text)) : "");
    FB_CRASH_POINT("helped");
    fb_later_forget(&w->later, post_id(post));
    return fb_store_help_done(w->store, post->seq, who.person, w->now_s, &w->err) < 0 ? -1 : 0;
}

static int help(struct fb_work *w, struct fb_arena *arena, const struct fb_post *post)
{
    struct fb_str plain;
    if (fb_box_open(arena, w->k->box_public, w->k->box_secret, post->box, &plain, NULL))
        return done(w, post);
    json_auto_t *root = json_loadb(plain.p, plain.n, 0, NULL);
    struct help asked = {.to = fb_str(json_string_value(json_object_get(root, "to"))),
                         .answers = fb_str(json_string_value(json_object_get(root, "message_id"))),
                         .language = fb_str(json_string_value(json_object_get(root, "language")))};
    return send_help(w, arena, post, &asked);
}

/* --- answers --- */

/* It is the owner's, and too early to send it: they are told from when, at the address that the queue has. */
static int too_early(struct fb_work *w, struct fb_arena *arena, const struct fb_post *post, const struct fb_hold *hold)
{
    struct fb_queue_reply reply;
    int rc = fb_ask_look_up(w, arena, hold, 1, &reply);
    if (rc)
        return rc < 0 ? -1 : KEEP;
    if (reply.outcome[0] != FB_QUEUE_DONE || !fb_is_meant(w, hold, &reply.mail[0]))
        return done(w, post);
    return send_help(w, arena, post, &(struct help){.to = reply.mail[0].sender, .answers = post->message_id, .language = hold->language, .opens_s = hold->opens_s});
}

static int decide(struct fb_work *w, const struct fb_post *post, const struct fb_hold *hold, struct fb_str decision, const char *by)
{
    bool release = post->action == FB_DESK_RELEASE;
    int rc = fb_store_decide(w->store, hold->id, post->action, decision, FB_STR_NONE, w->now_s, by,
                             release ? "release was decided by an answer" : "withdrawal was decided by an answer", &w->err);
    if (rc < 0)
        return -1;
    FB_CRASH_POINT("answered");
    if (rc == 0)
        fb_log(FB_LOG_INFO, "decided", "queue_id=%s rule=%s action=%s by=%s", hold->queue_id.p, hold->rule.p, release ? "release" : "withdraw",
               fb_log_quote(fb_str(by)));
    return done(w, post);
}

static int answer(struct fb_work *w, struct fb_arena *arena, const struct fb_post *post, const struct fb_hold *hold)
{
    struct fb_err err;
    const char *by;
    struct fb_str decision = fb_keeper_answer(arena, post->owner, post->message_id);
    if (!decision.p)
        return fb_fail_memory(&w->err);
    int rc = fb_keeper_allows(w->k, hold, decision, post->action, w->now_s, arena, &by, &err);
    if (rc < 0) {
        fb_log(FB_LOG_INFO, "answer_refused", "queue_id=%s rule=%s reason=%s", hold->queue_id.p, hold->rule.p, fb_log_quote(fb_str(err.text)));
        return done(w, post);
    }
    if (rc == FB_KEEPER_EARLY && hold->state == FB_STATE_held)
        return too_early(w, arena, post, hold);
    return decide(w, post, hold, decision, by);
}

/* --- the thread moved --- */

/* As long as its delay was, from now on; never shorter than it is, never beyond the longest. */
static int64_t new_deadline(const struct fb_work *w, const struct fb_hold *hold)
{
    int64_t anew = w->now_s + hold->deadline_s - hold->created_s, longest = hold->created_s + w->k->conf->hold_longest;
    if (anew > longest)
        anew = longest;
    return anew > hold->deadline_s ? anew : hold->deadline_s;
}

static int begin_anew(struct fb_work *w, struct fb_arena *arena, const struct fb_post *post, struct fb_hold *hold)
{
    struct fb_str id = fb_message_id_new(arena, w->k->from);
    int64_t deadline_s = new_deadline(w, hold);
    if (!id.p)
        return fb_fail_memory(&w->err);
    int rc = fb_store_later(w->store, hold->id, FB_LATER_MOVED, deadline_s, id, post->box, w->now_s, &w->err);
    FB_CRASH_POINT("moved");
    if (rc == 0)
        fb_log(FB_LOG_INFO, "moved", "queue_id=%s rule=%s delay_s=%lld", hold->queue_id.p, hold->rule.p, (long long)(deadline_s - hold->created_s));
    hold->deadline_s = deadline_s;
    return rc < 0 ? -1 : rc ? KEEP : 0;
}

/* Kept while its sender was not told of the hold itself, or is just told something else. */
static int moved(struct fb_work *w, struct fb_arena *arena, const struct fb_post *post, struct fb_hold *hold)
{
    struct fb_err err;
    if (hold->state != FB_STATE_held)
        return hold->state == FB_STATE_pending ? KEEP : done(w, post);
    int rc = hold->extended ? 0 : begin_anew(w, arena, post, hold);
    if (rc)
        return rc;
    if (fb_marker_write(w->k->conf->forbear_state_dir, hold, &err)) /* again after a kill */
        fb_log(FB_LOG_ERROR, "marker_lost", "queue_id=%s reason=%s", hold->queue_id.p, fb_log_quote(fb_str(err.text)));
    fb_owe(w, hold->id);
    return done(w, post);
}

/* --- one after the other --- */

static int about_hold(struct fb_work *w, struct fb_arena *arena, const struct fb_post *post)
{
    struct fb_hold hold;
    int rc = fb_store_get(w->store, post->hold, arena, &hold, &w->err);
    if (rc)
        return rc < 0 ? -1 : done(w, post);
    return post->kind == FB_POST_ANSWER ? answer(w, arena, post, &hold) : moved(w, arena, post, &hold);
}

static int one(struct fb_work *w, const struct fb_post *post)
{
    FB_ARENA arena = fb_arena_new(POST_ARENA);
    if (!arena)
        return fb_fail_memory(&w->err);
    if (w->now_s > post->at_s + POST_LONGEST_S) {
        fb_log(FB_LOG_ERROR, "post_given_up", "kind=%d reason=\"nothing came of it for a day\"", (int)post->kind);
        return done(w, post);
    }
    switch (post->kind) {
    case FB_POST_ANSWER:
    case FB_POST_MOVED: return about_hold(w, arena, post);
    case FB_POST_HELP: return help(w, arena, post);
    }
    return done(w, post); /* of a newer milter */
}

int fb_do_posts(struct fb_work *w)
{
    FB_ARENA arena = fb_arena_new(FB_ROUND_ARENA);
    struct fb_post *v;
    size_t n;
    int64_t from_ms = fb_clock_ms();
    if (!arena)
        return fb_fail_memory(&w->err);
    if (fb_store_posts(w->store, POSTS_MAX, arena, &v, &n, &w->err))
        return -1;
    for (size_t i = 0; i < n && !fb_work_long(from_ms); i++)
        if (fb_later_due(&w->later, post_id(&v[i]), w->now_ms) && one(w, &v[i]) < 0)
            return -1;
    return 0;
}
