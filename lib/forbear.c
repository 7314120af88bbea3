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

enum { VERDICT_MAX = 64 * 1024 * 1024 };

struct forbear {
    struct fb_policy *policy;
};

struct forbear_verdict {
    struct fb_arena *arena;
    struct fb_verdict v;
    struct fb_str json, why, explained;
};

static int tell(const struct fb_err *err, char *error, size_t size)
{
    if (error && size)
        snprintf(error, size, "%s", err->text);
    return -1;
}

int forbear_open(const char *conf_path, struct forbear **ret, char *error, size_t error_size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct fb_err err = {""};
    pthread_once(&once, fb_message_init);
    struct forbear *f = calloc(1, sizeof *f);
    if (!f || fb_policy_load(conf_path, NULL, &f->policy, &err)) {
        if (!f)
            fb_fail_memory(&err);
        free(f);
        return tell(&err, error, error_size);
    }
    *ret = f;
    return 0;
}

void forbear_close(struct forbear *f)
{
    if (f)
        fb_policy_free(f->policy);
    free(f);
}

struct request { /* a mail as the policy wants it */
    struct fb_envelope env;
    struct fb_judge_input in;
};

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

static json_t *finding_json(const struct fb_finding *f)
{
    return json_pack("{so sb sf sf sb so}", "name", fb_json_text(f->rule), "fires", f->fires, "log_odds", f->log_odds, "threshold", f->threshold,
                     "needs_met", f->needs_met, "evidence", fb_json_evidence(f));
}

static int make_json(struct forbear_verdict *v, struct fb_err *err)
{
    json_t *rules = json_array(), *signals = json_object();
    for (size_t i = 0; i < v->v.findings_n; i++)
        json_array_append_new(rules, finding_json(&v->v.findings[i]));
    for (size_t i = 0; i < v->v.signals_n; i++)
        json_object_set_new(signals, v->v.signals[i].signal.p, json_real(v->v.signals[i].value));
    const char *rule = forbear_verdict_rule(v), *reason = forbear_verdict_not_judged(v);
    json_t *all = json_pack("{ss ss? ss? sI so so}", "action", fb_action_name(v->v.action), "rule", rule, "not_judged", reason, "delay_s",
                            (json_int_t)forbear_verdict_delay_s(v), "rules", rules, "signals", signals);
    char *dump = all ? json_dumps(all, JSON_COMPACT) : NULL;
    v->json = dump ? fb_arena_dup(v->arena, fb_str(dump)) : (struct fb_str){NULL, 0};
    free(dump);
    json_decref(all);
    return v->json.p ? 0 : fb_fail_memory(err);
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

static int make_why(struct forbear_verdict *v, struct fb_err *err)
{
    struct fb_buf b = FB_BUF(v->arena);
    for (size_t i = 0; i < v->v.findings_n; i++)
        if (v->v.findings[i].fires)
            tell_finding(&b, &v->v.findings[i]);
    v->why = fb_buf_str(&b);
    return v->why.p ? 0 : fb_fail_memory(err);
}

static int judge(const struct forbear *f, const struct forbear_mail *mail, struct forbear_verdict *v, struct fb_err *err)
{
    struct request r;
    v->arena = fb_arena_new(VERDICT_MAX);
    if (!v->arena)
        return fb_fail_memory(err);
    if (fill(f, mail, v->arena, &r, err) || fb_judge_explained(f->policy, v->arena, &r.in, &v->v, &v->explained, err))
        return -1;
    return make_why(v, err) || make_json(v, err) ? -1 : 0;
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
    return actions[v->v.action];
}

const char *forbear_verdict_rule(const struct forbear_verdict *v)
{
    return v->v.main ? v->v.main->rule.p : NULL;
}

const char *forbear_verdict_not_judged(const struct forbear_verdict *v)
{
    return v->v.not_judged == FB_REASON_none ? NULL : fb_reason_name(v->v.not_judged);
}

int64_t forbear_verdict_delay_s(const struct forbear_verdict *v)
{
    return v->v.action == FB_HOLD ? v->v.main->delay_s : 0;
}

const char *forbear_verdict_json(const struct forbear_verdict *v)
{
    return v->json.p;
}

const char *forbear_verdict_why(const struct forbear_verdict *v)
{
    return v->why.p;
}

const char *forbear_verdict_explain(const struct forbear_verdict *v)
{
    return v->explained.p;
}
