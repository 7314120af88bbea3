/* The judge gives what the model that was trained gives: the same tokens, and log-odds close to it (tests/judge/parity.jsonl
 * and second-parity.jsonl, made in float32). And it refuses weights that are not what they claim to be. */
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

/* A file of weights, and what the float weights that it was made from say of written inputs. */
struct model {
    const char *path, *parity;
    double share; /* of it in what counts in the end */
    struct fb_pool *pool;
    json_t *cases;
};

static struct model first = {.path = TEST_MODEL, .parity = TEST_PARITY, .share = 1};
static struct model second = {.path = TEST_SECOND, .parity = TEST_SECOND_PARITY, .share = 0.5}; /* the mean of both counts */

static struct fb_str text_of(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    return (struct fb_str){json_string_value(v), json_string_length(v)};
}

static double number_at(json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

static int model_open(struct model *m)
{
    struct fb_err err;
    int rc = fb_pool_open(m->path, NULL, &m->pool, &err);
    if (rc == FB_ENCODER_NO_CPU) {
        print_message("this processor has no AVX2: nothing is judged by meaning\n");
        exit(77);
    }
    if (rc) {
        print_error("%s\n", err.text);
        return -1;
    }
    FILE *f = fopen(m->parity, "r");
    json_error_t why;
    m->cases = json_array();
    for (json_t *one; f && (one = json_loadf(f, JSON_DISABLE_EOF_CHECK, &why));)
        json_array_append_new(m->cases, one);
    if (f)
        fclose(f);
    return json_array_size(m->cases) > 100 ? 0 : -1;
}

static void model_close(struct model *m)
{
    json_decref(m->cases);
    fb_pool_close(m->pool);
}

static int set_up(void **state)
{
    (void)state;
    return model_open(&first) || model_open(&second) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    model_close(&first);
    model_close(&second);
    return 0;
}

/* [CLS] facts [SEP] subject and text [SEP], cut at the longest, as the reference does. */
static size_t tokens_of(struct fb_arena *arena, json_t *c, int32_t *ids, uint8_t *types)
{
    struct fb_pieces facts, text;
    struct fb_str subject = text_of(c, "subject"), all = text_of(c, "text");
    if (subject.n)
        all = fb_arena_printf(arena, "subject: %.*s. %.*s", FB_FMT(subject), FB_FMT(all));
    const struct fb_vocab *vocab = fb_encoder_vocab(fb_pool_encoder(first.pool));
    assert_int_equal(fb_wordpiece(vocab, arena, text_of(c, "facts"), &facts, NULL), 0);
    assert_int_equal(fb_wordpiece(vocab, arena, all, &text, NULL), 0);
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
    json_array_foreach(first.cases, i, c) {
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

static void check_sentences(const struct fb_scratch *scratch, json_t *c)
{
    size_t s;
    json_t *span;
    json_array_foreach(json_object_get(c, "sentences"), s, span) {
        float acts[FB_ENCODER_ACTS];
        fb_encoder_acts(scratch, (size_t)number_at(span, 0), (size_t)number_at(span, 1), acts);
        for (size_t a = 0; a < FB_ENCODER_ACTS; a++)
            assert_true(fabs(acts[a] - number_at(json_array_get(json_object_get(c, "acts"), s), a)) < 1);
    }
}

/* How far hold is off. */
static double check_case(struct fb_scratch *scratch, json_t *c)
{
    int32_t ids[FB_ENCODER_LONGEST];
    uint8_t types[FB_ENCODER_LONGEST];
    FB_ARENA arena = fb_arena_new(1 << 24);
    struct fb_encoding e;
    json_t *exits = json_object_get(c, "exits");
    size_t n = tokens_of(arena, c, ids, types);
    fb_encoder_run(scratch, ids, types, n, -INFINITY, &e);
    for (size_t r = 0; r < FB_ENCODER_RULES; r++)
        assert_true(fabs(e.rules[r] - number_at(json_object_get(c, "rules"), r)) < 1);
    for (size_t x = 0; x < json_array_size(exits); x++)
        assert_true(fabs(e.exits[x] - number_at(exits, x)) < 0.5);
    check_sentences(scratch, c);
    return fabs(e.hold - json_number_value(json_object_get(c, "hold")));
}

/* Weights of 7 bits and activations of 8 move log-odds a little; a model that is wired wrongly moves them by far more. */
static void check_model(const struct model *m, const struct fb_kernels *kernels)
{
    struct fb_encoder *encoder;
    struct fb_scratch *scratch;
    struct fb_err err;
    size_t i, far = 0;
    double sum = 0;
    json_t *c;
    assert_int_equal(fb_encoder_open(m->path, kernels, &encoder, &err), 0);
    assert_int_equal(fb_scratch_open(encoder, &scratch, &err), 0);
    json_array_foreach(m->cases, i, c) {
        double off = m->share * check_case(scratch, c);
        assert_true(off < 1);
        sum += off;
        far += off > 0.4;
    }
    assert_true(sum / (double)json_array_size(m->cases) < 0.2);
    assert_true(far < json_array_size(m->cases) / 20);
    fb_scratch_close(scratch);
    fb_encoder_close(encoder);
}

static void the_log_odds_are_close_to_the_references(void **state)
{
    (void)state;
    const struct fb_kernels *const all[] = {&fb_kernels_avx2, &fb_kernels_avx512};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k]->run_here()) {
            check_model(&first, all[k]);
            check_model(&second, all[k]);
        }
}

static void a_run_is_left_where_the_exit_is_certain(void **state)
{
    (void)state;
    int32_t ids[FB_ENCODER_LONGEST];
    uint8_t types[FB_ENCODER_LONGEST];
    FB_ARENA arena = fb_arena_new(1 << 24);
    struct fb_encoding e;
    struct fb_scratch *scratch;
    size_t n = tokens_of(arena, json_array_get(first.cases, 0), ids, types);
    assert_int_equal(fb_pool_take(first.pool, &scratch, NULL), 0);
    fb_encoder_run(scratch, ids, types, n, INFINITY, &e);
    fb_pool_give(first.pool, scratch);
    assert_true(e.left_early);
    assert_true(e.hold == e.exits[0]);
}

static struct fb_meaning judge_by(const struct fb_meaning_readers *by, struct fb_arena *arena, const char *text)
{
    struct fb_meaning j;
    struct fb_str facts = FB_STR("to: peer; cc: peer, peer; readers: 3; outside: none; alone before with: nobody");
    assert_int_equal(fb_meaning_read(by, arena, facts, FB_STR("Friday"), fb_str(text), &j, NULL), 0);
    return j;
}

static struct fb_meaning judge(struct fb_arena *arena, const char *text)
{
    return judge_by(&(struct fb_meaning_readers){.first = first.pool, .exit_below = -INFINITY}, arena, text);
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

/* Of a long text the second reads the windows that the first suspects, and what it says of them is what counts. */
static void what_the_first_suspects_is_read_again(void **state)
{
    (void)state;
    static const char blame[] = "[TO], once again you did not do what we agreed, and everybody here had to clean up after you.\n";
    FB_ARENA arena = fb_arena_new(1 << 24);
    struct fb_meaning_readers by = {.first = first.pool, .second = second.pool, .exit_below = -INFINITY, .again_above = 0};
    struct fb_meaning once = judge(arena, blame), again = judge_by(&by, arena, blame);
    assert_true(once.again == 0 && again.again == 1);
    assert_true(again.hold > 0 && again.hold != once.hold);
    struct fb_buf b = FB_BUF(arena);
    for (int i = 0; i < 40; i++)
        fb_buf_printf(&b, "The room on floor %d is booked for the review, and lunch is at noon.\n", i);
    assert_int_equal(judge_by(&by, arena, fb_buf_str(&b).p).again, 0);
    fb_buf_add(&b, fb_str(blame));
    struct fb_meaning some = judge_by(&by, arena, fb_buf_str(&b).p);
    assert_true(some.windows > 1 && some.again == 1);
    assert_true(some.sentences[0].evidence < -50);
    assert_true(some.sentences[some.sentences_n - 1].evidence > -50);
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
        cmocka_unit_test(what_the_first_suspects_is_read_again),
        cmocka_unit_test(weights_that_are_not_what_they_claim_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
