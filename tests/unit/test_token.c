/* Tokens, links and keys. The official vectors: paseto-standard/test-vectors, v4.json, the public ones and those that
 * must fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "conf/conf.h"
#include "hold/seal.h"
#include "token/token.h"

#define NOW INT64_C(1795827600)
#define MONTH (30 * 86400)

struct fixture {
    char dir[64];
    struct fb_arena *arena;
    struct fb_signer *signer;
    struct fb_verifier *verifier;
    struct fb_err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/forbear-token-XXXXXX");
    f->arena = fb_arena_new(4 << 20);
    if (!mkdtemp(f->dir) || !f->arena || fb_crypto_init(&f->err) || fb_keys_generate(f->dir, false, &f->err))
        return -1;
    *state = f;
    return fb_signer_open(f->dir, &f->signer, &f->err) || fb_verifier_open(f->dir, &f->verifier, &f->err);
}

static void remove_all(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    while (d && (e = readdir(d)))
        unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(path);
}

static const char *path_of(struct fixture *f, const char *name)
{
    return fb_arena_printf(f->arena, "%s/%s", f->dir, name).p;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fb_signer_close(f->signer);
    fb_verifier_close(f->verifier);
    remove_all(path_of(f, "public"));
    remove_all(f->dir);
    fb_arena_free(f->arena);
    free(f);
    return 0;
}

static struct fb_token a_token(void)
{
    struct fb_token t = {.node = FB_STR("forbear"), .exp_s = NOW + MONTH, .use = FB_TOKEN_DECIDE, .admin = FB_STR_NONE};
    fb_hold_id_new(&t.hold);
    return t;
}

static struct fb_str signed_as(struct fixture *f, const struct fb_token *t)
{
    struct fb_str text;
    assert_int_equal(fb_token_sign(f->signer, t, f->arena, &text, &f->err), 0);
    return text;
}

static int verify(struct fixture *f, struct fb_str text)
{
    struct fb_token t;
    return fb_token_verify(f->verifier, text, FB_STR("forbear"), NOW, f->arena, &t, &f->err);
}

/* --- PASETO --- */

static struct fb_str member(json_t *j, const char *name)
{
    return fb_str(json_string_value(json_object_get(j, name)));
}

static void hex(struct fb_str text, uint8_t *ret, size_t n)
{
    size_t got;
    assert_int_equal(sodium_hex2bin(ret, n, text.p, text.n, NULL, &got, NULL), 0);
    assert_int_equal(got, n);
}

static void vector_passes(struct fixture *f, json_t *v)
{
    uint8_t secret[64], public_key[32];
    struct fb_str token, payload, footer;
    hex(member(v, "secret-key"), secret, sizeof secret);
    hex(member(v, "public-key"), public_key, sizeof public_key);
    assert_int_equal(fb_paseto_sign(secret, member(v, "payload"), member(v, "footer"), member(v, "implicit-assertion"), f->arena, &token, &f->err), 0);
    assert_true(fb_str_eq(token, member(v, "token")));
    assert_int_equal(fb_paseto_verify(public_key, token, member(v, "implicit-assertion"), f->arena, &payload, &footer, &f->err), 0);
    assert_true(fb_str_eq(payload, member(v, "payload")));
    assert_true(fb_str_eq(footer, member(v, "footer")));
    assert_true(fb_paseto_verify(public_key, token, FB_STR("another assertion"), f->arena, &payload, &footer, &f->err) < 0);
}

static void vector_fails(struct fixture *f, json_t *v)
{
    uint8_t public_key[32];
    struct fb_str payload, footer, key = member(v, "public-key");
    hex(key.n ? key : member(v, "key"), public_key, sizeof public_key);
    assert_true(fb_paseto_verify(public_key, member(v, "token"), member(v, "implicit-assertion"), f->arena, &payload, &footer, &f->err) < 0);
}

static void the_official_vectors_hold(void **state)
{
    struct fixture *f = *state;
    json_t *all = json_load_file(VECTORS, 0, NULL), *v;
    size_t i, passed = 0, failed = 0;
    assert_non_null(all);
    json_array_foreach(json_object_get(all, "tests"), i, v)
        if (json_is_true(json_object_get(v, "expect-fail")))
            vector_fails(f, v), failed++;
        else
            vector_passes(f, v), passed++;
    assert_int_equal(passed, 3);
    assert_int_equal(failed, 5);
    json_decref(all);
}

static void not_one_changed_character_goes_unnoticed(void **state)
{
    struct fixture *f = *state;
    struct fb_token t = a_token();
    struct fb_str text = signed_as(f, &t);
    for (size_t i = 0; i < text.n; i++) {
        struct fb_str altered = fb_arena_dup(f->arena, text);
        ((char *)altered.p)[i] = text.p[i] == 'A' ? 'B' : 'A';
        assert_true(verify(f, altered) < 0);
    }
    for (size_t n = 0; n < text.n; n++)
        assert_true(verify(f, (struct fb_str){text.p, n}) < 0);
}

/* --- claims --- */

static void a_token_says_what_was_signed(void **state)
{
    struct fixture *f = *state;
    struct fb_token in = a_token(), out;
    assert_int_equal(fb_token_verify(f->verifier, signed_as(f, &in), FB_STR("forbear"), NOW, f->arena, &out, &f->err), 0);
    assert_true(fb_hold_id_eq(in.hold, out.hold));
    assert_true(fb_str_eq(out.node, FB_STR("forbear")));
    assert_int_equal(out.exp_s, in.exp_s);
    assert_int_equal(out.use, FB_TOKEN_DECIDE);
    assert_int_equal(out.admin.n, 0);
}

static void an_admins_token_names_the_admin(void **state)
{
    struct fixture *f = *state;
    struct fb_token in = a_token(), out;
    struct fb_str text;
    in.use = FB_TOKEN_ADMIN_WITHDRAW, in.admin = FB_STR("j\xc3\xb6 \"q\"");
    assert_int_equal(fb_token_verify(f->verifier, signed_as(f, &in), FB_STR("forbear"), NOW, f->arena, &out, &f->err), 0);
    assert_true(fb_str_eq(out.admin, in.admin));
    assert_int_equal(out.use, FB_TOKEN_ADMIN_WITHDRAW);
    in.admin = FB_STR_NONE;
    assert_true(fb_token_sign(f->signer, &in, f->arena, &text, &f->err) < 0);
    in.use = FB_TOKEN_DECIDE, in.admin = FB_STR("jo");
    assert_true(fb_token_sign(f->signer, &in, f->arena, &text, &f->err) < 0);
}

static void another_node_is_foreign_and_time_runs_out(void **state)
{
    struct fixture *f = *state;
    struct fb_token in = a_token(), out;
    struct fb_str text = signed_as(f, &in);
    assert_true(fb_token_verify(f->verifier, text, FB_STR("forbear2"), NOW, f->arena, &out, &f->err) < 0);
    assert_int_equal(fb_token_verify(f->verifier, text, FB_STR("forbear"), in.exp_s - 1, f->arena, &out, &f->err), 0);
    assert_true(fb_token_verify(f->verifier, text, FB_STR("forbear"), in.exp_s, f->arena, &out, &f->err) < 0);
}

/* A token whose signature is good, and whose claims are not ours. */
static void claims_are_accepted_exactly_as_we_write_them(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *payload;
        bool good;
    } cases[] = {
        {"{\"exp\":\"2026-12-28T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\"}", true},
        {"{\"exp\":\"2026-12-28T00:00:00+00:00\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\"}", false},
        {"{\"exp\":\"2026-12-28T01:00:00+01:00\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\"}", false},
        {"{\"exp\":\"2027-02-30T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\"}", false},
        {"{\"exp\":1800000000,\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\"}", false},
        {"{\"exp\":\"2026-12-28T00:00:00Z\",\"exp\":\"2036-12-28T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\"}", false},
        {"{\"exp\":\"2026-12-28T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\",\"more\":1}", false},
        {"{\"exp\":\"2026-12-28T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0OD\",\"node\":\"forbear\",\"use\":\"decide\"}", false},
        {"{\"exp\":\"2026-12-28T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"read\"}", false},
        {"{\"exp\":\"2026-12-28T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"admin-release\"}", false},
        {"{\"adm\":\"\",\"exp\":\"2026-12-28T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"admin-release\"}", false},
        {"{\"adm\":\"jo\",\"exp\":\"2026-12-28T00:00:00Z\",\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\"}", false},
        {"{\"hid\":\"AAECAwQFBgcICQoLDA0ODw\",\"node\":\"forbear\",\"use\":\"decide\"}", false},
        {"[]", false},
        {"", false},
    };
    struct fb_token t = a_token();
    struct fb_str good = signed_as(f, &t), footer, text, key;
    uint8_t secret[64];
    assert_int_equal(fb_paseto_footer(good, f->arena, &footer, &f->err), 0);
    assert_int_equal(fb_io_read_file(f->arena, path_of(f, "signing.key"), 256, &key, &f->err), 0);
    key = fb_str_trim(key);
    assert_true(fb_b64_parse((struct fb_str){key.p + 10, key.n - 10}, secret, sizeof secret));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(fb_paseto_sign(secret, fb_str(cases[i].payload), footer, FB_STR_NONE, f->arena, &text, &f->err), 0);
        assert_int_equal(verify(f, text), cases[i].good ? 0 : -1);
    }
    struct fb_str odd_footer = fb_arena_printf(f->arena, "{\"kid\":\"%.8s\",\"x\":1}", footer.p + 8);
    assert_int_equal(fb_paseto_sign(secret, fb_str(cases[0].payload), odd_footer, FB_STR_NONE, f->arena, &text, &f->err), 0);
    assert_true(verify(f, text) < 0);
}

/* --- keys --- */

static mode_t mode_of(struct fixture *f, const char *name)
{
    struct stat st;
    assert_int_equal(stat(path_of(f, name), &st), 0);
    return st.st_mode & 07777;
}

static void keys_have_the_modes_that_keep_them(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mode_of(f, "signing.key"), 0400);
    assert_int_equal(mode_of(f, "box.key"), 0400);
    assert_int_equal(mode_of(f, "box.pub"), 0644);
    assert_int_equal(mode_of(f, "hash.key"), 0440);
}

static void the_box_keys_belong_together(void **state)
{
    struct fixture *f = *state;
    uint8_t public_key[FB_BOX_KEY], secret[FB_BOX_KEY];
    struct fb_str plain;
    assert_int_equal(fb_keys_read(f->dir, "box.pub", public_key, sizeof public_key, &f->err), 0);
    assert_int_equal(fb_keys_read(f->dir, "box.key", secret, sizeof secret, &f->err), 0);
    assert_int_equal(fb_box_open(f->arena, public_key, secret, fb_box_seal(f->arena, public_key, FB_STR("x")), &plain, &f->err), 0);
}

static struct fb_str content(struct fixture *f, const char *name)
{
    struct fb_str s;
    assert_int_equal(fb_io_read_file(f->arena, path_of(f, name), 256, &s, &f->err), 0);
    return s;
}

static void making_keys_again_replaces_none(void **state)
{
    struct fixture *f = *state;
    struct fb_str signing = content(f, "signing.key"), box = content(f, "box.key"), hash = content(f, "hash.key");
    unlink(path_of(f, "box.pub"));
    assert_int_equal(fb_keys_generate(f->dir, false, &f->err), 0);
    assert_true(fb_str_eq(signing, content(f, "signing.key")));
    assert_true(fb_str_eq(box, content(f, "box.key")));
    assert_true(fb_str_eq(hash, content(f, "hash.key")));
    the_box_keys_belong_together(state);
}

static void links_outlive_a_rotation(void **state)
{
    struct fixture *f = *state;
    struct fb_token t = a_token();
    struct fb_str old = signed_as(f, &t);
    assert_int_equal(fb_keys_generate(f->dir, true, &f->err), 0);
    fb_signer_close(f->signer);
    fb_verifier_close(f->verifier);
    f->verifier = NULL, f->signer = NULL;
    assert_int_equal(fb_signer_open(f->dir, &f->signer, &f->err), 0);
    assert_int_equal(fb_verifier_open(f->dir, &f->verifier, &f->err), 0);
    struct fb_str new = signed_as(f, &t);
    assert_false(fb_str_eq(old, new));
    assert_int_equal(verify(f, old), 0);
    assert_int_equal(verify(f, new), 0);
}

static void a_token_of_another_gateways_key_is_refused(void **state)
{
    struct fixture *f = *state;
    void *foreign_state;
    assert_int_equal(set_up(&foreign_state), 0);
    struct fixture *foreign = foreign_state;
    struct fb_token t = a_token();
    assert_true(verify(f, signed_as(foreign, &t)) < 0);
    assert_non_null(strstr(f->err.text, "key that is not here"));
    tear_down(&foreign_state);
}

static void a_key_file_that_is_none_is_named(void **state)
{
    struct fixture *f = *state;
    struct fb_signer *s;
    struct fb_verifier *v;
    static const char *const bad[] = {"", "k4.secret.AAAA\n", "k3.secret.AAAA\n",
        "k4.secret.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fb_io_write_file(f->dir, "signing.key", fb_str(bad[i]), 0400, &f->err), 0);
        assert_true(fb_signer_open(f->dir, &s, &f->err) < 0);
        assert_non_null(strstr(f->err.text, "signing.key"));
    }
    assert_int_equal(fb_io_write_file(path_of(f, "public"), "wrong123.pub", FB_STR("k4.public.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0644, &f->err), 0);
    assert_true(fb_verifier_open(f->dir, &v, &f->err) < 0);
    assert_non_null(strstr(f->err.text, "wrong123.pub"));
}

/* --- links --- */

static void a_link_is_at_most_360_characters_and_comes_apart_again(void **state)
{
    struct fixture *f = *state;
    static const char base_url[] = "https://forbear.a-rather-long-name.department.example.org:84"; /* 60 characters */
    uint8_t key[FB_PAGE_KEY], got_key[FB_PAGE_KEY];
    struct fb_token t = a_token();
    struct fb_str token = signed_as(f, &t), link, got_token;
    assert_int_equal(sizeof base_url - 1, 60);
    fb_page_key_new(key);
    assert_int_equal(fb_link_make(base_url, token, key, f->arena, &link, &f->err), 0);
    assert_true(link.n <= 360);
    struct fb_str last = {link.p + 60 + 3, link.n - 60 - 3};
    assert_true(fb_link_parse(last, &got_token, got_key));
    assert_true(fb_str_eq(token, got_token));
    assert_memory_equal(key, got_key, sizeof key);
    for (size_t n = 0; n < last.n; n++)
        assert_false(fb_link_parse((struct fb_str){last.p, n}, &got_token, got_key) && verify(f, got_token) == 0);
}

static void what_stands_for_a_key_is_the_offset(void **state)
{
    static const int offsets[] = {0, 60, -210, 14 * 60, -12 * 60};
    uint8_t key[FB_PAGE_KEY];
    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        fb_link_keyless(offsets[i], key);
        assert_int_equal(fb_link_tz_min(key), offsets[i]);
        key[i] = 1;
        assert_int_equal(fb_link_tz_min(key), 0);
    }
    fb_page_key_new(key);
    assert_int_equal(fb_link_tz_min(key), 0);
}

/* What the configuration says of a link's length, for every node and the base that it leaves room for, and one character more. */
static void the_configuration_knows_how_long_links_will_be(void **state)
{
    struct fixture *f = *state;
    uint8_t key[FB_PAGE_KEY] = {0};
    struct fb_token t = a_token();
    struct fb_str link;
    for (int n = 1; n <= 32; n++) {
        t.node = fb_arena_printf(f->arena, "%.*s", n, "abcdefghijklmnopqrstuvwxyz-012345");
        assert_int_equal(fb_link_make("", signed_as(f, &t), key, f->arena, &link, &f->err), 0);
        int room = FB_LINK_MAX - (int)link.n;
        for (int more = 0; more < 2; more++) {
            struct fb_conf *conf = NULL;
            struct fb_str text = fb_arena_printf(f->arena, "[forbear]\nnode = %.*s\n[web]\nbase_url = http://%0*d\n", FB_FMT(t.node), room + more - 7, 0);
            assert_int_equal(fb_io_write_file(f->dir, "forbear.conf", text, 0600, &f->err), 0);
            assert_int_equal(fb_conf_load(path_of(f, "forbear.conf"), &conf, &f->err), more ? -1 : 0);
            assert_true(!more || strstr(f->err.text, "make links of 361 characters: 1 more"));
            fb_conf_free(conf);
        }
    }
}

static void a_node_of_13_characters_still_fits_and_a_longer_link_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char base_url[] = "https://forbear.a-rather-long-name.department.example.org:84";
    uint8_t key[FB_PAGE_KEY] = {0};
    struct fb_token t = a_token();
    struct fb_str link;
    t.node = FB_STR("gateway-13chr");
    assert_int_equal(fb_link_make(base_url, signed_as(f, &t), key, f->arena, &link, &f->err), 0);
    assert_int_equal(link.n, 360);
    t.node = FB_STR("gateway-of-thirtytwo-characters-");
    assert_true(fb_link_make(base_url, signed_as(f, &t), key, f->arena, &link, &f->err) < 0);
    assert_non_null(strstr(f->err.text, "base_url"));
}

static void every_allocation_may_fail(void **state)
{
    struct fixture *f = *state;
    struct fb_token t = a_token(), got;
    struct fb_str text = FB_STR_NONE, good = signed_as(f, &t);
    for (unsigned long nth = 1, failed = 1; failed; nth++) {
        fb_arena_fail_at(nth);
        failed = fb_token_sign(f->signer, &t, f->arena, &text, &f->err) < 0;
        failed |= fb_token_verify(f->verifier, good, FB_STR("forbear"), NOW, f->arena, &got, &f->err) < 0;
        fb_arena_fail_at(0);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_official_vectors_hold),
        CASE(not_one_changed_character_goes_unnoticed),
        CASE(a_token_says_what_was_signed),
        CASE(an_admins_token_names_the_admin),
        CASE(another_node_is_foreign_and_time_runs_out),
        CASE(claims_are_accepted_exactly_as_we_write_them),
        CASE(keys_have_the_modes_that_keep_them),
        CASE(the_box_keys_belong_together),
        CASE(making_keys_again_replaces_none),
        CASE(links_outlive_a_rotation),
        CASE(a_token_of_another_gateways_key_is_refused),
        CASE(a_key_file_that_is_none_is_named),
        CASE(a_link_is_at_most_360_characters_and_comes_apart_again),
        CASE(what_stands_for_a_key_is_the_offset),
        CASE(the_configuration_knows_how_long_links_will_be),
        CASE(a_node_of_13_characters_still_fits_and_a_longer_link_is_refused),
        CASE(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
