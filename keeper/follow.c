/* The mails that follow a notice while its message is still held: that somebody has just written on the thread, and the reminder.
 * What was sealed cannot be opened any more, so they are made from the message itself, as the queue has it, and their link opens the
 * page without it, but by the sender's clock. They change nothing: one that is refused is given up, for the notice was accepted.
 *
 * DIAGNOSTICS: logs told_again; notice_later (once); later_given_up with the reason. */
#include "crash.h"
#include "daemon/log.h"
#include "mail/message.h"
#include "notice/notice.h"
#include "notice/smtp.h"
#include "work.h"

enum { FIELDS_MAX = 10000, HEADER_MAX = 4 << 20, AWAY_MS = 5000, ARENA_SLACK = 16 << 20 };

static json_t *people(struct fb_arena *arena, const struct fb_addresses *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->n; i++) {
        const struct fb_address *one = &a->v[i];
        struct fb_str s = one->display.n ? fb_arena_printf(arena, "%.*s <%.*s>", FB_FMT(one->display), FB_FMT(one->addr)) : one->addr;
        if (s.p)
            json_array_append_new(list, json_stringn(s.p, s.n));
    }
    return list;
}

static bool is_named(const struct fb_addresses *a, struct fb_str addr)
{
    size_t i = 0;
    while (i < a->n && !fb_str_ieq(a->v[i].addr, addr))
        i++;
    return i < a->n;
}

/* How many only the envelope names. */
static int hidden(const struct fb_queue_mail *mail, const struct fb_message *m)
{
    struct fb_str rest = mail->recipients, addr;
    int n = 0;
    while (rest.n && fb_str_split(&rest, '\0', &addr))
        n += addr.n && !is_named(&m->to, addr) && !is_named(&m->cc, addr);
    return n;
}

/* Of the facts what these mails need. A header that cannot be read says less. Caller: json_decref. */
static json_t *read_facts(struct fb_arena *arena, const struct fb_queue_mail *mail, struct fb_str original)
{
    struct fb_headers h = {.arena = arena};
    struct fb_message m = {.subject = FB_STR_NONE};
    struct fb_str body;
    if (fb_headers_split(&h, original, HEADER_MAX, FIELDS_MAX, &body, NULL) < 0 || fb_message_header(arena, &h, &m, NULL))
        m = (struct fb_message){.subject = FB_STR_NONE};
    return json_pack("{s:s%, s:s%, s:i, s:i, s:o, s:o}", "subject", m.subject.p, m.subject.n, "message_id", mail->message_id.p, mail->message_id.n,
                     "tz_min", m.tz_min, "hidden", hidden(mail, &m), "to", people(arena, &m.to), "cc", people(arena, &m.cc));
}

/* The name that the milter sealed for us; empty where there is none. */
static struct fb_str who_wrote(const struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold)
{
    struct fb_str plain;
    if (!hold->later_box.n || fb_box_open(arena, w->k->box_public, w->k->box_secret, hold->later_box, &plain, NULL))
        return FB_STR_NONE;
    json_auto_t *root = json_loadb(plain.p, plain.n, 0, NULL);
    return fb_arena_dup(arena, fb_str(json_string_value(json_object_get(root, "name"))));
}

/* Outcomes of fb_smtp_submit; < 0: it could not be made. */
static int make_and_submit(const struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, const struct fb_queue_mail *mail,
                           struct fb_str original, struct fb_err *err)
{
    const struct fb_conf *conf = w->k->conf;
    json_auto_t *facts = read_facts(arena, mail, original);
    uint8_t keyless[FB_PAGE_KEY];
    struct fb_str link, text;
    fb_link_keyless((int)json_integer_value(json_object_get(facts, "tz_min")), keyless);
    if (!facts || fb_make_link(w, arena, hold, keyless, &link, err))
        return facts ? -1 : fb_fail(err, "its header is no UTF-8");
    struct fb_notice n = {.kind = hold->later == FB_LATER_MOVED ? FB_NOTICE_MOVED : FB_NOTICE_REMINDER, .data_dir = conf->forbear_data_dir,
                          .language = conf->notice_language, .wanted = hold->language, .from = w->k->from, .to = mail->sender, .message_id = hold->message_id,
                          .now_s = w->now_s, .deadline_s = hold->deadline_s, .withdraws = conf->hold_after_delay == FB_AFTER_DELAY_WITHDRAW,
                          .opens_s = hold->opens_s, .by_mail = fb_answer_counts(hold), .link = link, .facts = facts, .who = who_wrote(w, arena, hold)};
    if (fb_notice_make(&n, arena, &text, err))
        return -1;
    return fb_smtp_submit(conf->notice_smtp, (int)conf->notice_timeout, n.to, text, err);
}

static int later_done(struct fb_work *w, const struct fb_hold *hold, const char *why)
{
    fb_later_forget(&w->owed, hold->id);
    return fb_store_later_done(w->store, hold->id, w->now_s, why, &w->err) < 0 ? -1 : 0;
}

static int tell_found(struct fb_work *w, const struct fb_hold *hold, const struct fb_queue_mail *mail)
{
    FB_ARENA arena = fb_arena_new(2 * (size_t)mail->file.size + ARENA_SLACK);
    struct fb_err err;
    struct fb_str original;
    enum fb_queue_outcome is;
    if (!arena)
        return fb_fail_memory(&w->err);
    if (fb_ask_fetch(w, arena, &mail->file, &is, &original) || is != FB_QUEUE_DONE) {
        fb_later_at(&w->owed, hold->id, w->now_ms + AWAY_MS);
        return 0;
    }
    int rc = make_and_submit(w, arena, hold, mail, original, &err);
    if (rc == FB_SMTP_LATER)
        return fb_notice_again(w, &w->owed, hold, 2, err.text); /* 1 was fb_owe */
    if (rc)
        fb_log(FB_LOG_ERROR, "later_given_up", "queue_id=%s rule=%s reason=%s", hold->queue_id.p, hold->rule.p, fb_log_quote(fb_str(err.text)));
    else
        fb_log(FB_LOG_INFO, "told_again", "queue_id=%s rule=%s", hold->queue_id.p, hold->rule.p);
    FB_CRASH_POINT("later_submitted");
    return later_done(w, hold, rc ? "the mail that follows the notice was refused" : "the mail that follows the notice was accepted");
}

int fb_tell_later(struct fb_work *w, const struct fb_hold *hold)
{
    FB_ARENA arena = fb_arena_new(FB_ROUND_ARENA);
    struct fb_queue_reply reply;
    int rc = arena ? fb_ask_look_up(w, arena, hold, 1, &reply) : fb_fail_memory(&w->err);
    if (rc < 0)
        return -1;
    if (rc == 0 && reply.outcome[0] == FB_QUEUE_DONE && fb_is_meant(w, hold, &reply.mail[0]))
        return tell_found(w, hold, &reply.mail[0]);
    fb_later_at(&w->owed, hold->id, w->now_ms + AWAY_MS);
    return 0;
}

/* Where the delay is hardly longer than what is left, its sender has just been told. */
int fb_remind(struct fb_work *w, const struct fb_hold *hold)
{
    int64_t left_s = w->k->conf->notice_reminder;
    if (hold->reminded || hold->later != FB_LATER_NONE || hold->deadline_s - hold->created_s <= 2 * left_s)
        return 0;
    FB_ARENA arena = fb_arena_new(4096);
    struct fb_str id = arena ? fb_message_id_new(arena, w->k->from) : (struct fb_str){NULL, 0};
    if (!id.p)
        return fb_fail_memory(&w->err);
    int rc = fb_store_later(w->store, hold->id, FB_LATER_REMINDER, hold->deadline_s, id, FB_STR_NONE, w->now_s, &w->err);
    FB_CRASH_POINT("reminded");
    if (rc == 0)
        fb_owe(w, hold->id);
    return rc < 0 ? -1 : 0;
}
