/* A verdict for people: every signal that is not 0 with its evidence, and each rule's arithmetic, line by line. It shows
 * what was computed and computes nothing.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "rules/judge.h"

static void print_readers(struct fb_buf *b, const struct fb_case *c)
{
    static const char *const roles[] = {"to", "cc", "hidden"};
    static const struct {
        unsigned bit;
        const char *name;
    } relations[] = {{FB_RELATION_MANAGER, "your manager"}, {FB_RELATION_BOSS_ABOVE, "above your manager"}, {FB_RELATION_REPORT, "below you"},
                     {FB_RELATION_PEER, "peer"}, {FB_RELATION_SENIOR, "senior"}, {FB_RELATION_ADDRESSEE_BOSS, "above an addressee"},
                     {FB_RELATION_NAMED_BOSS, "above somebody named"}};
    fb_buf_add(b, FB_STR("readers\n"));
    for (size_t i = 0; i < c->readers_n; i++) {
        const struct fb_reader *r = &c->readers[i];
        fb_buf_printf(b, "  %s %.*s <%.*s> %s", roles[r->role], FB_FMT(r->name), FB_FMT(r->addr), r->inside ? "inside" : r->customer ? "customer" : "outside");
        for (size_t k = 0; k < sizeof relations / sizeof *relations; k++)
            if (r->relation & relations[k].bit)
                fb_buf_printf(b, ", %s", relations[k].name);
        if (r->list.n)
            fb_buf_printf(b, ", through %.*s", FB_FMT(r->list));
        fb_buf_char(b, '\n');
    }
}

static void print_signals(struct fb_buf *b, const struct fb_judge *judge, const struct fb_judgement *j)
{
    fb_buf_add(b, FB_STR("signals\n"));
    for (size_t i = 0; i < judge->signals.n; i++) {
        const struct fb_signal *s = &j->signals[i];
        if (s->value > 0)
            fb_buf_printf(b, "  %.*s = %g    %.*s\n", FB_FMT(judge->signals.names[i]), s->value, FB_FMT(judge->signals.sentences[i]));
        for (size_t k = 0; k < s->evidence_n; k++)
            fb_buf_printf(b, "      %.*s%s%.*s%s\n", FB_FMT(s->evidence[k].note), s->evidence[k].text.n ? ": \"" : "", FB_FMT(s->evidence[k].text),
                          s->evidence[k].text.n ? "\"" : "");
    }
}

static void print_finding(struct fb_buf *b, const struct fb_rule *rule, const struct fb_finding *f)
{
    const char *outcome = f->fires ? fb_action_name(f->action) : !rule->enabled ? "not enabled" : f->exempt.n ? "exempt" : "does not fire";
    fb_buf_printf(b, "rule %.*s: %s\n  start %+.2f\n", FB_FMT(f->rule), outcome, rule->start);
    for (size_t i = 0; i < f->terms_n; i++)
        if (f->terms[i].value > 0)
            fb_buf_printf(b, "  %+.2f  %.*s (%g x %+.4g)\n", f->terms[i].value * f->terms[i].weight, FB_FMT(f->terms[i].signal),
                          f->terms[i].value, f->terms[i].weight);
    fb_buf_printf(b, "  = %+.2f, threshold %+.2f; needs %s\n", f->log_odds, f->threshold, f->needs_met ? "met" : "not met");
    if (f->exempt.n)
        fb_buf_printf(b, "  exempt: %.*s\n", FB_FMT(f->exempt));
}

int fb_judge_explain(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judgement *j, struct fb_str *ret, struct fb_err *err)
{
    struct fb_buf b = FB_BUF(arena);
    if (!j->signals) {
        fb_buf_printf(&b, "not judged: %s%s%.*s\n", fb_reason_sentence(j->verdict.not_judged), j->exempt.n ? ": " : "", FB_FMT(j->exempt));
    } else {
        print_readers(&b, &j->c);
        print_signals(&b, judge, j);
        if (j->verdict.unread != FB_REASON_none)
            fb_buf_printf(&b, "not judged by meaning: %s\n", fb_reason_sentence(j->verdict.unread));
        if (j->c.closely)
            fb_buf_add(&b, FB_STR("read by both judges of meaning: judge_... are means of what they say\n"));
        for (size_t i = 0; i < j->verdict.findings_n; i++)
            print_finding(&b, &judge->rules.v[i], &j->verdict.findings[i]);
        fb_buf_printf(&b, "verdict: %s\n", fb_action_name(j->verdict.action));
        if (j->verdict.change.kind != FB_CHANGE_UNKNOWN)
            fb_buf_printf(&b, "smallest change: %s\n  %.*s\n", fb_change_name(j->verdict.change.kind), FB_FMT(j->verdict.change.says));
    }
    *ret = fb_buf_str(&b);
    return ret->p ? 0 : fb_fail_memory(err);
}
