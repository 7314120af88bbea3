/* rules.conf: what a rule is made of, and that nothing misspelt is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/io.h"
#include "rules/judging.h"
#include "rules/ruleset.h"

static const struct fb_judging no_meaning;

static struct fb_arena *arena;
static struct fb_signals signals;

static int setup(void **state)
{
    (void)state;
    struct fb_phrases *phrases;
    struct fb_err err;
    arena = fb_arena_new(16u << 20);
    return !arena || fb_phrases_read(arena, "list.txt", FB_STR("messed up"), &phrases, &err) || fb_signals_init(arena, phrases, &no_meaning, &signals, &err);
}

static int teardown(void **state)
{
    (void)state;
    fb_arena_free(arena);
    return 0;
}

static void a_rule_reads_whole(void **state)
{
    (void)state;
    struct fb_ruleset rules;
    struct fb_err err = {""};
    int rc = fb_ruleset_read(arena, "rules.conf", FB_STR("[blunt]\ntitle = T\nwhy = W\nadvice = A\nstart = -1.5\nthreshold = 0.5\n"
                                                         "weight.readers = 0.25\nmost.readers = 4\nweight.phrase_list_at_person = 2\n"
                                                         "needs = readers >= 2 and phrase_list\ndelay = 10m\nmode = notify\nenabled = no\n"),
                             &signals, &rules, &err);
    if (rc)
        fail_msg("%s", err.text);
    assert_int_equal(rules.n, 1);
    const struct fb_rule *r = &rules.v[0];
    assert_int_equal(r->weights_n, 2);
    assert_int_equal(r->delay_s, 600);
    assert_int_equal(r->mode, FB_MODE_NOTIFY);
    assert_false(r->enabled);
    assert_true(r->weights[0].weight > 0.24 && r->weights[0].most > 3.9);
    assert_true(r->weights[1].most > 0.9 && r->weights[1].most < 1.1);
}

static void slips_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"[r]\nweigth.readers = 1\n", "rules.conf:2: [r] weigth.readers: there is no such key"},
        {"[r]\nweight.reader = 1\n", "rules.conf:2: [r] weight.reader: there is no signal 'reader'"},
        {"[r]\nweight.readers = much\n", "rules.conf:2: [r] weight.readers: 'much' is no number"},
        {"[r]\nstart = 1,5\n", "rules.conf:2: [r] start: '1,5' is no number"},
        {"[r]\n\nneeds = readers >\n", "rules.conf:3: [r] needs: column 10: a signal or a number is missing"},
        {"[r]\nmode = warn\n", "rules.conf:2: [r] mode: 'warn' is none of observe, notify, hold"},
        {"[r]\ndelay = soon\n", "rules.conf:2: [r] delay: 'soon' is no duration (90s, 15m, 2h, 1d)"},
        {"[r]\nenabled = maybe\n", "rules.conf:2: [r] enabled: 'maybe' is neither yes nor no"},
        {"[r]\nexempt = ana@x.example, ben\n", "rules.conf:2: [r] exempt: 'ben' is neither an address nor a domain written @example.org"},
        {"[r]\nexempt = *@x.example\n", "rules.conf:2: [r] exempt: '*@x.example' is neither an address nor a domain written @example.org"},
        {"[r]\nexempt = ana@x.example > , ben@x.example\n", "rules.conf:2: [r] exempt: a pair lacks a side: ana@example.org > ben@example.org"},
        {"[all]\n\nexempt = > ben@x.example\n", "rules.conf:3: [all] exempt: a pair lacks a side: ana@example.org > ben@example.org"},
        {"[all]\nenabled = no\n", "rules.conf:2: [all] enabled: there is no such key"},
        {"[regions]\napac = more\n", "rules.conf:2: [regions] apac: 'more' is no number"},
        {"[r]\nwhy = W\nweight.readers = 1\n", "rules.conf: [r] has no title"},
        {"[r]\ntitle = T\nwhy = W\n", "rules.conf: [r] has no weight"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_ruleset rules;
        struct fb_err err = {""};
        assert_int_equal(fb_ruleset_read(arena, "rules.conf", fb_str(cases[i].text), &signals, &rules, &err), -1);
        assert_string_equal(err.text, cases[i].fault);
    }
}

static void exempt_people_groups_and_pairs_are_read(void **state)
{
    (void)state;
    struct fb_ruleset rules;
    struct fb_err err = {""};
    int rc = fb_ruleset_read(arena, "rules.conf", FB_STR("[all]\nexempt = Ana@X.example,@lab.example ben@x.example>carl@x.example\n[regions]\napac = 0.5\n"
                                                         "[r]\ntitle = T\nwhy = W\nweight.readers = 1\nexempt = @lab.example  >  @x.example\n"),
                             &signals, &rules, &err);
    if (rc)
        fail_msg("%s", err.text);
    assert_int_equal(rules.n, 1); /* neither section is a rule */
    assert_int_equal(rules.exempt.n, 3);
    assert_true(fb_str_eq(rules.exempt.v[0].from, FB_STR("ana@x.example")));
    assert_int_equal(rules.exempt.v[1].to.n, 0);
    assert_true(fb_str_eq(rules.exempt.v[2].to, FB_STR("carl@x.example")));
    assert_true(fb_str_eq(rules.exempt.v[2].entry, FB_STR("ben@x.example>carl@x.example")));
    assert_true(fb_str_eq(rules.v[0].exempt.v[0].entry, FB_STR("@lab.example  >  @x.example")));
    assert_int_equal(rules.regions.n, 1);
}

static void own_keys_take_the_place_of_shipped_ones(void **state)
{
    (void)state;
    char dir[] = "/tmp/forbear-rules-XXXXXX", shipped[64], own[64];
    struct fb_err err = {""};
    struct fb_ruleset rules;
    assert_non_null(mkdtemp(dir));
    snprintf(shipped, sizeof shipped, "%s/shipped.conf", dir);
    snprintf(own, sizeof own, "%s/own.conf", dir);
    assert_int_equal(fb_io_write_file(dir, "shipped.conf", FB_STR("[a]\ntitle = T\nwhy = W\nweight.readers = 1\nstart = -2\nexempt = a@x.example\n[regions]\napac = 1\n"), 0600, &err), 0);
    assert_int_equal(fb_ruleset_load(arena, shipped, own, &signals, &rules, &err), 0); /* own may be absent */
    assert_int_equal(rules.n, 1);
    assert_int_equal(fb_io_write_file(dir, "own.conf", FB_STR("[a]\nstart = -7\nexempt = \n[regions]\napac = 0.25\n[b]\ntitle = B\nwhy = B\nweight.outsiders = 1\n"), 0600, &err), 0);
    assert_int_equal(fb_ruleset_load(arena, shipped, own, &signals, &rules, &err), 0);
    assert_int_equal(rules.n, 2);
    assert_true(rules.v[0].start < -6.9);
    assert_true(!rules.v[0].own_text && rules.v[1].own_text);
    assert_int_equal(rules.v[0].exempt.n, 0);
    assert_int_equal(rules.regions.n, 1);
    assert_true(rules.regions.v[0].weight < 0.3);
    assert_true(fb_str_eq(rules.v[0].title, FB_STR("T")));
    assert_true(fb_str_eq(rules.v[1].name, FB_STR("b")));
    unlink(shipped);
    unlink(own);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_reads_whole), cmocka_unit_test(slips_are_named), cmocka_unit_test(exempt_people_groups_and_pairs_are_read),
        cmocka_unit_test(own_keys_take_the_place_of_shipped_ones),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
