/* A connection and its message. Decides nothing about words: it collects within limits, asks scope as soon as it can be
 * asked, and the judge at the end. Must never change a message, and must never let a fault of ours lose or delay one:
 * whatever goes wrong ends in unjudged(), the one place that knows what a fault means to the outside. What is to us alone is no
 * mail to be judged: it may answer a notice, is passed on to the keeper, and goes to nobody.
 *
 * A message lives in an arena of its own; the body is kept as the pieces that came, and is joined only by the few that
 * passed the gate, so that many slow connections cost what they sent and no more.
 *
 * DIAGNOSTICS: one line for each fault; at log level verbose one for each message that was not judged. */
#include "session.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "wire/queue.h"

struct piece {
    struct piece *next;
    struct fb_str text;
};

struct message {
    struct fb_arena *arena;
    struct fb_envelope env;
    struct fb_str *rcpt;
    size_t rcpt_cap;
    struct fb_headers headers;
    struct piece *first, **last;
    int64_t kept, seen;       /* bytes of header and body */
    bool cut;                 /* there was more body than was kept */
    enum fb_reason fault;     /* found where no answer can be given; told at the end of the header */
    enum fb_reason passes;    /* for this, found at MAIL; only its header is waited for, for the history */
    struct fb_verdict verdict;
};

struct session {
    struct milter *m;
    struct generation *generation;
    uint8_t client[16];
    bool client_known, skip, quarantine;
    struct message *msg; /* NULL between messages, and once a message was answered for good */
};

struct session *session_new(struct milter *m)
{
    struct session *s = calloc(1, sizeof *s);
    if (s)
        *s = (struct session){.m = m, .generation = generation_take(&m->generations)};
    return s;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    session_reset(s);
    generation_drop(s->generation);
    free(s);
}

void session_reset(struct session *s)
{
    if (s->msg)
        fb_arena_free(s->msg->arena);
    s->msg = NULL;
}

void session_agreed(struct session *s, bool skip, bool quarantine)
{
    s->skip = skip;
    s->quarantine = quarantine;
}

void session_client(struct session *s, const struct sockaddr *addr)
{
    static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
    s->client_known = addr && (addr->sa_family == AF_INET || addr->sa_family == AF_INET6);
    if (s->client_known && addr->sa_family == AF_INET) {
        memcpy(s->client, v4_mapped, sizeof v4_mapped);
        memcpy(s->client + sizeof v4_mapped, (const char *)addr + offsetof(struct sockaddr_in, sin_addr), 4);
    } else if (s->client_known) {
        memcpy(s->client, (const char *)addr + offsetof(struct sockaddr_in6, sin6_addr), sizeof s->client);
    }
}

static void count(struct milter *m, struct fb_str kind, struct fb_str name)
{
    counts_add(&m->counts, fb_now_s(), kind, name);
}

/* The end of every message that is not judged: counted, logged, and let through, save where after a fault of ours it shall be sent
 * again (@tempfail). */
static enum answer unjudged(struct milter *m, bool tempfail, enum fb_reason reason, const char *queue_id, const struct fb_err *err)
{
    const char *id = queue_id ? queue_id : "";
    const char *name = fb_reason_name(reason);
    const char *why = err && *err->text ? err->text : fb_reason_sentence(reason);
    count(m, FB_STR("not_judged"), fb_str(name));
    if (!fb_reason_fault(reason)) {
        fb_log(FB_LOG_VERBOSE, "not_judged", "queue_id=%s reason=%s", fb_log_quote(fb_str(id)), name);
        return ANSWER_ACCEPT;
    }
    fb_log(FB_LOG_ERROR, "fault", "queue_id=%s reason=%s answer=%s error=%s", fb_log_quote(fb_str(id)), name,
           tempfail ? "tempfail" : "accept", fb_log_quote(fb_str(why)));
    return tempfail ? ANSWER_TEMPFAIL : ANSWER_ACCEPT;
}

static bool is_ours(const struct session *s, struct fb_str addr)
{
    return fb_str_ieq(addr, fb_str(s->generation->conf->notice_from)) && posts_work(s->generation);
}

/* To the address that notices come from, and to nobody else, by somebody who may have been sent one. */
static bool is_answer(const struct session *s)
{
    const struct message *msg = s->msg;
    return msg && msg->passes == FB_REASON_none && msg->env.rcpt_n == 1 && is_ours(s, msg->env.rcpt[0]);
}

/* An answer that was lost would be a decision lost, and there is no mail of others that a delay could harm. */
static enum answer give_up(struct session *s, enum fb_reason reason, const char *queue_id, const struct fb_err *err)
{
    bool tempfail = s->generation->conf->forbear_on_error == FB_ON_ERROR_TEMPFAIL || is_answer(s);
    session_reset(s);
    return unjudged(s->m, tempfail, reason, queue_id, err);
}

static enum answer no_memory(struct session *s)
{
    struct fb_err err;
    fb_fail_memory(&err);
    return give_up(s, FB_REASON_judge_fault, NULL, &err);
}

enum answer session_missing(struct milter *m)
{
    struct fb_err err;
    struct generation *g = generation_take(&m->generations);
    fb_fail_memory(&err);
    enum answer a = unjudged(m, g->conf->forbear_on_error == FB_ON_ERROR_TEMPFAIL, FB_REASON_judge_fault, NULL, &err);
    generation_drop(g);
    return a;
}

/* Without the angle brackets, which sendmail(1) mail does not have. */
static struct fb_str bare(struct fb_str path)
{
    if (path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>')
        return (struct fb_str){path.p + 1, path.n - 2};
    return path;
}

/* SIZE of RFC 1870, or -1. */
static int64_t declared_size(char *const *params)
{
    int64_t size;
    for (; *params; params++) {
        struct fb_str key, value = fb_str(*params);
        if (fb_str_split(&value, '=', &key) && fb_str_ieq(key, FB_STR("SIZE")) && fb_str_int(value, 0, INT64_MAX, &size))
            return size;
    }
    return -1;
}

/* Room for what is kept, for the same joined, and for what the judge makes of it. */
static struct message *message_new(const struct fb_conf *conf, const struct fb_envelope *env)
{
    struct fb_arena *arena = fb_arena_new((size_t)(16 * (conf->limits_header_size + conf->limits_judged_size) + (4 << 20)));
    struct message *msg = arena ? fb_arena_alloc(arena, sizeof *msg) : NULL;
    if (msg) {
        *msg = (struct message){.arena = arena, .env = *env, .headers = {.arena = arena}, .last = &msg->first};
        msg->env.sender = fb_arena_dup(arena, env->sender);
        msg->env.login = fb_arena_dup(arena, env->login);
    }
    if (!msg || !msg->env.sender.p || !msg->env.login.p) {
        fb_arena_free(arena);
        return NULL;
    }
    return msg;
}

enum answer session_mail(struct session *s, char *const *argv, const char *login, const char *queue_id)
{
    session_reset(s);
    const struct fb_conf *conf = s->generation->conf;
    struct fb_envelope env = {
        .sender = bare(fb_str(argv[0])),
        .login = fb_str(login),
        .client_known = s->client_known,
        .declared_size = declared_size(argv + 1),
    };
    memcpy(env.client, s->client, sizeof env.client);
    enum fb_reason reason = fb_scope_mail(conf, &env);
    bool wanted = reason == FB_REASON_none || (fb_scope_teaches(conf, reason) && memory_works(s->generation));
    if (wanted && !(s->msg = message_new(conf, &env)))
        return no_memory(s);
    if (wanted)
        s->msg->passes = reason;
    return wanted ? ANSWER_CONTINUE : give_up(s, reason, queue_id, NULL);
}

static bool rcpt_room(struct message *msg)
{
    struct fb_str *v = fb_arena_grow(msg->arena, msg->rcpt, msg->env.rcpt_n, &msg->rcpt_cap, sizeof *v);
    if (v)
        msg->env.rcpt = msg->rcpt = v;
    return v != NULL;
}

void session_rcpt(struct session *s, const char *rcpt)
{
    struct message *msg = s->msg;
    if (!msg || msg->fault)
        return;
    if (msg->env.rcpt_n >= (size_t)s->generation->conf->limits_recipients) {
        msg->fault = FB_REASON_too_many_recipients;
        return;
    }
    struct fb_str addr = rcpt_room(msg) ? fb_arena_dup(msg->arena, bare(fb_str(rcpt))) : (struct fb_str){NULL, 0};
    if (addr.p)
        msg->rcpt[msg->env.rcpt_n++] = addr;
    else
        msg->fault = FB_REASON_judge_fault;
}

void session_header(struct session *s, const char *name, const char *value)
{
    const struct fb_conf *conf = s->generation->conf;
    struct message *msg = s->msg;
    if (!msg || msg->fault)
        return;
    int rc = fb_headers_add(&msg->headers, fb_str(name), fb_str(value), (size_t)conf->limits_header_size,
                            (size_t)conf->limits_header_fields, NULL);
    if (rc)
        msg->fault = rc == FB_HEADERS_FULL ? FB_REASON_header_limit : FB_REASON_judge_fault;
    msg->kept = msg->seen = (int64_t)msg->headers.bytes;
}

/* As people see it: the name in From, or in the directory, or the address. */
static struct fb_str author_name(const struct session *s, struct fb_str addr)
{
    const struct fb_field *from = fb_headers_get(&s->msg->headers, "From", 0);
    struct fb_addresses as = {0};
    if (from && fb_addresses_parse(s->msg->arena, from->value, &as, NULL) == 0 && as.n && as.v[0].display.n)
        return as.v[0].display;
    struct fb_str name = fb_policy_name(s->generation->policy, addr);
    return name.n ? name : addr;
}

static void tell_moved(struct session *s, const struct fb_history_mail *mail)
{
    struct fb_err err;
    size_t n = 0;
    if (posts_moved(&s->m->holds, s->generation, &s->msg->env, mail, author_name(s, mail->author), fb_now_s(), s->msg->arena, &n, &err) < 0)
        fb_log(FB_LOG_ERROR, "moved_not_told", "error=%s", fb_log_quote(fb_str(err.text)));
    while (n--)
        count(s->m, FB_STR("moved"), FB_STR_NONE);
}

static bool answers_mail(const struct fb_headers *h)
{
    return fb_headers_get(h, "References", 0) || fb_headers_get(h, "In-Reply-To", 0);
}

/* What a mail that goes on its way means to others: history learns from it, and it may answer on a thread on which somebody's
 * message is held. Not one that is held itself: it may be taken back, and when it is sent again its readers must not be found on its
 * thread already. */
static void passes_on(struct session *s)
{
    struct message *msg = s->msg;
    const struct generation *g = s->generation;
    struct fb_history_mail mail;
    bool learns = memory_works(g), tells = posts_work(g) && answers_mail(&msg->headers) && holds_any(&s->m->holds, g->conf->forbear_state_dir);
    if ((!learns && !tells) || fb_learn(g->policy, msg->arena, &msg->env, &msg->headers, fb_now_s(), &mail, NULL))
        return;
    if (learns)
        memory_learn(&s->m->memory, g, &mail);
    if (tells)
        tell_moved(s, &mail);
}

/* The end of what is to us. */
static enum answer taken(struct session *s, const char *said, const char *queue_id)
{
    count(s->m, FB_STR("answer"), fb_str(said));
    fb_log(FB_LOG_VERBOSE, "answer", "queue_id=%s said=%s", fb_log_quote(fb_str(queue_id)), said);
    session_reset(s);
    return ANSWER_DISCARD;
}

/* No program is answered, for it might answer again; and what names a protected address is not read, whoever it is to. */
static enum answer answer_eoh(struct session *s, const char *queue_id)
{
    enum fb_reason reason = fb_scope_header(s->generation->conf, &s->msg->env, &s->msg->headers);
    if (reason == FB_REASON_protected || fb_reason_fault(reason))
        return give_up(s, reason, queue_id, NULL);
    if (reason == FB_REASON_auto_submitted || reason == FB_REASON_bulk || wish_by_program(&s->msg->headers))
        return taken(s, "automatic", queue_id);
    return ANSWER_CONTINUE;
}

/* Mail that is not judged means what it means from here on, where the MTA is told to show no more of it: should it break off,
 * history has met a mail that nobody got, and that nobody will answer. */
enum answer session_eoh(struct session *s, const char *queue_id)
{
    struct message *msg = s->msg;
    if (!msg)
        return ANSWER_ACCEPT;
    enum fb_reason reason = msg->passes != FB_REASON_none ? msg->passes : msg->fault;
    if (reason == FB_REASON_none && is_answer(s))
        return answer_eoh(s, queue_id);
    if (reason == FB_REASON_none)
        reason = fb_scope_header(s->generation->conf, &msg->env, &msg->headers);
    if (reason == FB_REASON_none)
        return ANSWER_CONTINUE;
    if (msg->fault == FB_REASON_none)
        passes_on(s);
    return give_up(s, reason, queue_id, NULL);
}

static bool piece_keep(struct message *msg, struct fb_str text)
{
    struct piece *piece = fb_arena_alloc(msg->arena, sizeof *piece);
    if (!piece || !(piece->text = fb_arena_dup(msg->arena, text)).p)
        return false;
    *msg->last = piece;
    msg->last = &piece->next;
    msg->kept += (int64_t)text.n;
    return true;
}

enum answer session_body(struct session *s, const void *p, size_t n)
{
    const struct fb_conf *conf = s->generation->conf;
    struct message *msg = s->msg;
    if (!msg)
        return ANSWER_CONTINUE;
    msg->seen += (int64_t)n;
    if (msg->seen > conf->limits_message_size) {
        passes_on(s);
        return give_up(s, FB_REASON_too_large, NULL, NULL);
    }
    int64_t room = conf->limits_judged_size > msg->kept ? conf->limits_judged_size - msg->kept : 0;
    size_t keep = (uint64_t)room < n ? (size_t)room : n;
    if (keep && !piece_keep(msg, (struct fb_str){p, keep}))
        return no_memory(s);
    msg->cut |= keep < n;
    return msg->cut && s->skip ? ANSWER_SKIP : ANSWER_CONTINUE;
}

/* The message as it was sent, but for the folding of its header. */
static struct fb_str message_join(struct message *msg)
{
    struct fb_buf b = FB_BUF(msg->arena);
    for (size_t i = 0; i < msg->headers.n; i++) {
        fb_buf_add(&b, msg->headers.v[i].name);
        fb_buf_add(&b, FB_STR(": "));
        fb_buf_add(&b, msg->headers.v[i].value);
        fb_buf_add(&b, FB_STR("\r\n"));
    }
    fb_buf_add(&b, FB_STR("\r\n"));
    for (const struct piece *piece = msg->first; piece; piece = piece->next)
        fb_buf_add(&b, piece->text);
    return fb_buf_str(&b);
}

static bool past(void *deadline_ms)
{
    return fb_clock_ms() >= *(int64_t *)deadline_ms;
}

/* Of its thread; empty where it cannot be told. */
static int root(struct message *msg, struct fb_str *ret, struct fb_err *err)
{
    struct fb_message m;
    *ret = FB_STR_NONE;
    int rc = fb_message_header(msg->arena, &msg->headers, &m, err);
    if (rc == 0)
        *ret = thread_root(m.references, m.references_n, m.in_reply_to, m.message_id);
    return rc < 0 ? -1 : 0;
}

/* Which rules its sender was asked about on that thread before. Read once a message, and only where one would have something said. */
struct sparing {
    struct session *s;
    struct fb_err *err;
    int rc; /* 1: not read yet */
    struct fb_str *rules;
    size_t n;
};

static int sparing_read(struct sparing *a)
{
    struct message *msg = a->s->msg;
    struct hold_request r = {.env = &msg->env, .now_s = fb_now_s()};
    if (root(msg, &r.root, a->err))
        return -1;
    return holds_spared(&a->s->m->holds, a->s->generation, &r, msg->arena, &a->rules, &a->n, a->err);
}

/* By what is not known nothing is held. */
static bool is_spared(void *arg, struct fb_str rule)
{
    struct sparing *a = arg;
    if (a->rc > 0)
        a->rc = sparing_read(a);
    size_t i = 0;
    while (i < a->n && a->rules[i].n && !fb_str_eq(a->rules[i], rule))
        i++;
    return i < a->n || a->rc < 0;
}

static int judge_inside(struct session *s, int64_t deadline_ms, struct fb_history *history, struct sparing *sparing, struct fb_err *err)
{
    struct message *msg = s->msg;
    struct fb_judge_input in = {
        .env = &msg->env,
        .raw = message_join(msg),
        .cut = msg->cut,
        .now_s = fb_now_s(),
        .history = history,
        .expired = past,
        .expired_arg = &deadline_ms,
        .spared = is_spared,
        .spared_arg = sparing,
    };
    return in.raw.p ? fb_judge(s->generation->policy, msg->arena, &in, &msg->verdict, err) : fb_fail_memory(err);
}

/* The verdict into the message; or why there is none. */
static enum fb_reason judge(struct session *s, struct fb_err *err)
{
    const struct fb_conf *conf = s->generation->conf;
    int64_t deadline_ms = fb_clock_ms() + conf->limits_judge_time_ms;
    if (!gate_enter(&s->m->gate, conf->limits_judges_at_once, deadline_ms))
        return FB_REASON_busy;
    struct fb_history *history = memory_take(&s->m->memory, s->generation);
    struct sparing sparing = {.s = s, .err = err, .rc = 1};
    int rc = judge_inside(s, deadline_ms, history, &sparing, err);
    memory_give(&s->m->memory, s->generation, history);
    gate_leave(&s->m->gate);
    return rc < 0 ? FB_REASON_judge_fault : sparing.rc < 0 ? FB_REASON_store_fault : s->msg->verdict.not_judged;
}

/* A message that its sender has had enough of passes: counted, and told nowhere else. */
static int record_row(struct session *s, struct fb_str queue_id, struct fb_err *err)
{
    struct message *msg = s->msg;
    struct hold_request r = {.verdict = &msg->verdict, .env = &msg->env, .queue_id = queue_id, .now_s = fb_now_s()};
    int rc = root(msg, &r.root, err);
    if (rc == 0)
        rc = holds_record(&s->m->holds, s->generation, &r, msg->arena, err);
    if (rc <= 0)
        return rc;
    count(s->m, FB_STR("passed"), FB_STR("cap"));
    msg->verdict.action = FB_PASS;
    return 0;
}

static bool any_spared(const struct fb_verdict *v)
{
    size_t i = 0;
    while (i < v->findings_n && !v->findings[i].spared)
        i++;
    return i < v->findings_n;
}

/* Makes durable what the sender will be told; or why it cannot be. */
static enum fb_reason record(struct session *s, struct fb_str queue_id, struct fb_err *err)
{
    const struct fb_verdict *v = &s->msg->verdict;
    if (v->action != FB_NOTIFY && v->action != FB_HOLD) {
        if (any_spared(v))
            count(s->m, FB_STR("passed"), FB_STR("spared"));
        return FB_REASON_none;
    }
    if (v->action == FB_HOLD && !fb_queue_id_valid(queue_id))
        return FB_REASON_short_queue_id;
    if (v->action == FB_HOLD && !s->quarantine)
        return FB_REASON_not_quarantined;
    return record_row(s, queue_id, err) < 0 ? FB_REASON_store_fault : FB_REASON_none;
}

/* What volunteers agreed to: their address and the words that decided, to tune the rules by. */
static void log_volunteer(const struct message *msg)
{
    const struct fb_finding *f = msg->verdict.main;
    struct fb_buf words = FB_BUF(msg->arena);
    for (size_t i = 0; i < f->evidence_n; i++) {
        if (words.n)
            fb_buf_add(&words, FB_STR(" | "));
        fb_buf_add(&words, f->evidence[i].text);
    }
    struct fb_str text = fb_buf_str(&words);
    fb_log(FB_LOG_INFO, "observed", "sender=%s rule=%.*s log_odds=%.2f words=%s", fb_log_quote(msg->env.sender),
           FB_FMT(f->rule), f->log_odds, fb_log_quote(text.p ? text : FB_STR_NONE));
}

/* The end of every message that was judged, once all that must be done for it is done. */
static enum answer judged(struct session *s, const char *queue_id)
{
    const struct fb_verdict *v = &s->msg->verdict;
    count(s->m, FB_STR("judged"), FB_STR_NONE);
    if (v->unread != FB_REASON_none)
        count(s->m, FB_STR("unread"), fb_str(fb_reason_name(v->unread)));
    if (v->action != FB_PASS)
        count(s->m, fb_str(fb_action_name(v->action)), v->main->rule);
    if (v->action == FB_HOLD)
        fb_log(FB_LOG_INFO, "held", "queue_id=%s rule=%.*s delay_s=%" PRId64, queue_id, FB_FMT(v->main->rule),
               holds_delay(s->generation->conf, v->main));
    if (v->action == FB_OBSERVE && v->volunteer)
        log_volunteer(s->msg);
    session_reset(s);
    return ANSWER_ACCEPT;
}

static int wish(struct session *s, struct wish *ret, struct fb_err *err)
{
    const struct fb_conf *conf = s->generation->conf;
    struct message *msg = s->msg;
    struct fb_message_limits limits = {.parts = (size_t)conf->limits_parts, .nesting = (size_t)conf->limits_nesting,
                                       .header_size = (size_t)conf->limits_header_size, .header_fields = (size_t)conf->limits_header_fields};
    struct fb_str raw = message_join(msg);
    return raw.p ? wish_read(msg->arena, &s->generation->words, &limits, &msg->headers, raw, msg->cut, ret, err) : fb_fail_memory(err);
}

/* Reading it takes its turn as judging does. */
static enum answer answered(struct session *s, const char *queue_id)
{
    struct fb_err err = {.text = ""};
    struct wish w;
    const char *said;
    const struct fb_conf *conf = s->generation->conf;
    if (!gate_enter(&s->m->gate, conf->limits_judges_at_once, fb_clock_ms() + conf->limits_judge_time_ms))
        return give_up(s, FB_REASON_busy, queue_id, NULL);
    int rc = wish(s, &w, &err);
    gate_leave(&s->m->gate);
    if (rc < 0)
        return give_up(s, FB_REASON_parse_fault, queue_id, &err);
    if (posts_answer(&s->m->holds, s->generation, &s->msg->env, &w, fb_now_s(), s->msg->arena, &said, &err) < 0)
        return give_up(s, FB_REASON_store_fault, queue_id, &err);
    return taken(s, said, queue_id);
}

/* Who answers a notice to others too hears how it is done; the mail itself is one like any other. */
static void help_where_asked(struct session *s)
{
    struct fb_envelope *env = &s->msg->env;
    size_t i = 0;
    while (i < env->rcpt_n && !is_ours(s, env->rcpt[i]))
        i++;
    if (i < env->rcpt_n)
        posts_help(&s->m->holds, s->generation, env, FB_STR_NONE, fb_now_s(), s->msg->arena, NULL);
}

enum answer session_eom(struct session *s, const char *queue_id)
{
    struct fb_err err = {.text = ""};
    if (!s->msg)
        return ANSWER_ACCEPT;
    if (is_answer(s))
        return answered(s, queue_id);
    help_where_asked(s);
    enum fb_reason reason = judge(s, &err);
    if (reason == FB_REASON_none)
        reason = record(s, fb_str(queue_id), &err);
    if (reason == FB_REASON_none && s->msg->verdict.action == FB_HOLD)
        return ANSWER_QUARANTINE;
    if (!fb_reason_fault(reason))
        passes_on(s);
    return reason == FB_REASON_none ? judged(s, queue_id) : give_up(s, reason, queue_id, &err);
}

enum answer session_quarantined(struct session *s, bool done, const char *queue_id)
{
    return done ? judged(s, queue_id) : give_up(s, FB_REASON_not_quarantined, queue_id, NULL);
}
