/* From signals to findings: each rule adds up its log-odds, and says which words and which readers raised them. Evidence
 * is that of the signals that raised the score, the strongest first; a signal that lowered it proves nothing against
 * anybody. The action of a finding is never more than its rule and the installation both allow.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include <stdlib.h>

#include "rules/judge.h"

enum { EVIDENCE_MAX = 16, READERS_MAX = 16 };

const char *fb_action_name(enum fb_action a)
{
    static const char *const names[] = {"pass", "observe", "notify", "hold"};
    return names[a];
}

static enum fb_action action_of(enum fb_mode mode)
{
    static const enum fb_action actions[] = {[FB_MODE_OBSERVE] = FB_OBSERVE, [FB_MODE_NOTIFY] = FB_NOTIFY, [FB_MODE_HOLD] = FB_HOLD};
    return actions[mode];
}

static double counted(const struct fb_weight *w, double value)
{
    return value < w->most ? value : w->most;
}

struct raised { /* a signal that raised the score, and by how much */
    double by;
    size_t signal;
};

static int stronger(const void *a, const void *b)
{
    const struct raised *x = a, *y = b;
    return x->by < y->by ? 1 : x->by > y->by ? -1 : x->signal < y->signal ? -1 : x->signal > y->signal;
}

static double log_odds(const struct fb_rule *rule, const struct fb_signal *signals)
{
    double sum = rule->start;
    for (size_t i = 0; i < rule->weights_n; i++)
        sum += rule->weights[i].weight * counted(&rule->weights[i], signals[rule->weights[i].signal].value);
    return sum;
}

static int add_terms(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_rule *rule, const struct fb_signal *signals,
                     struct fb_finding *f, struct fb_err *err)
{
    struct fb_term *terms = fb_arena_array(arena, rule->weights_n, sizeof *terms);
    if (!terms)
        return fb_fail_memory(err);
    f->log_odds = log_odds(rule, signals);
    f->terms = terms;
    for (size_t i = 0; i < rule->weights_n; i++) {
        const struct fb_weight *w = &rule->weights[i];
        terms[f->terms_n++] = (struct fb_term){.signal = judge->signals.names[w->signal], .value = counted(w, signals[w->signal].value), .weight = w->weight};
    }
    return 0;
}

/* The same words are shown once, whichever signals they raised. */
static bool is_shown(const struct fb_evidence *v, size_t n, const struct fb_signal_evidence *e)
{
    for (size_t i = 0; i < n; i++)
        if (e->text.n ? v[i].text.p == e->text.p && v[i].text.n == e->text.n : fb_str_eq(v[i].note, e->note))
            return true;
    return false;
}

static struct fb_str seen_name(const struct fb_reader *r)
{
    return r && r->role != FB_ROLE_HIDDEN ? r->name : FB_STR_NONE;
}

static int add_evidence(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_rule *rule, const struct fb_signal *signals,
                        struct fb_finding *f, struct fb_err *err)
{
    struct raised *raised = fb_arena_array(arena, rule->weights_n, sizeof *raised);
    struct fb_evidence *v = fb_arena_array(arena, EVIDENCE_MAX, sizeof *v);
    if (!raised || !v)
        return fb_fail_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < rule->weights_n; i++)
        if (f->terms[i].value * f->terms[i].weight > 0)
            raised[n++] = (struct raised){f->terms[i].value * f->terms[i].weight, rule->weights[i].signal};
    qsort(raised, n, sizeof *raised, stronger);
    for (size_t i = 0; i < n; i++) {
        const struct fb_signal *s = &signals[raised[i].signal];
        for (size_t k = 0; k < s->evidence_n && f->evidence_n < EVIDENCE_MAX; k++)
            if (!is_shown(v, f->evidence_n, &s->evidence[k]))
                v[f->evidence_n++] = (struct fb_evidence){judge->signals.names[raised[i].signal], s->evidence[k].text, s->evidence[k].note, seen_name(s->evidence[k].who)};
    }
    f->evidence = v;
    return 0;
}

static int weigh(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_rule *rule, const struct fb_judge_input *in,
                 const struct fb_judgement *j, const double *values, struct fb_finding *f, struct fb_err *err)
{
    const struct fb_conf *conf = judge->conf;
    enum fb_action rule_action = action_of(rule->mode), most = action_of(conf->forbear_mode), action = rule_action < most ? rule_action : most;
    *f = (struct fb_finding){.rule = rule->name, .title = rule->title, .why = rule->why, .advice = rule->advice, .threshold = rule->threshold,
                             .enabled = rule->enabled, .own_text = rule->own_text, .delay_s = rule->delay_s < 0 ? conf->hold_delay : rule->delay_s};
    if (add_terms(judge, arena, rule, j->signals, f, err))
        return -1;
    f->exempt = fb_exempts_entry(&rule->exempt, &j->c);
    f->needs_met = !rule->needs || fb_expr_true(rule->needs, values);
    f->fires = rule->enabled && f->needs_met && !f->exempt.n && f->log_odds >= f->threshold;
    f->spared = f->fires && action > FB_OBSERVE && in->spared && in->spared(in->spared_arg, rule->name);
    f->fires = f->fires && !f->spared;
    if (!f->fires)
        return 0;
    f->action = action;
    return add_evidence(judge, arena, rule, j->signals, f, err);
}

static const struct fb_finding *main_finding(const struct fb_finding *v, size_t n)
{
    const struct fb_finding *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!v[i].fires)
            continue;
        bool more = !best || v[i].action > best->action ||
                    (v[i].action == best->action && v[i].log_odds - v[i].threshold > best->log_odds - best->threshold);
        best = more ? &v[i] : best;
    }
    return best;
}

/* The readers named by the evidence of the signals that raised the deciding rule. */
static int gather_readers(const struct fb_judge *judge, struct fb_arena *arena, struct fb_judgement *j, struct fb_err *err)
{
    const struct fb_reader **v = fb_arena_array(arena, READERS_MAX, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    const struct fb_finding *f = j->verdict.main;
    const struct fb_rule *rule = &judge->rules.v[f - j->verdict.findings];
    for (size_t i = 0; i < rule->weights_n; i++) {
        const struct fb_signal *s = &j->signals[rule->weights[i].signal];
        for (size_t k = 0; rule->weights[i].weight > 0 && k < s->evidence_n; k++) {
            size_t at = 0;
            while (at < j->readers_n && v[at] != s->evidence[k].who)
                at++;
            if (s->evidence[k].who && at == j->readers_n && at < READERS_MAX)
                v[j->readers_n++] = s->evidence[k].who;
        }
    }
    j->readers = v;
    return 0;
}

static enum fb_reason unread(const struct fb_judge *judge, const struct fb_signal *signals)
{
    size_t at = 0;
    return fb_signals_find(&judge->signals, FB_STR("other_language"), &at) && signals[at].value > 0 ? FB_REASON_language : FB_REASON_none;
}

/* What needs are asked of; NULL where memory is out. */
static const double *values_of(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judgement *j)
{
    double *values = fb_arena_array(arena, judge->signals.n, sizeof *values);
    for (size_t i = 0; values && i < judge->signals.n; i++)
        values[i] = j->signals[i].value;
    return values;
}

int fb_findings_near(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judgement *j, double within, bool *ret, struct fb_err *err)
{
    const double *values = values_of(judge, arena, j);
    if (!values)
        return fb_fail_memory(err);
    *ret = false;
    for (size_t i = 0; i < judge->rules.n && !*ret; i++) {
        const struct fb_rule *rule = &judge->rules.v[i];
        *ret = rule->enabled && log_odds(rule, j->signals) > rule->threshold - within && (!rule->needs || fb_expr_true(rule->needs, values)) &&
               !fb_exempts_entry(&rule->exempt, &j->c).n;
    }
    return 0;
}

int fb_findings_make(const struct fb_judge *judge, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_judgement *j, struct fb_err *err)
{
    const struct fb_ruleset *rules = &judge->rules;
    struct fb_finding *v = fb_arena_array(arena, rules->n, sizeof *v);
    const double *values = values_of(judge, arena, j);
    if (!v || !values)
        return fb_fail_memory(err);
    for (size_t i = 0; i < rules->n; i++)
        if (weigh(judge, arena, &rules->v[i], in, j, values, &v[i], err))
            return -1;
    const struct fb_finding *best = main_finding(v, rules->n);
    j->findings = v;
    j->verdict = (struct fb_verdict){.findings = v, .findings_n = rules->n, .main = best, .action = best ? best->action : FB_PASS,
                                     .unread = unread(judge, j->signals), .language = j->c.sender_person ? j->c.sender_person->language : FB_STR_NONE,
                                     .volunteer = fb_words_contain(&judge->conf->observe_volunteers, j->c.sender)};
    return best ? gather_readers(judge, arena, j, err) : 0;
}
