/* The foundation: strings, arenas, errors, files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/sock.h"

#define assert_str(got, want) assert_true(fb_str_eq((got), FB_STR(want)))

static void letters_compare_without_case_and_other_bytes_as_they_are(void **state)
{
    (void)state;
    assert_true(fb_str_ieq(FB_STR("Alice@Example"), FB_STR("aLICE@eXAMPLE")));
    assert_false(fb_str_ieq(FB_STR("\xc3\x84"), FB_STR("\xc3\xa4")));
    assert_false(fb_str_ieq(FB_STR("["), FB_STR("{")));
    assert_true(fb_str_istarts(FB_STR("Re: x"), FB_STR("re:")));
    assert_true(fb_str_iends(FB_STR("a@EXAMPLE.com"), FB_STR("@example.COM")));
    assert_false(fb_str_iends(FB_STR("com"), FB_STR("example.com")));
    assert_int_equal(fb_str_ifind(FB_STR("one Two"), FB_STR("tWO")), 4);
    assert_int_equal(fb_str_ifind(FB_STR("one"), FB_STR("once")), -1);
    assert_true(fb_str_eq(FB_STR_NONE, (struct fb_str){NULL, 0}));
}

static void a_string_is_cut_at_each_separator(void **state)
{
    (void)state;
    struct fb_str rest = FB_STR("a,,b,"), part;
    static const char *const want[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(fb_str_split(&rest, ',', &part));
        assert_true(fb_str_eq(part, fb_str(want[i])));
    }
    assert_false(fb_str_split(&rest, ',', &part));
}

static void words_are_parted_by_blanks_and_commas(void **state)
{
    (void)state;
    struct fb_str rest = FB_STR(" ,a b\t,\r\nc, "), word;
    assert_true(fb_str_word(&rest, &word));
    assert_str(word, "a");
    assert_true(fb_str_word(&rest, &word));
    assert_str(word, "b");
    assert_true(fb_str_word(&rest, &word));
    assert_str(word, "c");
    assert_false(fb_str_word(&rest, &word));
}

static void lines_end_with_lf_or_crlf_or_the_text(void **state)
{
    (void)state;
    struct fb_str rest = FB_STR("a\r\n\nb\rc\nd"), line;
    static const char *const want[] = {"a", "", "b\rc", "d"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(fb_str_line(&rest, &line));
        assert_true(fb_str_eq(line, fb_str(want[i])));
    }
    assert_false(fb_str_line(&rest, &line));
}

static void numbers_are_whole_and_within_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0}, {"-1", true, -1}, {"007", true, 7}, {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN}, {"9223372036854775808", false, 0}, {"-9223372036854775809", false, 0},
        {"", false, 0}, {"-", false, 0}, {"+1", false, 0}, {"1 ", false, 0}, {"0x1", false, 0}, {"1.0", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t v = 0;
        assert_int_equal(fb_str_int(fb_str(cases[i].text), INT64_MIN, INT64_MAX, &v), cases[i].ok);
        assert_true(v == cases[i].value);
    }
    int64_t v;
    assert_false(fb_str_int(FB_STR("11"), 1, 10, &v));
    assert_false(fb_str_int(FB_STR("0"), 1, 10, &v));
}

static void only_well_formed_utf8_has_a_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1}, {"\xc3\xa9", 2}, {"\xe2\x82\xac", 3}, {"\xf0\x9f\x98\x80", 4},
        {"\x80", 0}, {"\xc3", 0}, {"\xc0\x80", 0}, {"\xe0\x80\xaf", 0}, {"\xed\xa0\x80", 0}, {"\xf4\x90\x80\x80", 0}, {"\xff", 0}, {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(fb_utf8_length(fb_str(cases[i].text)), cases[i].length);
}

static void an_arena_keeps_its_ceiling(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(100000);
    assert_non_null(fb_arena_alloc(a, 60000));
    assert_null(fb_arena_alloc(a, 60000));
    assert_non_null(fb_arena_alloc(a, 40000));
    assert_null(fb_arena_alloc(a, 1));
    assert_int_equal(fb_arena_used(a), 100000);
    assert_null(fb_arena_array(a, SIZE_MAX / 2, 4));
}

static void arena_memory_is_zeroed_and_apart(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 20);
    for (size_t n = 1; n < 2000; n += 7) {
        char *p = fb_arena_alloc(a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
}

static void a_list_grows_and_keeps_what_it_has_when_it_cannot(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(4000);
    int *v = NULL;
    size_t n = 0, cap = 0;
    for (int *more; (more = fb_arena_grow(a, v, n, &cap, sizeof *v)); n++) {
        v = more;
        v[n] = (int)n;
    }
    assert_true(n >= 256 && n == cap);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(v[i], i);
    cap = SIZE_MAX / 2 + 1;
    assert_null(fb_arena_grow(a, v, cap, &cap, 1));
}

static void a_text_grows_and_remembers_that_it_failed(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(4096);
    struct fb_buf b = FB_BUF(a);
    for (int i = 0; i < 100; i++)
        fb_buf_printf(&b, "%d,", i);
    struct fb_str s = fb_buf_str(&b);
    assert_int_equal(s.n, 290);
    assert_memory_equal(s.p + 284, "98,99,", 6);
    assert_int_equal(s.p[s.n], 0);
    for (int i = 0; i < 2000 && !b.failed; i++)
        fb_buf_add(&b, FB_STR("more"));
    assert_true(b.failed);
    fb_buf_char(&b, 'x');
    assert_null(fb_buf_str(&b).p);
}

static void an_allocation_can_be_made_to_fail(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(4096);
    fb_arena_fail_at(2);
    assert_non_null(fb_arena_alloc(a, 1));
    assert_null(fb_arena_alloc(a, 1));
    assert_non_null(fb_arena_alloc(a, 1));
}

static void a_failure_says_where_and_why(void **state)
{
    (void)state;
    struct fb_err err;
    errno = ENOENT;
    assert_int_equal(fb_fail_errno(&err, "cannot open %s", "x"), -1);
    assert_string_equal(err.text, "cannot open x: No such file or directory");
    assert_int_equal(fb_fail_in(&err, "line %d", 3), -1);
    assert_string_equal(err.text, "line 3: cannot open x: No such file or directory");
    assert_int_equal(fb_fail(NULL, "nobody listens"), -1);
}

static void a_file_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    char dir[] = "/tmp/forbear-base-XXXXXX", path[64];
    struct fb_err err;
    struct fb_str got;
    struct stat st;
    FB_ARENA a = fb_arena_new(1 << 16);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/f", dir);
    assert_int_equal(fb_io_write_file(dir, "f", FB_STR("one"), 0640, &err), 0);
    assert_int_equal(fb_io_write_file(dir, "f", FB_STR("two"), 0640, &err), 0);
    assert_int_equal(fb_io_read_file(a, path, 3, &got, &err), 0);
    assert_str(got, "two");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_true(fb_io_read_file(a, path, 2, &got, &err) < 0);
    assert_non_null(strstr(err.text, path));
    assert_true(fb_io_read_file(a, dir, 10, &got, &err) < 0);
    assert_non_null(strstr(err.text, "not a plain file"));
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* nothing else is left in it */
}

static void reading_tells_an_end_from_a_break(void **state)
{
    (void)state;
    int p[2];
    char got[4];
    struct fb_err err;
    assert_int_equal(pipe(p), 0);
    assert_int_equal(fb_io_write_all(p[1], "abcdef", 6, &err), 0);
    close(p[1]);
    assert_int_equal(fb_io_read_all(p[0], got, 4, &err), 0);
    assert_true(fb_io_read_all(p[0], got, 4, &err) < 0);
    assert_int_equal(fb_io_read_all(p[0], got, 4, &err), FB_IO_END);
    close(p[0]);
}

static void a_silent_peer_is_given_up(void **state)
{
    (void)state;
    int s[2];
    char got;
    struct fb_err err;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    assert_int_equal(fb_socket_timeout(s[0], 20, &err), 0);
    assert_true(fb_io_read_all(s[0], &got, 1, &err) < 0);
    close(s[0]);
    close(s[1]);
    assert_true(fb_unix_connect("/nonexistent/socket", 20, s, &err) < 0);
    assert_non_null(strstr(err.text, "/nonexistent/socket"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_compare_without_case_and_other_bytes_as_they_are),
        cmocka_unit_test(a_string_is_cut_at_each_separator),
        cmocka_unit_test(words_are_parted_by_blanks_and_commas),
        cmocka_unit_test(lines_end_with_lf_or_crlf_or_the_text),
        cmocka_unit_test(numbers_are_whole_and_within_bounds),
        cmocka_unit_test(only_well_formed_utf8_has_a_length),
        cmocka_unit_test(an_arena_keeps_its_ceiling),
        cmocka_unit_test(arena_memory_is_zeroed_and_apart),
        cmocka_unit_test(a_list_grows_and_keeps_what_it_has_when_it_cannot),
        cmocka_unit_test(a_text_grows_and_remembers_that_it_failed),
        cmocka_unit_test(an_allocation_can_be_made_to_fail),
        cmocka_unit_test(a_failure_says_where_and_why),
        cmocka_unit_test(a_file_is_written_whole_or_not_at_all),
        cmocka_unit_test(reading_tells_an_end_from_a_break),
        cmocka_unit_test(a_silent_peer_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
