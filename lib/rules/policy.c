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
    struct fb_str missing; /* of the weights, and what that means: one sentence, or empty */
    struct fb_judging judging;
    struct fb_judge judge;
};

/* Where weights lie. Those that were asked for by name must be there; the shipped ones may be left out of an installation:
 * *@ret is NULL then, and p->missing says so. */
static int find_weights(struct fb_policy *p, const char *named, const char *shipped, const char *without, const char **ret, struct fb_err *err)
{
    struct fb_str path = fb_arena_printf(p->arena, "%s/%s", p->conf->forbear_data_dir, shipped);
    if (!path.p)
        return fb_fail_memory(err);
    *ret = *named ? named : access(path.p, F_OK) == 0 ? path.p : NULL;
    if (!*ret)
        p->missing = fb_arena_printf(p->arena, "%s is not there: %s", path.p, without);
    return *ret || p->missing.p ? 0 : fb_fail_memory(err);
}

static int judging_open(struct fb_policy *p, const struct fb_policy *like, struct fb_err *err)
{
    const struct fb_conf *conf = p->conf;
    const char *first, *second = NULL;
    if (!conf->judge_enabled)
        return 0;
    int rc = find_weights(p, conf->judge_model, "judge.bin", "nothing is judged by meaning", &first, err);
    if (rc || !first)
        return rc;
    if (conf->judge_twice && find_weights(p, conf->judge_second_model, "second.bin", "nothing is read again", &second, err))
        return -1;
    return fb_judging_open(p->arena, first, second, like ? &like->judging : NULL, &p->judging, err);
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
    if (p->missing.n)
        fb_buf_printf(&b, "%.*s\n", FB_FMT(p->missing));
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
