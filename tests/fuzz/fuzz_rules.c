/* rules.conf: grammar, keys and conditions. */
#include "fuzz.h"

#include "rules/judging.h"
#include "rules/ruleset.h"

static const struct fb_judging no_meaning;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_phrases *phrases;
    struct fb_signals signals;
    struct fb_ruleset rules;
    FB_ARENA arena = fb_arena_new(64u << 20);
    if (!arena || fb_phrases_read(arena, "list.txt", FB_STR("messed up"), &phrases, NULL) || fb_signals_init(arena, phrases, &no_meaning, &signals, NULL))
        return 0;
    double *values = fb_arena_array(arena, signals.n, sizeof *values);
    if (!values || fb_ruleset_read(arena, "rules.conf", (struct fb_str){(const char *)data, size}, &signals, &rules, NULL))
        return 0;
    for (size_t i = 0; i < rules.n; i++)
        if (rules.v[i].needs)
            fb_expr_true(rules.v[i].needs, values);
    return 0;
}
