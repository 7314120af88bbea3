/* Seals, fingerprints, base64url and the facts inside a box. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>

#include "facts/facts.h"
#include "hold/seal.h"

static int set_up(void **state)
{
    *state = fb_arena_new(1 << 20);
    return *state && fb_crypto_init(NULL) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    fb_arena_free(*state);
    return 0;
}

static void only_the_keeper_reads_what_the_milter_sealed(void **state)
{
    struct fb_arena *a = *state;
    uint8_t public_key[FB_BOX_KEY], secret[FB_BOX_KEY], other_public[FB_BOX_KEY], other[FB_BOX_KEY];
    struct fb_str box, plain;
    struct fb_err err;
    crypto_box_keypair(public_key, secret);
    crypto_box_keypair(other_public, other);
    box = fb_box_seal(a, public_key, FB_STR("the subject"));
    assert_null(memmem(box.p, box.n, "the subject", 11));
    assert_int_equal(fb_box_open(a, public_key, secret, box, &plain, &err), 0);
    assert_true(fb_str_eq(plain, FB_STR("the subject")));
    assert_true(fb_box_open(a, other_public, other, box, &plain, &err) < 0);
    assert_true(fb_box_open(a, public_key, secret, (struct fb_str){box.p, 10}, &plain, &err) < 0);
    ((char *)box.p)[box.n - 1] ^= 1;
    assert_true(fb_box_open(a, public_key, secret, box, &plain, &err) < 0);
}

static void the_page_opens_with_its_own_key_alone(void **state)
{
    struct fb_arena *a = *state;
    uint8_t key[FB_PAGE_KEY], other[FB_PAGE_KEY];
    struct fb_str sealed, plain;
    struct fb_err err;
    fb_page_key_new(key);
    fb_page_key_new(other);
    sealed = fb_page_seal(a, key, FB_STR("the words"));
    assert_int_equal(fb_page_open(a, key, sealed, &plain, &err), 0);
    assert_true(fb_str_eq(plain, FB_STR("the words")));
    assert_true(fb_page_open(a, other, sealed, &plain, &err) < 0);
    assert_true(fb_page_open(a, key, (struct fb_str){sealed.p, 39}, &plain, &err) < 0);
    ((char *)sealed.p)[0] ^= 1;
    assert_true(fb_page_open(a, key, sealed, &plain, &err) < 0);
}

static void nothing_at_all_can_be_sealed_too(void **state)
{
    struct fb_arena *a = *state;
    uint8_t key[FB_PAGE_KEY];
    struct fb_str plain;
    fb_page_key_new(key);
    assert_int_equal(fb_page_open(a, key, fb_page_seal(a, key, FB_STR_NONE), &plain, NULL), 0);
    assert_int_equal(plain.n, 0);
}

static void a_fingerprint_depends_on_every_part_and_where_each_ends(void **state)
{
    (void)state;
    uint8_t key[FB_HASH_KEY] = {1}, other[FB_HASH_KEY] = {2}, want[FB_FINGERPRINT], got[FB_FINGERPRINT];
    static const struct {
        const char *queue_id, *message_id;
        bool same;
    } cases[] = {
        {"ID", "<m>", true}, {"IE", "<m>", false}, {"ID", "<n>", false}, {"ID<", "m>", false}, {"", "ID<m>", false},
    };
    fb_fingerprint(key, FB_STR("ID"), FB_STR("<m>"), want);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fb_fingerprint(key, fb_str(cases[i].queue_id), fb_str(cases[i].message_id), got);
        assert_int_equal(memcmp(want, got, sizeof got) == 0, cases[i].same);
    }
    fb_fingerprint(other, FB_STR("ID"), FB_STR("<m>"), got);
    assert_memory_not_equal(want, got, sizeof got);
}

static void base64url_is_strict(void **state)
{
    struct fb_arena *a = *state;
    uint8_t got[16];
    struct fb_str text = fb_b64(a, "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1\xf0", 16);
    assert_int_equal(text.n, 22);
    assert_true(fb_b64_parse(text, got, 16));
    static const char *const bad[] = {
        "", "__79_Pv6-fj39vX08_Lx8", "__79_Pv6-fj39vX08_Lx8A==", "__79_Pv6-fj39vX08_Lx8B", "//79/Pv6+fj39vX08/Lx8A",
        " _79_Pv6-fj39vX08_Lx8A", "__79_Pv6-fj39vX08_Lx8A\n", "__79_Pv6-fj39vX08_Lx8AAA",
        "\xff_79_Pv6-fj39vX08_Lx8A",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(fb_b64_parse(fb_str(bad[i]), got, 16));
}

#define RULE "{\"name\":\"heated\",\"title\":\"t\",\"why\":\"w\",\"advice\":\"a\",\"evidence\":[{\"signal\":\"s\",\"text\":\"SECRET\",\"note\":\"n\"}]}"
#define FACTS(version, rules, more) \
    "{\"v\":" version ",\"from\":\"a@b\",\"date_s\":1795827600,\"tz_min\":60,\"subject\":\"SECRET\",\"message_id\":\"<m>\",\"to\":[\"A <a@b>\"]," \
    "\"cc\":[],\"hidden\":0,\"rules\":[" rules "],\"readers\":[\"B\"],\"words\":\"SECRET\",\"words_cut\":false" more "}"
#define CHANGE "\"change\":{\"kind\":\"words\",\"text\":\"SECRET\",\"reader\":\"\",\"says\":\"Without SECRET\"}"

static void facts_have_one_shape_and_faults_never_quote_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {FACTS("1", RULE, ""), true},
        {FACTS("1", RULE "," RULE, ""), true},
        {FACTS("2", RULE, "," CHANGE), true},
        {FACTS("2", RULE, ""), false},
        {FACTS("1", RULE, "," CHANGE), false},
        {FACTS("2", RULE, ",\"change\":{\"kind\":\"SECRET\"}"), false},
        {FACTS("3", RULE, "," CHANGE), false},
        {FACTS("1", "", ""), false},
        {FACTS("1", "{\"name\":\"SECRET\"}", ""), false},
        {FACTS("1", RULE, ",\"SECRET\":1"), false},
        {FACTS("1", RULE, ",\"v\":1"), false},
        {FACTS("1", RULE, "") "x", false},
        {"", false},
        {"[]", false},
        {"{\"v\":1,\"SECRET", false},
        {"{\"v\":1}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_err err = {""};
        json_t *j = NULL;
        assert_int_equal(fb_facts_parse(fb_str(cases[i].text), &j, &err), cases[i].good ? 0 : -1);
        assert_null(strstr(err.text, "SECRET"));
        json_decref(j);
    }
}

static void too_many_words_are_refused(void **state)
{
    struct fb_arena *a = *state;
    struct fb_buf b = FB_BUF(a);
    json_t *j;
    struct fb_str whole = FB_STR(FACTS("1", RULE, ""));
    ptrdiff_t at = fb_str_ifind(whole, FB_STR("\"words\":\"")) + 9;
    fb_buf_add(&b, (struct fb_str){whole.p, (size_t)at});
    for (int i = 0; i < FB_FACTS_WORDS; i++)
        fb_buf_char(&b, 'w');
    fb_buf_add(&b, (struct fb_str){whole.p + at, whole.n - (size_t)at});
    assert_true(fb_facts_parse(fb_buf_str(&b), &j, NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_keeper_reads_what_the_milter_sealed),
        cmocka_unit_test(the_page_opens_with_its_own_key_alone),
        cmocka_unit_test(nothing_at_all_can_be_sealed_too),
        cmocka_unit_test(a_fingerprint_depends_on_every_part_and_where_each_ends),
        cmocka_unit_test(base64url_is_strict),
        cmocka_unit_test(facts_have_one_shape_and_faults_never_quote_them),
        cmocka_unit_test(too_many_words_are_refused),
    };
    return cmocka_run_group_tests_name("seal", tests, set_up, tear_down);
}
