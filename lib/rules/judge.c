/* Takes one message from bytes to verdict. It decides in which order, and which reason a message passes for; the rules
 * decide the rest. Between the steps it asks whether its time is over. It must never hold what it could not read whole:
 * every outcome but a finding is FB_PASS.
 *
 * DIAGNOSTICS: a reason in the verdict; < 0 for lack of memory alone. */
#include "rules/judge.h"

#include "rules/change.h"
#include "rules/hand.h"
#include "rules/judging.h"

enum { NEAR = 3 }; /* log-odds below a threshold, by the first judge's word: of messages to hold 97 of 100 are no further off, of others 4 */

static bool is_late(const struct fb_judge_input *in)
{
    return in->expired && in->expired(in->expired_arg);
}

static enum fb_reason scope(const struct fb_judge *judge, const struct fb_judge_input *in, struct fb_judgement *j, struct fb_err *err, int *rc)
{
    const struct fb_conf *conf = judge->conf;
    struct fb_str body;
    enum fb_reason reason = fb_scope_mail(conf, in->env);
    if (reason != FB_REASON_none)
        return reason;
    *rc = fb_headers_split(&j->headers, in->raw, (size_t)conf->limits_header_size, (size_t)conf->limits_header_fields, &body, err);
    if (*rc == FB_HEADERS_FULL)
        return *rc = 0, FB_REASON_header_limit;
    return *rc ? FB_REASON_parse_fault : fb_scope_header(conf, in->env, &j->headers);
}

static enum fb_reason read_message(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *j,
                                   struct fb_err *err, int *rc)
{
    const struct fb_conf *conf = judge->conf;
    struct fb_message_limits limits = {.parts = (size_t)conf->limits_parts, .nesting = (size_t)conf->limits_nesting,
                                       .header_size = (size_t)conf->limits_header_size, .header_fields = (size_t)conf->limits_header_fields};
    *rc = fb_message_parse(arena, &limits, in->raw, in->cut, &j->message, err);
    switch (*rc) {
    case 0: break;
    case FB_MESSAGE_TOO_COMPLEX: return *rc = 0, FB_REASON_too_complex;
    case FB_MESSAGE_ENCRYPTED: return *rc = 0, FB_REASON_encrypted;
    case FB_MESSAGE_NO_TEXT: return *rc = 0, FB_REASON_no_text;
    case FB_MESSAGE_CALENDAR: return *rc = 0, FB_REASON_calendar;
    default: return FB_REASON_parse_fault;
    }
    *rc = fb_own_words(arena, j->message.text, &j->own, err);
    return *rc ? FB_REASON_parse_fault : j->own.sentences_n ? FB_REASON_none : FB_REASON_own_empty;
}

static bool has_second(const struct fb_judge *judge)
{
    return judge->judging && judge->judging->second;
}

/* Where a verdict may be near, the second judge reads too; where there is no time for it, the first's word stands. */
static int read_closely(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *j, struct fb_err *err)
{
    bool near;
    if (j->c.closely || !has_second(judge))
        return 0;
    if (fb_findings_near(judge, arena, j, NEAR, &near, err))
        return -1;
    if (!near)
        return 0;
    j->c.closely = true;
    int rc = fb_signals_read(&judge->signals, arena, &j->c, in->expired, in->expired_arg, &j->signals, err);
    j->c.closely = rc != FB_SIGNALS_LATE;
    return rc < 0 ? -1 : 0;
}

int fb_judge_weigh(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, const struct fb_case *like,
                   struct fb_judgement *j, enum fb_reason *ret, struct fb_err *err)
{
    *ret = FB_REASON_judge_fault;
    if (fb_case_make(arena, judge->conf, &judge->people, in->env, &j->message, &j->own, in->now_s, &j->c, err))
        return -1;
    if (like)
        j->c.past = like->past, j->c.closely = like->closely;
    else if (fb_past_read(arena, in->history, &j->c, err))
        return -1;
    j->c.regions = &judge->rules.regions;
    j->exempt = fb_exempts_entry(&judge->rules.exempt, &j->c);
    if (j->exempt.n)
        return *ret = FB_REASON_exempt, 0;
    int rc = fb_signals_read(&judge->signals, arena, &j->c, in->expired, in->expired_arg, &j->signals, err);
    if (rc == FB_SIGNALS_LATE)
        return *ret = FB_REASON_judge_time, 0;
    if (rc || read_closely(judge, arena, in, j, err) || fb_findings_make(judge, arena, in, j, err))
        return -1;
    *ret = FB_REASON_none;
    return 0;
}


/* A rule that is merely counted needs nothing to show. */
static bool is_shown(const struct fb_judge *judge, const struct fb_judgement *j)
{
    for (size_t i = 0; i < j->verdict.findings_n; i++)
        if (j->findings[i].fires && judge->rules.v[i].mode != FB_MODE_OBSERVE)
            return true;
    return false;
}

static enum fb_reason judge_case(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *j,
                                 struct fb_err *err, int *rc)
{
    enum fb_reason reason;
    *rc = fb_judge_weigh(judge, arena, in, NULL, j, &reason, err);
    if (*rc || reason != FB_REASON_none || j->verdict.action == FB_PASS)
        return reason;
    if (is_shown(judge, j))
        *rc = fb_change_find(judge, arena, in, j, err);
    if (*rc || fb_hand_fill(arena, j, err) || fb_judge_facts(arena, j, err))
        *rc = -1;
    return *rc ? FB_REASON_judge_fault : FB_REASON_none;
}

int fb_judge_run(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *ret, struct fb_err *err)
{
    int rc = 0;
    *ret = (struct fb_judgement){.headers.arena = arena};
    enum fb_reason reason = scope(judge, in, ret, err, &rc);
    if (reason == FB_REASON_none)
        reason = is_late(in) ? FB_REASON_judge_time : read_message(judge, arena, in, ret, err, &rc);
    if (reason == FB_REASON_none)
        reason = is_late(in) ? FB_REASON_judge_time : judge_case(judge, arena, in, ret, err, &rc);
    if (reason != FB_REASON_none) {
        ret->verdict = (struct fb_verdict){.not_judged = reason};
        ret->signals = NULL;
    }
    ret->verdict.message_id = ret->message.message_id;
    ret->verdict.facts = ret->verdict.facts.p ? ret->verdict.facts : FB_STR_NONE;
    return rc;
}
