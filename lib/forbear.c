/* The shared library's face: translates arguments, judges by the policy, and keeps the verdict in an arena of its own
 * until it is freed. It exports forbear_* and nothing else, and must never hold, store or send anything.
 *
 * DIAGNOSTICS: a sentence in @error: what could not be loaded, or lack of memory. A message that cannot be judged is a
 * verdict, not a failure. */
#include "forbear.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "mail/message.h"
#include "rules/facts.h"
#include "rules/judge.h"
#include "rules/judging.h"

enum { VERDICT_MAX = 64 * 1024 * 1024 };
static const float act_shown = -2; /* log-odds: acts of a sentence that are less likely are not listed */

struct forbear {
    struct fb_policy *policy;
};

struct request { /* a mail as the policy wants it */
    struct fb_envelope env;
    struct fb_judge_input in;
};

struct forbear_verdict {
    const struct fb_judge *judge;
    struct fb_arena *arena;
    struct request request;
    struct fb_judgement j;
    struct forbear_finding *findings;
    const char *json, *why, *explained; /* NULL: not asked for yet */
};

static int tell(const struct fb_err *err, char *error, size_t size)
{
    if (error && size)
        snprintf(error, size, "%s", err->text);
    return -1;
}

/* Hands @policy over: to *ret, or back to memory. */
static int open_done(struct fb_policy *policy, struct forbear **ret, struct fb_err *err, char *error, size_t error_size)
{
    struct forbear *f = policy ? calloc(1, sizeof *f) : NULL;
    if (policy && !f) {
        fb_policy_free(policy);
        fb_fail_memory(err);
    }
    if (!f)
        return tell(err, error, error_size);
    f->policy = policy;
    *ret = f;
    return 0;
}

static void init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fb_message_init);
}

int forbear_open(const char *conf_path, struct forbear **ret, char *error, size_t error_size)
{
    struct fb_err err = {""};
    struct fb_policy *policy = NULL;
    init();
    fb_policy_load(conf_path, NULL, &policy, &err);
    return open_done(policy, ret, &err, error, error_size);
}

int forbear_open_world(const char *conf_path, const char *world, const struct forbear *like, struct forbear **ret, char *error, size_t error_size)
{
    struct fb_err err = {""};
    struct fb_policy *policy = NULL;
    init();
    fb_policy_load_world(conf_path, world, like ? like->policy : NULL, &policy, &err);
    return open_done(policy, ret, &err, error, error_size);
}

void forbear_close(struct forbear *f)
{
    if (f)
        fb_policy_free(f->policy);
    free(f);
}

static bool use_message(const struct forbear_mail *mail)
{
    return !mail->sender || !mail->recipients || !mail->now_s;
}

/* Sender, recipients and time from the message itself, where the caller left them out. */
static int read_message(const struct fb_conf *conf, struct fb_arena *arena, struct fb_str raw, struct fb_message *ret, struct fb_err *err)
{
    struct fb_message_limits limits = {.parts = (size_t)conf->limits_parts, .nesting = (size_t)conf->limits_nesting,
                                       .header_size = (size_t)conf->limits_header_size, .header_fields = (size_t)conf->limits_header_fields};
    return fb_message_parse(arena, &limits, raw, false, ret, err) < 0 ? -1 : 0;
}

static size_t add_addresses(struct fb_str *rcpt, size_t n, const struct fb_addresses *v)
{
    for (size_t i = 0; i < v->n; i++)
        rcpt[n++] = v->v[i].addr;
    return n;
}

static size_t count(const char *const *v)
{
    size_t n = 0;
    while (v[n])
        n++;
    return n;
}

static int fill_recipients(const struct forbear_mail *mail, const struct fb_message *m, struct fb_arena *arena, struct fb_envelope *env, struct fb_err *err)
{
    size_t n = mail->recipients ? count(mail->recipients) : m->to.n + m->cc.n;
    struct fb_str *rcpt = fb_arena_array(arena, n, sizeof *rcpt);
    if (!rcpt)
        return fb_fail_memory(err);
    for (size_t i = 0; mail->recipients && i < n; i++)
        rcpt[i] = fb_str(mail->recipients[i]);
    if (!mail->recipients)
        add_addresses(rcpt, add_addresses(rcpt, 0, &m->to), &m->cc);
    env->rcpt = rcpt;
    env->rcpt_n = n;
    return 0;
}

static int fill(const struct forbear *f, const struct forbear_mail *mail, struct fb_arena *arena, struct request *r, struct fb_err *err)
{
    const struct fb_conf *conf = fb_policy_conf(f->policy);
    struct fb_str raw = {mail->message, mail->message_size};
    struct fb_message m = {.date_s = INT64_MIN};
    if (use_message(mail) && read_message(conf, arena, raw, &m, err))
        return -1;
    struct fb_str sender = mail->sender ? fb_str(mail->sender) : m.from.n ? m.from.v[0].addr : FB_STR_NONE;
    r->env = (struct fb_envelope){.sender = sender, .login = sender, .declared_size = (int64_t)mail->message_size};
    size_t most = (size_t)conf->limits_judged_size;
    r->in = (struct fb_judge_input){.env = &r->env, .raw = {raw.p, raw.n < most ? raw.n : most}, .cut = raw.n > most,
                                    .now_s = mail->now_s ? mail->now_s : m.date_s == INT64_MIN ? 0 : m.date_s};
    return fill_recipients(mail, &m, arena, &r->env, err);
}

/* The header of one mail into @h, as of when it was sent. */
static int learn(const struct forbear *f, const struct forbear_seen *seen, struct fb_arena *arena, const uint8_t *key, struct fb_history *h,
                 struct fb_err *err)
{
    const struct fb_conf *conf = fb_policy_conf(f->policy);
    struct fb_headers headers = {.arena = arena};
    struct fb_str raw = {seen->message, seen->message_size}, body;
    struct fb_addresses from;
    struct fb_history_mail mail;
    int rc = fb_headers_split(&headers, raw, (size_t)conf->limits_header_size, (size_t)conf->limits_header_fields, &body, err);
    const struct fb_field *field = rc ? NULL : fb_headers_get(&headers, "From", 0);
    if (rc < 0 || !field || fb_addresses_parse(arena, field->value, &from, err) || !from.n)
        return rc < 0 ? -1 : 0;
    struct fb_envelope env = {.sender = from.v[0].addr, .login = from.v[0].addr};
    rc = fb_learn(f->policy, arena, &env, &headers, INT64_MIN, &mail, err);
    if (rc)
        return rc < 0 ? -1 : 0;
    struct fb_history_note note;
    fb_history_pack(key, &mail, &note);
    return fb_history_learn(h, note.v, note.n, mail.sent_s, err) ? -1 : 0;
}

/* What was seen before, in memory, as long as one message is judged; under a key that nobody knows. */
static int remember(const struct forbear *f, const struct forbear_mail *mail, struct fb_arena *arena, struct fb_history **ret, struct fb_err *err)
{
    uint8_t key[FB_HISTORY_KEY];
    if (!mail->earlier_n)
        return 0;
    fb_history_key_new(key);
    int rc = fb_history_open(NULL, key, true, 0, ret, err);
    for (size_t i = 0; i < mail->earlier_n && !rc; i++)
        rc = learn(f, &mail->earlier[i], arena, key, *ret, err);
    return rc;
}

static json_t *finding_json(const struct fb_finding *f)
{
    return json_pack("{so sb sf sf sb so so}", "name", fb_json_text(f->rule), "fires", f->fires, "log_odds", f->log_odds, "threshold",
                     f->threshold, "needs_met", f->needs_met, "exempt", f->exempt.n ? fb_json_text(f->exempt) : json_null(), "evidence", fb_json_evidence(f));
}

static json_t *signals_json(const struct forbear_verdict *v)
{
    json_t *all = json_object();
    for (size_t i = 0; v->j.signals && i < v->judge->signals.n; i++)
        if (v->j.signals[i].value > 0)
            json_object_set_new(all, v->judge->signals.names[i].p, json_real(v->j.signals[i].value));
    return all;
}

static json_t *acts_json(const struct fb_meaning_sentence *s)
{
    json_t *all = json_object();
    for (int i = 0; i < FB_ENCODER_ACTS; i++)
        if (s->acts[i] >= act_shown)
            json_object_set_new(all, fb_meaning_acts[i], json_real((double)s->acts[i]));
    return all;
}

static json_t *sentences_json(const struct fb_meaning *m)
{
    json_t *all = json_array();
    for (size_t i = 0; i < m->sentences_n; i++)
        json_array_append_new(all, json_pack("{so sf so}", "text", fb_json_text(m->sentences[i].text), "evidence", (double)m->sentences[i].evidence,
                                             "acts", acts_json(&m->sentences[i])));
    return all;
}

static json_t *outputs_json(const struct fb_input *in, const struct fb_meaning *m)
{
    json_t *rules = json_object();
    for (int i = 0; i < FB_ENCODER_RULES; i++)
        json_object_set_new(rules, fb_meaning_rules[i], json_real((double)m->rules[i]));
    return json_pack("{so so so sf so sb sb sI sI so}", "facts", fb_json_text(in->facts), "subject", fb_json_text(in->subject), "text",
                     fb_json_text(in->text), "hold", (double)m->hold, "rules", rules, "left_early", m->left_early, "cut", m->cut, "windows",
                     (json_int_t)m->windows, "again", (json_int_t)m->again, "sentences", sentences_json(m));
}

/* What the judge was given and said, read once more: judging keeps none of it. */
static json_t *judge_json(const struct forbear_verdict *v)
{
    struct fb_input in;
    struct fb_meaning m;
    int rc = v->j.signals ? fb_judging_read(v->judge->judging, v->arena, &v->j.c, &in, &m, NULL) : FB_JUDGING_NONE;
    return rc < 0 ? NULL : rc ? json_null() : outputs_json(&in, &m);
}

static json_t *verdict_json(const struct forbear_verdict *v)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < v->j.verdict.findings_n; i++)
        json_array_append_new(rules, finding_json(&v->j.verdict.findings[i]));
    const char *rule = forbear_verdict_rule(v), *reason = forbear_verdict_not_judged(v);
    const char *unread = v->j.verdict.unread == FB_REASON_none ? NULL : fb_reason_name(v->j.verdict.unread);
    return json_pack("{ss ss? ss? ss? sI so so so so}", "action", fb_action_name(v->j.verdict.action), "rule", rule, "not_judged", reason, "unread",
                     unread, "delay_s", (json_int_t)forbear_verdict_delay_s(v), "change", fb_json_change(&v->j.verdict.change), "rules", rules,
                     "signals", signals_json(v), "judge", judge_json(v));
}

static void tell_finding(struct fb_buf *b, const struct fb_finding *f)
{
    fb_buf_printf(b, "%.*s. %.*s\n", FB_FMT(f->title), FB_FMT(f->why));
    for (size_t i = 0; i < f->evidence_n; i++) {
        const struct fb_evidence *e = &f->evidence[i];
        fb_buf_printf(b, e->text.n ? "  \"%.*s\" %.*s\n" : "  %.*s%.*s\n", FB_FMT(e->text), FB_FMT(e->note));
    }
    fb_buf_printf(b, "  Instead: %.*s\n", FB_FMT(f->advice));
}

static int list_findings(struct forbear_verdict *v, struct fb_err *err)
{
    const struct fb_verdict *of = &v->j.verdict;
    v->findings = fb_arena_array(v->arena, of->findings_n, sizeof *v->findings);
    if (!v->findings)
        return fb_fail_memory(err);
    for (size_t i = 0; i < of->findings_n; i++) {
        const struct fb_finding *f = &of->findings[i];
        v->findings[i] = (struct forbear_finding){.rule = f->rule.p, .log_odds = f->log_odds, .threshold = f->threshold, .enabled = f->enabled,
                                                  .needs_met = f->needs_met, .fires = f->fires};
    }
    return 0;
}

static int judge(const struct forbear *f, const struct forbear_mail *mail, struct forbear_verdict *v, struct fb_err *err)
{
    v->judge = fb_policy_judge(f->policy);
    v->arena = fb_arena_new(VERDICT_MAX);
    if (!v->arena)
        return fb_fail_memory(err);
    FB_HISTORY history = NULL;
    if (fill(f, mail, v->arena, &v->request, err) || remember(f, mail, v->arena, &history, err))
        return -1;
    struct fb_judge_input in = v->request.in;
    in.history = history;
    if (fb_judge_run(v->judge, v->arena, &in, &v->j, err))
        return -1;
    return list_findings(v, err);
}

int forbear_judge(const struct forbear *f, const struct forbear_mail *mail, struct forbear_verdict **ret, char *error, size_t error_size)
{
    struct fb_err err = {""};
    struct forbear_verdict *v = calloc(1, sizeof *v);
    if (!v || judge(f, mail, v, &err)) {
        if (!v)
            fb_fail_memory(&err);
        forbear_verdict_free(v);
        return tell(&err, error, error_size);
    }
    *ret = v;
    return 0;
}

void forbear_verdict_free(struct forbear_verdict *v)
{
    if (v)
        fb_arena_free(v->arena);
    free(v);
}

enum forbear_action forbear_verdict_action(const struct forbear_verdict *v)
{
    static const enum forbear_action actions[] = {[FB_PASS] = FORBEAR_PASS, [FB_OBSERVE] = FORBEAR_OBSERVE, [FB_NOTIFY] = FORBEAR_NOTIFY,
                                                  [FB_HOLD] = FORBEAR_HOLD};
    return actions[v->j.verdict.action];
}

const char *forbear_verdict_rule(const struct forbear_verdict *v)
{
    return v->j.verdict.main ? v->j.verdict.main->rule.p : NULL;
}

const char *forbear_verdict_not_judged(const struct forbear_verdict *v)
{
    return v->j.verdict.not_judged == FB_REASON_none ? NULL : fb_reason_name(v->j.verdict.not_judged);
}

int64_t forbear_verdict_delay_s(const struct forbear_verdict *v)
{
    return v->j.verdict.action == FB_HOLD ? v->j.verdict.main->delay_s : 0;
}

const struct forbear_finding *forbear_verdict_finding(const struct forbear_verdict *v, size_t i)
{
    return i < v->j.verdict.findings_n ? &v->findings[i] : NULL;
}

const char *forbear_verdict_json(struct forbear_verdict *v)
{
    json_t *all = v->json ? NULL : verdict_json(v);
    char *dump = all ? json_dumps(all, JSON_COMPACT) : NULL;
    if (dump)
        v->json = fb_arena_dup(v->arena, fb_str(dump)).p;
    free(dump);
    json_decref(all);
    return v->json;
}

const char *forbear_verdict_input(struct forbear_verdict *v)
{
    struct fb_input in;
    struct fb_str subject;
    if (!v->j.signals)
        return "";
    if (fb_input_make(v->arena, &v->j.c, &in, NULL) || !(subject = fb_meaning_subject(v->arena, in.subject)).p)
        return NULL;
    return fb_arena_printf(v->arena, "%.*s\n%.*s%.*s", FB_FMT(in.facts), FB_FMT(subject), FB_FMT(in.text)).p;
}

/* The deciding finding first. */
static struct fb_str tell_all(const struct forbear_verdict *v)
{
    const struct fb_verdict *of = &v->j.verdict;
    struct fb_buf b = FB_BUF(v->arena);
    if (of->change.says.n)
        fb_buf_printf(&b, "%.*s\n", FB_FMT(of->change.says));
    if (of->main)
        tell_finding(&b, of->main);
    for (size_t i = 0; i < of->findings_n; i++)
        if (of->findings[i].fires && &of->findings[i] != of->main)
            tell_finding(&b, &of->findings[i]);
    return fb_buf_str(&b);
}

const char *forbear_verdict_why(struct forbear_verdict *v)
{
    return v->why ? v->why : (v->why = tell_all(v).p);
}

const char *forbear_verdict_explain(struct forbear_verdict *v)
{
    struct fb_str text = {NULL, 0};
    if (!v->explained && fb_judge_explain(v->judge, v->arena, &v->j, &text, NULL) == 0)
        v->explained = text.p;
    return v->explained;
}
