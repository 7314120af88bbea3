/* The judge gives what the model that was trained gives: the same tokens, and log-odds close to it (tests/judge/parity.jsonl,
 * made by the reference in float32). And it refuses weights that are not what they claim to be. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/io.h"
#include "judge/meaning.h"

static struct fb_encoder *encoder;
static struct fb_scratch *scratch;
static json_t *cases;

static struct fb_str text_of(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    return (struct fb_str){json_string_value(v), json_string_length(v)};
}

static double number_at(json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

static int set_up(void **state)
{
    (void)state;
    struct fb_err err;
    int rc = fb_encoder_open(TEST_MODEL, NULL, &encoder, &err);
    if (rc == FB_ENCODER_NO_CPU) {
        print_message("this processor has no AVX2: nothing is judged by meaning\n");
        exit(77);
    }
    if (rc || fb_scratch_open(encoder, &scratch, &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    FILE *f = fopen(TEST_PARITY, "r");
    json_error_t why;
    cases = json_array();
    for (json_t *one; f && (one = json_loadf(f, JSON_DISABLE_EOF_CHECK, &why));)
        json_array_append_new(cases, one);
    if (f)
        fclose(f);
    return json_array_size(cases) > 100 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(cases);
    fb_scratch_close(scratch);
    fb_encoder_close(encoder);
    return 0;
}

/* [CLS] facts [SEP] subject and text [SEP], cut at the longest, as the reference does. */
static size_t tokens_of(struct fb_arena *arena, json_t *c, int32_t *ids, uint8_t *types)
{
    struct fb_pieces facts, text;
    struct fb_str subject = text_of(c, "subject"), all = text_of(c, "text");
    if (subject.n)
        all = fb_arena_printf(arena, "subject: %.*s. %.*s", FB_FMT(subject), FB_FMT(all));
    assert_int_equal(fb_wordpiece(fb_encoder_vocab(encoder), arena, text_of(c, "facts"), &facts, NULL), 0);
    assert_int_equal(fb_wordpiece(fb_encoder_vocab(encoder), arena, all, &text, NULL), 0);
    size_t n = 0;
    ids[n++] = FB_TOKEN_CLS;
    for (size_t i = 0; i < facts.n; i++)
        ids[n++] = facts.v[i].id;
    ids[n++] = FB_TOKEN_SEP;
    memset(types, 0, n);
    for (size_t i = 0; i < text.n && n < FB_ENCODER_LONGEST - 1; i++)
        types[n] = 1, ids[n++] = text.v[i].id;
    types[n] = 1;
    ids[n++] = FB_TOKEN_SEP;
    return n;
}

static void the_tokens_are_the_references(void **state)
{
    (void)state;
    size_t i;
    json_t *c;
    json_array_foreach(cases, i, c) {
        int32_t ids[FB_ENCODER_LONGEST];
        uint8_t types[FB_ENCODER_LONGEST];
        FB_ARENA arena = fb_arena_new(1 << 24);
        json_t *want = json_object_get(c, "ids");
        size_t n = tokens_of(arena, c, ids, types);
        assert_int_equal(n, json_array_size(want));
        for (size_t k = 0; k < n; k++)
            assert_int_equal(ids[k], json_integer_value(json_array_get(want, k)));
    }
}

/* Weights of 7 bits and activations of 8 move log-odds a little; a model that is wired wrongly moves them by far more. */
static void the_log_odds_are_close_to_the_references(void **state)
{
    (void)state;
    size_t i, far = 0;
    double sum = 0;
    json_t *c;
    json_array_foreach(cases, i, c) {
        int32_t ids[FB_ENCODER_LONGEST];
        uint8_t types[FB_ENCODER_LONGEST];
        FB_ARENA arena = fb_arena_new(1 << 24);
        struct fb_encoding e;
        size_t n = tokens_of(arena, c, ids, types), s;
        fb_encoder_run(scratch, ids, types, n, -INFINITY, &e);
        double off = fabs(e.hold - json_number_value(json_object_get(c, "hold")));
        sum += off;
        far += off > 0.4;
        assert_true(off < 1);
        for (size_t r = 0; r < FB_ENCODER_RULES; r++)
            assert_true(fabs(e.rules[r] - number_at(json_object_get(c, "rules"), r)) < 1);
        for (size_t x = 0; x < FB_ENCODER_EXITS; x++)
            assert_true(fabs(e.exits[x] - number_at(json_object_get(c, "exits"), x)) < 0.5);
        json_t *span;
        json_array_foreach(json_object_get(c, "sentences"), s, span) {
            float acts[FB_ENCODER_ACTS];
            fb_encoder_acts(scratch, (size_t)number_at(span, 0), (size_t)number_at(span, 1), acts);
            for (size_t a = 0; a < FB_ENCODER_ACTS; a++)
                assert_true(fabs(acts[a] - number_at(json_array_get(json_object_get(c, "acts"), s), a)) < 1);
        }
    }
    assert_true(sum / (double)json_array_size(cases) < 0.2);
    assert_true(far < json_array_size(cases) / 20);
}

static void a_run_is_left_where_the_exit_is_certain(void **state)
{
    (void)state;
    int32_t ids[FB_ENCODER_LONGEST];
    uint8_t types[FB_ENCODER_LONGEST];
    FB_ARENA arena = fb_arena_new(1 << 24);
    struct fb_encoding e;
    size_t n = tokens_of(arena, json_array_get(cases, 0), ids, types);
    fb_encoder_run(scratch, ids, types, n, INFINITY, &e);
    assert_true(e.left_early);
    assert_true(e.hold == e.exits[0]);
}

static struct fb_meaning judge(struct fb_arena *arena, const char *text)
{
    struct fb_meaning j;
    struct fb_str facts = FB_STR("to: peer; cc: peer, peer; readers: 3; outside: none; alone before with: nobody");
    assert_int_equal(fb_meaning_read(scratch, fb_encoder_vocab(encoder), arena, facts, FB_STR("Friday"), fb_str(text), -INFINITY, &j, NULL), 0);
    return j;
}

static void blame_before_onlookers_weighs_more_than_thanks(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 24);
    struct fb_meaning blame = judge(arena, "[TO], once again you did not do what we agreed. Everybody here had to clean up after you.");
    struct fb_meaning thanks = judge(arena, "[TO], thank you for the quick work. Everybody here is glad that it went so well.");
    assert_true(blame.hold > 0);
    assert_true(thanks.hold < 0);
    assert_true(blame.hold - thanks.hold > 2);
    assert_int_equal(blame.sentences_n, 2);
    assert_true(fb_str_eq(blame.sentences[1].text, FB_STR(" Everybody here had to clean up after you.")));
}

static void an_empty_text_is_judged_by_its_facts_alone(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 24);
    struct fb_meaning j = judge(arena, " \n\n ... \n");
    assert_true(j.hold < 0);
    assert_false(j.cut);
}

/* One sentence that decides, behind more harmless ones than a window holds: it is found all the same. */
static void a_long_text_is_read_in_windows(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 24);
    struct fb_buf b = FB_BUF(arena);
    for (int i = 0; i < 40; i++)
        fb_buf_printf(&b, "The room on floor %d is booked for the review, and lunch is at noon.\n", i);
    struct fb_meaning before = judge(arena, fb_buf_str(&b).p);
    fb_buf_add(&b, FB_STR("[TO], once again you did not do what we agreed, and everybody here had to clean up after you.\n"));
    struct fb_meaning after = judge(arena, fb_buf_str(&b).p);
    assert_false(after.cut);
    assert_int_equal(after.sentences_n, 41);
    assert_true(after.hold > before.hold + 1);
    for (int i = 0; i < 200; i++)
        fb_buf_printf(&b, "The room on floor %d is booked for the review, and lunch is at noon.\n", i);
    assert_true(judge(arena, fb_buf_str(&b).p).cut);
}

static void write_copy(const char *name, struct fb_str data)
{
    struct fb_err err;
    assert_int_equal(fb_io_write_file("/tmp", name, data, 0600, &err), 0);
}

static void weights_that_are_not_what_they_claim_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what, *says;
        size_t at, n;
    } damages[] = {
        {"a byte of a weight", "checksum", 2000000, 1}, {"the magic", "no file of judge weights", 0, 1},
        {"the version", "version", 16, 1},              {"the end", "cut short", 0, 0},
    };
    FB_ARENA arena = fb_arena_new(1 << 26);
    struct fb_str good;
    struct fb_err err;
    char name[64], path[80];
    snprintf(name, sizeof name, "forbear-test-judge-%d.bin", (int)getpid());
    snprintf(path, sizeof path, "/tmp/%s", name);
    assert_int_equal(fb_io_read_file(arena, TEST_MODEL, 1 << 25, &good, &err), 0);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct fb_str bad = damages[i].n ? good : (struct fb_str){good.p, good.n - 64};
        char *byte = (char *)bad.p + damages[i].at;
        *byte ^= damages[i].n ? 1 : 0;
        write_copy(name, bad);
        *byte ^= damages[i].n ? 1 : 0;
        struct fb_encoder *e = NULL;
        assert_int_equal(fb_encoder_open(path, NULL, &e, &err), -1);
        assert_non_null(strstr(err.text, damages[i].says));
        assert_non_null(strstr(err.text, path));
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tokens_are_the_references),
        cmocka_unit_test(the_log_odds_are_close_to_the_references),
        cmocka_unit_test(a_run_is_left_where_the_exit_is_certain),
        cmocka_unit_test(blame_before_onlookers_weighs_more_than_thanks),
        cmocka_unit_test(an_empty_text_is_judged_by_its_facts_alone),
        cmocka_unit_test(a_long_text_is_read_in_windows),
        cmocka_unit_test(weights_that_are_not_what_they_claim_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
