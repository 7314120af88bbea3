/* Reads rules.conf. It decides what each key means and refuses whatever it does not know: a misspelt signal would be a
 * rule that silently never fires.
 *
 * DIAGNOSTICS: file and line with: an unknown key or signal; a number, duration, mode, condition or exemption that is none; a
 * rule without title, why or weights. */
#include "rules/ruleset.h"

#include <unistd.h>

#include "conf/ini.h"
#include "rules/hand.h"

struct reader {
    struct fb_arena *arena;
    const struct fb_signals *signals;
    struct fb_ruleset *rules;
    bool own; /* the file at hand is the admin's */
};

typedef int setter(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err);

/* What the sender reads: a template over the people at hand. */
static int text(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_str *ret, struct fb_err *err)
{
    *ret = value;
    rule->own_text = r->own;
    return value.n ? fb_hand_check(r->arena, value, err) : fb_fail(err, "is empty");
}

static int number(struct fb_str value, double *ret, struct fb_err *err)
{
    return fb_expr_number(value, ret) ? 0 : fb_fail(err, "'%.*s' is no number", FB_FMT(value));
}

static int set_title(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    return text(r, rule, value, &rule->title, err);
}

static int set_why(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    return text(r, rule, value, &rule->why, err);
}

static int set_advice(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    return text(r, rule, value, &rule->advice, err);
}

static int set_start(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    (void)r;
    return number(value, &rule->start, err);
}

static int set_threshold(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    (void)r;
    return number(value, &rule->threshold, err);
}

static bool find_signal(const void *arg, struct fb_str name, size_t *ret)
{
    return fb_signals_find(arg, name, ret);
}

static int set_needs(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    return fb_expr_parse(r->arena, value, (struct fb_expr_names){find_signal, r->signals}, &rule->needs, err);
}

static int set_delay(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    (void)r;
    if (fb_ini_duration(value, &rule->delay_s) && rule->delay_s > 0)
        return 0;
    return fb_fail(err, "'%.*s' is no duration (90s, 15m, 2h, 1d)", FB_FMT(value));
}

static int set_mode(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    (void)r;
    return fb_mode_parse(value, &rule->mode) ? 0 : fb_fail(err, "'%.*s' is none of observe, notify, hold", FB_FMT(value));
}

static int set_enabled(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    (void)r;
    return fb_ini_bool(value, &rule->enabled) ? 0 : fb_fail(err, "'%.*s' is neither yes nor no", FB_FMT(value));
}

static int set_exempt(const struct reader *r, struct fb_rule *rule, struct fb_str value, struct fb_err *err)
{
    return fb_exempts_parse(r->arena, value, &rule->exempt, err);
}

static const struct {
    const char *key;
    setter *set;
} keys[] = {
    {"title", set_title}, {"why", set_why}, {"advice", set_advice}, {"start", set_start}, {"threshold", set_threshold},
    {"needs", set_needs}, {"delay", set_delay}, {"mode", set_mode}, {"enabled", set_enabled},
    {"exempt", set_exempt},
};

/* The weight of @signal in the rule, made where it is new; a rule has room for one of each signal. */
static int weight_of(const struct reader *r, struct fb_rule *rule, struct fb_str signal, struct fb_weight **ret, struct fb_err *err)
{
    size_t place;
    if (!fb_signals_find(r->signals, signal, &place))
        return fb_fail(err, "there is no signal '%.*s'", FB_FMT(signal));
    size_t i = 0;
    while (i < rule->weights_n && rule->weights[i].signal != place)
        i++;
    if (i == rule->weights_n)
        rule->weights[rule->weights_n++] = (struct fb_weight){.signal = place, .most = 1};
    *ret = &rule->weights[i];
    return 0;
}

static int set_weight(const struct reader *r, struct fb_rule *rule, struct fb_str key, struct fb_str value, struct fb_err *err)
{
    struct fb_weight *w = NULL;
    bool most = fb_str_istarts(key, FB_STR("most."));
    size_t skip = most ? strlen("most.") : strlen("weight.");
    if (weight_of(r, rule, (struct fb_str){key.p + skip, key.n - skip}, &w, err))
        return -1;
    return number(value, most ? &w->most : &w->weight, err);
}

static int set_key(const struct reader *r, struct fb_rule *rule, struct fb_str key, struct fb_str value, struct fb_err *err)
{
    if (fb_str_istarts(key, FB_STR("weight.")) || fb_str_istarts(key, FB_STR("most.")))
        return set_weight(r, rule, key, value, err);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (fb_str_eq(key, fb_str(keys[i].key)))
            return keys[i].set(r, rule, value, err);
    return fb_fail(err, "there is no such key");
}

/* The rule of that name, made where it is new: the array has room for all sections there are. */
static struct fb_rule *rule_of(const struct reader *r, struct fb_str name)
{
    struct fb_ruleset *rules = r->rules;
    for (size_t i = 0; i < rules->n; i++)
        if (fb_str_eq(rules->v[i].name, name))
            return &rules->v[i];
    struct fb_weight *weights = fb_arena_array(r->arena, r->signals->n, sizeof *weights);
    if (!weights)
        return NULL;
    rules->v[rules->n] = (struct fb_rule){.name = name, .delay_s = -1, .mode = FB_MODE_HOLD, .enabled = true, .weights = weights,
                                          .title = FB_STR_NONE, .why = FB_STR_NONE, .advice = FB_STR_NONE};
    return &rules->v[rules->n++];
}

static int set_for_all(const struct reader *r, const struct fb_ini_entry *e, struct fb_err *err)
{
    return fb_str_eq(e->key, FB_STR("exempt")) ? fb_exempts_parse(r->arena, e->value, &r->rules->exempt, err) : fb_fail(err, "there is no such key");
}

/* The array has room for all keys there are. */
static int set_region(const struct reader *r, const struct fb_ini_entry *e, struct fb_err *err)
{
    struct fb_regions *regions = &r->rules->regions;
    struct fb_region one = {.name = e->key};
    if (number(e->value, &one.weight, err))
        return -1;
    size_t i = 0;
    while (i < regions->n && !fb_str_eq(regions->v[i].name, e->key))
        i++;
    regions->v[i] = one;
    regions->n += i == regions->n;
    return 0;
}

static int set_entry(const struct reader *r, const struct fb_ini_entry *e, struct fb_err *err)
{
    if (fb_str_eq(e->section, FB_STR("all")))
        return set_for_all(r, e, err);
    if (fb_str_eq(e->section, FB_STR("regions")))
        return set_region(r, e, err);
    struct fb_rule *rule = rule_of(r, e->section);
    return rule ? set_key(r, rule, e->key, e->value, err) : fb_fail_memory(err);
}

static int apply(const struct reader *r, const struct fb_ini *ini, struct fb_err *err)
{
    for (size_t i = 0; i < ini->n; i++) {
        const struct fb_ini_entry *e = &ini->v[i];
        if (set_entry(r, e, err))
            return fb_fail_in(err, "%s:%u: [%.*s] %.*s", ini->path, e->line, FB_FMT(e->section), FB_FMT(e->key));
    }
    return 0;
}

/* A rule must be able to fire, and to say why. */
static int check(const struct fb_ruleset *rules, const char *path, struct fb_err *err)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct fb_rule *r = &rules->v[i];
        const char *lacks = !r->title.n ? "title" : !r->why.n ? "why" : !r->weights_n ? "weight" : NULL;
        if (lacks)
            return fb_fail(err, "%s: [%.*s] has no %s", path, FB_FMT(r->name), lacks);
    }
    return 0;
}

static int make(struct fb_arena *arena, const struct fb_ini *inis, size_t n, const struct fb_signals *signals, struct fb_ruleset *ret, struct fb_err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most += inis[i].n;
    *ret = (struct fb_ruleset){.v = fb_arena_array(arena, most, sizeof *ret->v), .regions.v = fb_arena_array(arena, most, sizeof *ret->regions.v)};
    if (!ret->v || !ret->regions.v)
        return fb_fail_memory(err);
    struct reader r = {.arena = arena, .signals = signals, .rules = ret};
    for (size_t i = 0; i < n; i++) {
        r.own = i > 0;
        if (apply(&r, &inis[i], err))
            return -1;
    }
    return n ? check(ret, inis[n - 1].path, err) : 0;
}

int fb_ruleset_load(struct fb_arena *arena, const char *shipped, const char *own, const struct fb_signals *signals, struct fb_ruleset *ret,
                    struct fb_err *err)
{
    struct fb_ini inis[2];
    if (fb_ini_load(arena, shipped, &inis[0], err))
        return -1;
    bool some = *own && access(own, F_OK) == 0;
    if (some && fb_ini_load(arena, own, &inis[1], err))
        return -1;
    return make(arena, inis, some ? 2 : 1, signals, ret, err);
}

int fb_ruleset_read(struct fb_arena *arena, const char *path, struct fb_str text_of, const struct fb_signals *signals, struct fb_ruleset *ret,
                    struct fb_err *err)
{
    struct fb_ini ini;
    return fb_ini_scan(arena, path, text_of, &ini, err) ? -1 : make(arena, &ini, 1, signals, ret, err);
}
