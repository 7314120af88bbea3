/* The header section: what is a field, how it is unfolded, where the body begins, and what is too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/headers.h"

#define assert_str(s, want) assert_true(fb_str_eq((s), fb_str(want)))

static int split(struct fb_headers *h, const char *raw, struct fb_str *body)
{
    struct fb_err err;
    return fb_headers_split(h, fb_str(raw), 1000, 10, body, &err);
}

static void fields_are_unfolded_and_trimmed(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_headers h = {.arena = a};
    struct fb_str body;
    assert_int_equal(split(&h, "Subject:  one\r\n two \r\nTO : a@b\r\nX:\n\r\nbody\r\n", &body), 0);
    assert_int_equal(h.n, 3);
    assert_str(fb_headers_get(&h, "subject", 0)->value, "one two");
    assert_str(fb_headers_get(&h, "To", 0)->name, "TO");
    assert_str(fb_headers_get(&h, "To", 0)->value, "a@b");
    assert_str(fb_headers_get(&h, "x", 0)->value, "");
    assert_null(fb_headers_get(&h, "X", 1));
    assert_str(body, "body\r\n");
}

static void what_is_no_field_is_left_out(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_headers h = {.arena = a};
    struct fb_str body;
    assert_int_equal(split(&h, "From me Mon Jan 1 00:00:00 2024\n\tgarbage\nA: 1\nno colon\n: no name\nB: 2\n\nbody", &body), 0);
    assert_int_equal(h.n, 2);
    assert_str(fb_headers_get(&h, "A", 0)->value, "1");
    assert_str(fb_headers_get(&h, "B", 0)->value, "2");
    assert_str(body, "body");
}

static void a_header_without_an_end_has_no_body(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_headers h = {.arena = a};
    struct fb_str body;
    assert_int_equal(split(&h, "A: 1\nB: 2", &body), 0);
    assert_int_equal(h.n, 2);
    assert_int_equal(body.n, 0);
}

static void the_same_name_twice_is_two_fields(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_headers h = {.arena = a};
    struct fb_str body;
    assert_int_equal(split(&h, "From: a\nfrom: b\n\n", &body), 0);
    assert_str(fb_headers_get(&h, "From", 0)->value, "a");
    assert_str(fb_headers_get(&h, "From", 1)->value, "b");
}

static void what_the_milter_hands_over_may_hold_bare_line_ends(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_headers h = {.arena = a};
    struct fb_err err;
    assert_int_equal(fb_headers_add(&h, FB_STR("Subject"), FB_STR(" a\n\tb\nc\r\n d\n"), 1000, 10, &err), 0);
    assert_str(h.v[0].value, "a\tb c d");
}

static void past_a_limit_nothing_is_added(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_headers h = {.arena = a};
    struct fb_err err;
    assert_int_equal(fb_headers_add(&h, FB_STR("A"), FB_STR("12345678"), 10, 2, &err), 0);
    assert_int_equal(fb_headers_add(&h, FB_STR("B"), FB_STR("1"), 10, 2, &err), FB_HEADERS_FULL);
    assert_int_equal(fb_headers_add(&h, FB_STR("B"), FB_STR(""), 10, 2, &err), 0);
    assert_int_equal(fb_headers_add(&h, FB_STR(""), FB_STR(""), 10, 2, &err), FB_HEADERS_FULL);
    assert_int_equal(h.n, 2);
}

static void out_of_memory_is_a_failure(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth < 4; nth++) {
        FB_ARENA a = fb_arena_new(1u << 20);
        struct fb_headers h = {.arena = a};
        struct fb_str body;
        fb_arena_fail_at(nth);
        assert_int_equal(split(&h, "A: 1\n\n", &body), -1);
        fb_arena_fail_at(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_unfolded_and_trimmed),
        cmocka_unit_test(what_is_no_field_is_left_out),
        cmocka_unit_test(a_header_without_an_end_has_no_body),
        cmocka_unit_test(the_same_name_twice_is_two_fields),
        cmocka_unit_test(what_the_milter_hands_over_may_hold_bare_line_ends),
        cmocka_unit_test(past_a_limit_nothing_is_added),
        cmocka_unit_test(out_of_memory_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
