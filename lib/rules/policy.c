/* Loads all that judging needs into one arena. A reload makes a new policy while messages are judged with the old; who still
 * uses which is counted by who reloads.
 *
 * DIAGNOSTICS: those of the configuration, the people, the lists, the phrases and the rules, unchanged. */
#include "rules/policy.h"

#include <stdlib.h>
#include <unistd.h>

#include "rules/judge.h"
#include "rules/judging.h"

enum { POLICY_MAX = 1024 * 1024 * 1024 };

struct fb_policy {
    struct fb_arena *arena;
    struct fb_conf *conf;
    struct fb_judging judging;
    struct fb_judge judge;
};

/* Weights that were asked for by name must be there; the shipped ones may be left out of an installation. */
static int judging_open(struct fb_policy *p, const struct fb_policy *like, struct fb_err *err)
{
    const struct fb_conf *conf = p->conf;
    struct fb_str shipped = fb_arena_printf(p->arena, "%s/judge.bin", conf->forbear_data_dir);
    if (!shipped.p)
        return fb_fail_memory(err);
    bool named = *conf->judge_model, there = named || access(shipped.p, F_OK) == 0;
    if (conf->judge_enabled && !there)
        p->judging.absent = fb_arena_printf(p->arena, "%s is not there: nothing is judged by meaning", shipped.p);
    return conf->judge_enabled && there
               ? fb_judging_open(p->arena, named ? conf->judge_model : shipped.p, like ? &like->judging : NULL, &p->judging, err)
               : 0;
}

static int load(struct fb_policy *p, const char *conf_path, const char *world, const struct fb_policy *like, struct fb_err *err)
{
    if (fb_conf_load_over(conf_path, world, &p->conf, err))
        return -1;
    const struct fb_conf *conf = p->conf;
    struct fb_str phrases = fb_arena_printf(p->arena, "%s/phrases", conf->forbear_data_dir);
    struct fb_str rules = fb_arena_printf(p->arena, "%s/rules.conf", conf->forbear_data_dir);
    if (!phrases.p || !rules.p)
        return fb_fail_memory(err);
    struct fb_judge *j = &p->judge;
    j->conf = conf;
    j->judging = &p->judging;
    if (judging_open(p, like, err) || fb_people_load(p->arena, conf->people_file, conf->people_lists, &j->people, err) ||
        fb_phrases_load(p->arena, phrases.p, conf->rules_phrases, &j->phrases, err) ||
        fb_signals_init(p->arena, j->phrases, &p->judging, &j->signals, err))
        return -1;
    return fb_ruleset_load(p->arena, rules.p, conf->rules_file, &j->signals, &j->rules, err);
}

static int load_new(const char *conf_path, const char *world, const struct fb_policy *like, struct fb_policy **ret, struct fb_err *err)
{
    struct fb_policy *p = calloc(1, sizeof *p);
    if (!p)
        return fb_fail_memory(err);
    p->arena = fb_arena_new(POLICY_MAX);
    int rc = p->arena ? load(p, conf_path, world, like, err) : fb_fail_memory(err);
    if (rc)
        fb_policy_free(p);
    else
        *ret = p;
    return rc;
}

int fb_policy_load(const char *conf_path, const struct fb_policy *like, struct fb_policy **ret, struct fb_err *err)
{
    return load_new(conf_path, NULL, like, ret, err);
}

int fb_policy_load_world(const char *conf_path, const char *world, const struct fb_policy *like, struct fb_policy **ret, struct fb_err *err)
{
    if (load_new(conf_path, world, like, ret, err))
        return -1;
    (*ret)->conf->forbear_mode = FB_MODE_HOLD;
    for (size_t i = 0; i < (*ret)->judge.rules.n; i++)
        (*ret)->judge.rules.v[i].mode = FB_MODE_HOLD;
    return 0;
}

void fb_policy_free(struct fb_policy *p)
{
    if (!p)
        return;
    fb_judging_close(&p->judging);
    fb_conf_free(p->conf);
    fb_arena_free(p->arena);
    free(p);
}

const struct fb_conf *fb_policy_conf(const struct fb_policy *p)
{
    return p->conf;
}

const struct fb_judge *fb_policy_judge(const struct fb_policy *p)
{
    return &p->judge;
}

struct fb_str fb_policy_warnings(const struct fb_policy *p, struct fb_arena *arena)
{
    const struct fb_conf *c = p->conf;
    struct fb_buf b = FB_BUF(arena);
    if (!c->scope_internal_domains.n)
        fb_buf_add(&b, FB_STR("[scope] internal_domains is empty: no mail is judged\n"));
    if (!c->scope_protected.n)
        fb_buf_add(&b, FB_STR("[scope] protected is empty: mail to a works council, an ombudsman or a doctor is read like any other\n"));
    if (!*c->people_file)
        fb_buf_add(&b, FB_STR("[people] file is empty: who is above whom is unknown\n"));
    if (p->judging.absent.n)
        fb_buf_printf(&b, "%.*s\n", FB_FMT(p->judging.absent));
    fb_buf_add(&b, p->judge.people.warnings);
    struct fb_str all = fb_buf_str(&b);
    return all.p ? all : FB_STR_NONE;
}

int fb_learn(const struct fb_policy *p, struct fb_arena *arena, const struct fb_envelope *env, const struct fb_headers *h, int64_t now_s,
             struct fb_history_mail *ret, struct fb_err *err)
{
    if (!fb_scope_learns(p->conf, env, h))
        return FB_LEARN_NOTHING;
    return fb_past_lesson(arena, p->conf, &p->judge.people, env, h, now_s, ret, err);
}

struct fb_str fb_policy_name(const struct fb_policy *p, struct fb_str addr)
{
    const struct fb_person *person = fb_people_find(&p->judge.people, addr);
    return person ? person->name : FB_STR_NONE;
}

struct fb_str fb_policy_language(const struct fb_policy *p, struct fb_str addr)
{
    const struct fb_person *person = fb_people_find(&p->judge.people, addr);
    return person ? person->language : FB_STR_NONE;
}

int fb_judge(const struct fb_policy *p, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_verdict *ret, struct fb_err *err)
{
    struct fb_judgement j;
    int rc = fb_judge_run(&p->judge, arena, in, &j, err);
    *ret = j.verdict;
    return rc;
}
