/* Conditions: what they mean, and that a slip of the pen is named with its column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/expr.h"

static const char *const names[] = {"readers", "outsiders", "phrase_blame"};
static const double values[] = {4, 0, 1.5};

static bool find(const void *arg, struct fb_str name, size_t *ret)
{
    (void)arg;
    for (*ret = 0; *ret < 3; ++*ret)
        if (fb_str_eq(name, fb_str(names[*ret])))
            return true;
    return false;
}

static int parse(const char *text, const struct fb_expr **ret, struct fb_arena *arena, struct fb_err *err)
{
    return fb_expr_parse(arena, fb_str(text), (struct fb_expr_names){find, NULL}, ret, err);
}

static void conditions_mean_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool holds;
    } cases[] = {
        {"readers", true}, {"outsiders", false}, {"not outsiders", true}, {"readers >= 4", true}, {"readers > 4", false},
        {"readers<=4", true}, {"readers < 4", false}, {"readers = 4", true}, {"readers != 4", false}, {"phrase_blame >= 1.5", true},
        {"readers and outsiders", false}, {"readers or outsiders", true}, {"outsiders and outsiders or readers", true},
        {"outsiders and (outsiders or readers)", false}, {"not outsiders and not outsiders", true}, {"not (readers and readers)", false},
        {"( readers >= 1 ) and ( outsiders = 0 )", true}, {"-1 < outsiders", true}, {"0.5 < phrase_blame", true}, {"not not readers", true},
    };
    FB_ARENA arena = fb_arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fb_expr *e;
        struct fb_err err;
        if (parse(cases[i].text, &e, arena, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        if (fb_expr_true(e, values) != cases[i].holds)
            fail_msg("%s came out wrong", cases[i].text);
    }
}

static void slips_are_named_with_their_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"", "column 1: a signal or a number is missing"},
        {"reader", "column 1: there is no signal 'reader'"},
        {"readers >= ", "column 12: a signal or a number is missing"},
        {"readers and", "column 12: a signal or a number is missing"},
        {"(readers", "column 9: a ')' is missing"},
        {"readers)", "column 8: nothing more was expected here"},
        {"readers outsiders", "column 9: nothing more was expected here"},
        {"readers >= 1x", "column 12: there is no signal '1x'"},
        {"readers => 1", "column 10: a signal or a number is missing"},
    };
    FB_ARENA arena = fb_arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fb_expr *e;
        struct fb_err err = {""};
        assert_int_equal(parse(cases[i].text, &e, arena, &err), -1);
        assert_string_equal(err.text, cases[i].fault);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_buf b = FB_BUF(arena);
    for (int i = 0; i < 100000; i++)
        fb_buf_char(&b, '(');
    const struct fb_expr *e;
    struct fb_err err = {""};
    assert_int_equal(parse(fb_buf_str(&b).p, &e, arena, &err), -1);
    assert_non_null(strstr(err.text, "nested too deeply"));
}

static void numbers_are_whole(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-", ".", "1.", "1e5", "1,5", " 1", "1 ", "+1", "--1", "nan", "inf", "0x10"};
    double v;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (fb_expr_number(fb_str(bad[i]), &v))
            fail_msg("'%s' was read as a number", bad[i]);
    assert_true(fb_expr_number(FB_STR("-2.25"), &v) && v > -2.26 && v < -2.24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_mean_what_they_say), cmocka_unit_test(slips_are_named_with_their_column),
        cmocka_unit_test(nesting_is_bounded), cmocka_unit_test(numbers_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
