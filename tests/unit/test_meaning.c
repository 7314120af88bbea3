/* What the judge of meaning is given of a message, and what becomes of what it says: the facts of the audience, names as
 * roles, which language is read, and signals that quote the sender's own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/io.h"
#include "mail/message.h"
#include "rules/input.h"
#include "rules/judge.h"
#include "rules/judging.h"

static const char people[] = "email,name,aliases,title,manager\n"
                             "ceo@x.example,Carla Chief,,,\n"
                             "head@x.example,Hugo Head,,,ceo@x.example\n"
                             "me@x.example,Mia Sender,,,head@x.example\n"
                             "lena@x.example,Lena Kowal,,,head@x.example\n"
                             "rob@x.example,Ruben Below,,,me@x.example\n"
                             "kev@x.example,Kevin Tran,Kev,,lena@x.example\n";
static const char lists[] = "list,member\nteam@x.example,lena@x.example\nteam@x.example,kev@x.example\nteam@x.example,me@x.example\n";
static const char rules[] = "[any]\ntitle = T\nwhy = W\nadvice = A\nstart = -7\nweight.judge_hold = 1\nmost.judge_hold = 100\n";

static char dir[] = "/tmp/forbear-meaning-XXXXXX";
static struct fb_arena *arena;
static struct fb_conf *conf;
static struct fb_judging judging;
static struct fb_judge judge;

static int setup(void **state)
{
    (void)state;
    char path[64];
    struct fb_err err = {""};
    fb_message_init();
    arena = fb_arena_new(64u << 20);
    if (!arena || !mkdtemp(dir) ||
        fb_io_write_file(dir, "forbear.conf", FB_STR("[forbear]\nmode = hold\n[scope]\ninternal_domains = x.example\n"), 0600, &err))
        return -1;
    snprintf(path, sizeof path, "%s/forbear.conf", dir);
    if (fb_conf_load(path, &conf, &err) || fb_judging_open(arena, TEST_MODEL, TEST_SECOND, NULL, &judging, &err) ||
        fb_people_read(arena, "people.csv", fb_str(people), "lists.csv", fb_str(lists), &judge.people, &err) ||
        fb_phrases_read(arena, "list.txt", FB_STR("messed up\n"), &judge.phrases, &err) ||
        fb_signals_init(arena, judge.phrases, &judging, &judge.signals, &err) ||
        fb_ruleset_read(arena, "rules.conf", fb_str(rules), &judge.signals, &judge.rules, &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    judge.conf = conf;
    judge.judging = &judging;
    if (!judging.pool) {
        print_message("%s\n", judging.absent.p);
        exit(77); /* which the test run takes for skipped */
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/forbear.conf", dir);
    unlink(path);
    fb_judging_close(&judging);
    fb_conf_free(conf);
    fb_arena_free(arena);
    return rmdir(dir);
}

/* Judges a mail of me@x.example whose fields below From are @fields; with @secret, Kevin is a recipient of the envelope. */
/* What it gives points into itself. */
static struct fb_judgement *judged_with(bool secret, const char *fields, const char *text)
{
    static const struct fb_str rcpt = {"kev@x.example", 13};
    static struct fb_envelope env = {.sender = {"me@x.example", 12}, .login = {"me@x.example", 12}, .declared_size = -1, .rcpt = &rcpt};
    env.rcpt_n = secret;
    struct fb_str raw = fb_arena_printf(arena, "From: me@x.example\r\nMessage-ID: <1@x.example>\r\n%s\r\n\r\n%s", fields, text);
    struct fb_judge_input in = {.env = &env, .raw = raw, .now_s = 1800000000};
    struct fb_judgement *j = fb_arena_alloc(arena, sizeof *j);
    struct fb_err err = {""};
    if (fb_judge_run(&judge, arena, &in, j, &err))
        fail_msg("%s", err.text);
    if (j->verdict.not_judged != FB_REASON_none)
        fail_msg("not judged: %s", fb_reason_sentence(j->verdict.not_judged));
    return j;
}

static struct fb_judgement *judged(const char *fields, const char *text)
{
    return judged_with(false, fields, text);
}

static void the_audience_is_described_as_in_training(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *facts;
    } cases[] = {
        {"To: kev@x.example", "to: peer; cc: none; readers: 1; outside: none"},
        {"To: kev@x.example\r\nCc: lena@x.example", "to: peer; cc: addressee's manager; readers: 2; outside: none; alone before with: nobody"},
        {"To: lena@x.example\r\nCc: head@x.example",
         "to: peer; cc: my manager and addressee's manager; readers: 2; outside: none; alone before with: nobody"},
        {"To: rob@x.example\r\nCc: ceo@x.example",
         "to: my report; cc: my boss above and addressee's boss above; readers: 2; outside: none; alone before with: nobody"},
        {"To: team@x.example, kev@x.example", "to: list of 3, peer; cc: none; readers: 2; outside: none; alone before with: nobody"},
        {"To: a@client.example, kev@x.example", "to: outsider, peer; cc: none; readers: 2; outside: some; alone before with: nobody"},
        {"Cc: kev@x.example", "to: peer; cc: none; readers: 1; outside: none"},
        {"To: kev@x.example\r\nDate: Mon, 16 Nov 2026 22:10:00 +0100", "to: peer; cc: none; readers: 1; outside: none; at night"},
        {"To: kev@x.example\r\nDate: Mon, 16 Nov 2026 20:59:00 +0100", "to: peer; cc: none; readers: 1; outside: none"},
        {"To: a@c.example, b@c.example, c@c.example, d@c.example, e@c.example, f@c.example, g@c.example, kev@x.example",
         "to: outsider, outsider, outsider, outsider, outsider, outsider, +2; cc: none; readers: 4-9; outside: some; alone before with: nobody"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_judgement *j = judged(cases[i].fields, "The room is booked for the review on Friday.");
        struct fb_input in;
        assert_int_equal(fb_input_make(arena, &j->c, &in, NULL), 0);
        assert_string_equal(in.facts.p, cases[i].facts);
    }
}

static void who_reads_in_secret_is_a_reader_too(void **state)
{
    (void)state;
    struct fb_judgement *j = judged_with(true, "To: rob@x.example", "The room is booked for the review on Friday.");
    struct fb_input in;
    assert_int_equal(fb_input_make(arena, &j->c, &in, NULL), 0);
    assert_non_null(strstr(in.facts.p, "readers: 2;"));
}

static void names_become_roles_and_words_stay_where_they_were(void **state)
{
    (void)state;
    static const char text[] = "Kev, Lena Kowal told Ruben that Hugo is late.  \n  Kevin's plan is Kevin Kevin, says Mia Sender.";
    struct fb_judgement *j = judged("To: kev@x.example\r\nCc: lena@x.example", text);
    struct fb_input in;
    assert_int_equal(fb_input_make(arena, &j->c, &in, NULL), 0);
    assert_string_equal(in.text.p, "[TO], [CC] told [COLLEAGUE] that [MYBOSS] is late.\n[TO]'s plan is [TO], says Mia Sender.");
    const char *at = strstr(in.text.p, "[CC] told");
    assert_true(fb_str_eq(fb_input_own(&in, &j->c, (struct fb_str){at, strlen("[CC] told [COLLEAGUE]")}), FB_STR("Lena Kowal told Ruben")));
    at = strstr(in.text.p, "[TO]'s");
    assert_true(fb_str_eq(fb_input_own(&in, &j->c, (struct fb_str){at, strlen(at)}), FB_STR("Kevin's plan is Kevin Kevin, says Mia Sender.")));
}

static double value(const struct fb_judgement *j, const char *name, const struct fb_signal **ret)
{
    size_t i = 0;
    if (!fb_signals_find(&judge.signals, fb_str(name), &i))
        fail_msg("there is no signal %s", name);
    if (ret)
        *ret = &j->signals[i];
    return j->signals[i].value;
}

static void what_is_found_is_quoted_from_the_senders_own_words(void **state)
{
    (void)state;
    static const char text[] = "Kev, once again you did not do what we agreed. Everybody here had to clean up after you.\r\n\r\nMia\r\n";
    struct fb_judgement *j = judged("To: kev@x.example, lena@x.example, rob@x.example\r\nSubject: Friday", text);
    const struct fb_signal *s;
    assert_true(value(j, "judged", NULL) == 1);
    assert_true(value(j, "judge_hold", &s) > -FB_MEANING_FLOOR);
    assert_true(value(j, "judge_public_shaming", NULL) > -FB_MEANING_FLOOR);
    assert_true(s->evidence_n > 0);
    for (size_t i = 0; i < s->evidence_n; i++)
        assert_non_null(strstr(text, fb_arena_dup(arena, s->evidence[i].text).p));
}

static void a_greeting_is_no_evidence(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "All,\r\n\r\nKev, you never do what we agreed. You dropped the ball on the release again, and this is unacceptable.\r\n",
        "Dear all,\r\n\r\nonce again Kev did not do what we agreed.\r\n",
    };
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        const struct fb_signal *s;
        value(judged("To: kev@x.example, lena@x.example, rob@x.example\r\nSubject: Release", texts[t]), "judge_hold", &s);
        assert_true(s->evidence_n > 0);
        for (size_t i = 0; i < s->evidence_n; i++)
            assert_false(fb_str_iends(s->evidence[i].text, FB_STR(",")));
    }
}

static void calm_mail_says_nothing(void **state)
{
    (void)state;
    struct fb_judgement *j = judged("To: kev@x.example, lena@x.example", "The room is booked for the review on Friday, and lunch is at noon.");
    assert_true(value(j, "judged", NULL) == 1);
    assert_true(value(j, "judge_hold", NULL) < -FB_MEANING_FLOOR);
    assert_true(value(j, "judge_public_shaming", NULL) < -FB_MEANING_FLOOR);
}

static void what_comes_near_is_read_closely(void **state)
{
    (void)state;
    static const char blame[] = "Kev, once again you did not do what we agreed. Everybody here had to clean up after you.";
    static const char *const to = "To: kev@x.example, lena@x.example, rob@x.example\r\nSubject: Friday";
    struct fb_judgement *j = judged(to, blame);
    assert_true(j->c.closely);
    double closely = value(j, "judge_hold", NULL);
    assert_false(judged(to, "The room is booked for the review on Friday, and lunch is at noon.")->c.closely);
    struct fb_pool *second = judging.second;
    judging.second = NULL;
    j = judged(to, blame);
    judging.second = second;
    assert_false(j->c.closely);
    assert_true(value(j, "judge_hold", NULL) > 0 && value(j, "judge_hold", NULL) != closely);
}

static bool no_time_for_a_second(void *asked)
{
    return ++*(unsigned *)asked > judge.signals.sources_n;
}

static void without_time_to_read_closely_the_first_word_stands(void **state)
{
    (void)state;
    struct fb_judgement *j = judged("To: kev@x.example, lena@x.example", "Kev, once again you did not do what we agreed. Lena saw it.");
    struct fb_judge_input in = {.env = j->c.env};
    struct fb_judgement again = {.headers = j->headers, .message = j->message, .own = j->own};
    enum fb_reason reason;
    unsigned asked = 0;
    in.expired = no_time_for_a_second;
    in.expired_arg = &asked;
    assert_true(j->c.closely);
    assert_int_equal(fb_judge_weigh(&judge, arena, &in, NULL, &again, &reason, NULL), 0);
    assert_int_equal(reason, FB_REASON_none);
    assert_false(again.c.closely);
    assert_true(value(&again, "judge_hold", NULL) > 0);
}

static void other_languages_are_not_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool english;
    } cases[] = {
        {"Could you send me the figures before noon, please? I want to look at them once more.", true},
        {"Günaydın all,\n\nthe figures are in the shared folder. Please look at them before the call.\n\nSelamlar", true},
        {"Salut Kev, thanks for this.", true},
        {"OK", true},
        {"Kannst du mir bitte die Zahlen schicken, bevor wir sie in der Besprechung brauchen? Ich habe sie noch nicht.", false},
        {"Pourrais-tu m'envoyer les chiffres avant midi ? Je dois les voir encore une fois avec vous.", false},
        {"Toplanti yarin sabah saat dokuzda, bu konuyu orada konusmak icin sizi de bekliyoruz ve cok tesekkurler", false},
        {"Qwertz uiopü asdf ghjkl öäyxc vbnm qwertz uiopü asdf ghjkl öäyxc vbnm qwertz uiopü", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_judgement *j = judged("To: kev@x.example\r\nContent-Type: text/plain; charset=utf-8", cases[i].text);
        assert_true(value(j, "judged", NULL) == cases[i].english);
        assert_true(value(j, "other_language", NULL) == !cases[i].english);
        assert_int_equal(j->verdict.unread, cases[i].english ? FB_REASON_none : FB_REASON_language);
    }
}

static void without_weights_all_is_silent(void **state)
{
    (void)state;
    struct fb_pool *pool = judging.pool;
    judging.pool = NULL;
    struct fb_judgement *j = judged("To: kev@x.example, lena@x.example", "Kev, once again you did not do what we agreed.");
    judging.pool = pool;
    assert_true(value(j, "judged", NULL) == 0);
    assert_true(value(j, "judge_hold", NULL) == 0);
}

static void the_same_weights_are_loaded_once(void **state)
{
    (void)state;
    struct fb_judging same, other;
    char copy[64];
    struct fb_str bytes;
    FB_ARENA big = fb_arena_new(1 << 26);
    snprintf(copy, sizeof copy, "%s/judge.bin", dir);
    assert_int_equal(fb_io_read_file(big, TEST_MODEL, 1 << 25, &bytes, NULL), 0);
    assert_int_equal(fb_io_write_file(dir, "judge.bin", bytes, 0600, NULL), 0);
    assert_int_equal(fb_judging_open(arena, TEST_MODEL, TEST_SECOND, &judging, &same, NULL), 0);
    assert_int_equal(fb_judging_open(arena, copy, TEST_SECOND, &judging, &other, NULL), 0);
    assert_ptr_equal(same.pool, judging.pool);
    assert_ptr_equal(same.second, judging.second);
    assert_ptr_not_equal(other.pool, judging.pool);
    assert_ptr_equal(other.second, judging.second);
    fb_judging_close(&same);
    fb_judging_close(&other);
    unlink(copy);
    assert_true(value(judged("To: kev@x.example", "Kev, thank you for the quick work on this."), "judged", NULL) == 1);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct fb_judgement *j = judged("To: kev@x.example, lena@x.example", "Kev, once again you did not do what we agreed. Lena saw it.");
    const struct fb_source *source = &judge.signals.sources[judge.signals.sources_n - 1];
    struct fb_signal *ret = fb_arena_array(arena, source->n, sizeof *ret);
    unsigned long nth = 0;
    int rc = -1;
    while (rc) {
        FB_ARENA small = fb_arena_new(8u << 20);
        struct fb_err err = {""};
        fb_arena_fail_at(++nth);
        memset(ret, 0, source->n * sizeof *ret);
        rc = fb_meaning_signals_read(source, small, &j->c, ret, &err);
        fb_arena_fail_at(0);
        assert_true(rc == 0 || *err.text);
    }
    assert_true(nth > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_audience_is_described_as_in_training),
        cmocka_unit_test(who_reads_in_secret_is_a_reader_too),
        cmocka_unit_test(names_become_roles_and_words_stay_where_they_were),
        cmocka_unit_test(what_is_found_is_quoted_from_the_senders_own_words),
        cmocka_unit_test(a_greeting_is_no_evidence),
        cmocka_unit_test(calm_mail_says_nothing),
        cmocka_unit_test(what_comes_near_is_read_closely),
        cmocka_unit_test(without_time_to_read_closely_the_first_word_stands),
        cmocka_unit_test(other_languages_are_not_read),
        cmocka_unit_test(without_weights_all_is_silent),
        cmocka_unit_test(the_same_weights_are_loaded_once),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
