/* Markers: they come back as written, and nothing that was cut, altered or made up passes for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "hold/marker.h"
#include "hold/seal.h"

#define ID "AAECAwQFBgcICQoLDA0ODw"
#define FINGERPRINT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define GOOD "forbear-marker 1\nhold " ID "\ncreated 1795827600\ndeadline 1795828500\nrule heated\nfingerprint " FINGERPRINT "\nend\n"

struct fixture {
    char dir[64];
    struct fb_arena *arena;
    struct fb_err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/forbear-marker-XXXXXX");
    f->arena = fb_arena_new(1 << 20);
    if (!mkdtemp(f->dir) || !f->arena || fb_crypto_init(&f->err) || mkdir(fb_arena_printf(f->arena, "%s/markers", f->dir).p, 0700))
        return -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct fb_hold *v;
    struct fb_str bad, name;
    size_t n;
    if (fb_marker_list(f->dir, f->arena, &v, &n, &bad, &f->err) == 0) {
        for (size_t i = 0; i < n; i++)
            fb_marker_remove(f->dir, v[i].queue_id, &f->err);
        while (bad.n && fb_str_split(&bad, '\0', &name) && name.n)
            unlink(fb_arena_printf(f->arena, "%s/markers/%s", f->dir, name.p).p);
    }
    rmdir(fb_arena_printf(f->arena, "%s/markers", f->dir).p);
    rmdir(f->dir);
    fb_arena_free(f->arena);
    free(f);
    return 0;
}

static struct fb_hold a_hold(const char *queue_id)
{
    struct fb_hold h = {.queue_id = fb_str(queue_id), .rule = FB_STR("public_shaming"), .created_s = 1795827600, .deadline_s = 1795828500};
    fb_hold_id_new(&h.id);
    memset(h.fingerprint, 7, sizeof h.fingerprint);
    return h;
}

static void a_marker_is_read_back_as_written(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = a_hold("4Sjh2k0fMzz1abc"), *v;
    struct fb_str bad;
    size_t n;
    assert_int_equal(fb_marker_write(f->dir, &h, &f->err), 0);
    assert_int_equal(fb_marker_list(f->dir, f->arena, &v, &n, &bad, &f->err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(bad.n, 0);
    assert_true(fb_hold_id_eq(v[0].id, h.id));
    assert_true(fb_str_eq(v[0].queue_id, h.queue_id) && fb_str_eq(v[0].rule, h.rule));
    assert_int_equal(v[0].created_s, h.created_s);
    assert_int_equal(v[0].deadline_s, h.deadline_s);
    assert_memory_equal(v[0].fingerprint, h.fingerprint, sizeof h.fingerprint);
}

static void removing_a_marker_twice_is_no_failure(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = a_hold("4Sjh2k0fMzz1abc"), *v;
    struct fb_str bad;
    size_t n;
    assert_int_equal(fb_marker_write(f->dir, &h, &f->err), 0);
    assert_int_equal(fb_marker_remove(f->dir, h.queue_id, &f->err), 0);
    assert_int_equal(fb_marker_remove(f->dir, h.queue_id, &f->err), 0);
    assert_int_equal(fb_marker_list(f->dir, f->arena, &v, &n, &bad, &f->err), 0);
    assert_int_equal(n, 0);
}

static void a_queue_id_that_is_no_file_name_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"", "../escape", ".hidden", "a/b", "with space", "nul\nline"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fb_hold h = a_hold(names[i]);
        assert_true(fb_marker_write(f->dir, &h, &f->err) < 0);
        assert_true(fb_marker_remove(f->dir, h.queue_id, &f->err) < 0);
    }
}

static void files_that_are_no_markers_are_named_and_the_sound_ones_still_listed(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = a_hold("4Sjh2k0fMzz1abc"), *v;
    struct fb_str bad;
    size_t n;
    const char *dir = fb_arena_printf(f->arena, "%s/markers", f->dir).p;
    assert_int_equal(fb_marker_write(f->dir, &h, &f->err), 0);
    assert_int_equal(fb_io_write_file(dir, "4Sjh2k0fMzz1bad", FB_STR("forbear-marker 1\n"), 0600, &f->err), 0);
    assert_int_equal(fb_io_write_file(dir, ".4Sjh2k0fMzz1abc.new", FB_STR("half"), 0600, &f->err), 0);
    assert_int_equal(fb_marker_list(f->dir, f->arena, &v, &n, &bad, &f->err), 0);
    unlink(fb_arena_printf(f->arena, "%s/.4Sjh2k0fMzz1abc.new", dir).p);
    assert_int_equal(n, 1);
    assert_memory_equal(bad.p, "4Sjh2k0fMzz1bad", sizeof "4Sjh2k0fMzz1bad");
}

static void the_text_is_exact_line_by_line(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h;
    static const struct {
        const char *text, *line; /* NULL: sound */
    } cases[] = {
        {GOOD, NULL},
        {"", "line 1"},
        {"forbear-marker 2\n", "line 1"},
        {"forbear-marker 1\nhold short\n", "line 2"},
        {"forbear-marker 1\nhold " ID "\ncreated soon\n", "line 3"},
        {"forbear-marker 1\nhold " ID "\ncreated 1\ndeadline -1\n", "line 4"},
        {"forbear-marker 1\nhold " ID "\ncreated 1\ndeadline 2\nrule Heated!\n", "line 5"},
        {"forbear-marker 1\nhold " ID "\ncreated 1\ndeadline 2\nrule heated\nfingerprint AAAA\nend\n", "line 6"},
        {"forbear-marker 1\nhold " ID "\ncreated 1\ndeadline 2\nrule heated\nfingerprint " FINGERPRINT "\n", "line 7"},
        {GOOD "more\n", "line 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = fb_marker_parse(f->arena, FB_STR("4Sjh2k0fMzz1abc"), fb_str(cases[i].text), &h, &f->err);
        assert_int_equal(rc, cases[i].line ? -1 : 0);
        if (cases[i].line)
            assert_non_null(strstr(f->err.text, cases[i].line));
    }
}

/* Whatever a crash or a bad disk left of it. */
static void no_beginning_of_a_marker_passes_for_one(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h;
    for (size_t n = 0; n < sizeof GOOD - 2; n++)
        assert_true(fb_marker_parse(f->arena, FB_STR("4Sjh2k0fMzz1abc"), (struct fb_str){GOOD, n}, &h, &f->err) < 0);
}

static void a_missing_folder_is_a_failure_with_its_name(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = a_hold("4Sjh2k0fMzz1abc"), *v;
    struct fb_str bad;
    size_t n;
    assert_true(fb_marker_write("/nowhere", &h, &f->err) < 0);
    assert_true(fb_marker_list("/nowhere", f->arena, &v, &n, &bad, &f->err) < 0);
    assert_non_null(strstr(f->err.text, "/nowhere/markers"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_marker_is_read_back_as_written),
        CASE(removing_a_marker_twice_is_no_failure),
        CASE(a_queue_id_that_is_no_file_name_is_refused),
        CASE(files_that_are_no_markers_are_named_and_the_sound_ones_still_listed),
        CASE(the_text_is_exact_line_by_line),
        CASE(no_beginning_of_a_marker_passes_for_one),
        CASE(a_missing_folder_is_a_failure_with_its_name),
    };
    return cmocka_run_group_tests_name("marker", tests, NULL, NULL);
}
