/* What was before a message, from the headers of earlier mail and from the quoted reply: what the judge is told of it, what the
 * signals say, and which mail teaches anything. */
#include "world.h"

#include "rules/input.h"

static const char people[] = "email,name,aliases,title,manager\n"
                             "head@x.example,Hugo Head,,,\n"
                             "me@x.example,Mia Sender,,,head@x.example\n"
                             "lena@x.example,Lena Kowal,,,head@x.example\n"
                             "omar@x.example,Omar Absent,,,head@x.example\n"
                             "kev@x.example,Kevin Tran,Kev,,lena@x.example\n";
static const char lists[] = "list,member\nteam@x.example,lena@x.example\nteam@x.example,kev@x.example\nteam@x.example,me@x.example\n";
static const char rules[] = "[any]\ntitle = T\nwhy = W\nadvice = A\nstart = -7\nweight.newly_added = 1\n";

static const uint8_t key[FB_HISTORY_KEY] = {7};

static int setup_all(void **state)
{
    static const struct world w = {.conf = "[forbear]\nmode = hold\n[scope]\ninternal_domains = x.example\nprotected = council@x.example\n"
                                    "[history]\nincoming = yes\n[notice]\nfrom = forbear@x.example\n",
                                   .people = people, .lists = lists, .phrases = "messed up\n", .rules = rules};
    (void)state;
    return world_open(&w, 256u << 20);
}

static int teardown_all(void **state)
{
    (void)state;
    return world_close();
}

static int setup(void **state)
{
    struct fb_history *h;
    int rc = fb_history_open(NULL, key, true, 0, &h, NULL);
    *state = h;
    return rc;
}

static int teardown(void **state)
{
    fb_history_close(*state);
    return 0;
}

static struct fb_headers headers(const char *fields)
{
    struct fb_headers h = {.arena = arena};
    struct fb_str body;
    assert_int_equal(fb_headers_split(&h, fb_arena_printf(arena, "%s\r\n\r\n", fields), 1 << 20, 1000, &body, NULL), 0);
    return h;
}

/* Whether a mail teaches anything: of our own client where @login is set; then into @history. */
static bool teaches(struct fb_history *history, const char *sender, const char *login, const char *fields)
{
    struct fb_headers h = headers(fields);
    struct fb_envelope env = {.sender = fb_str(sender), .login = fb_str(login), .declared_size = -1};
    struct fb_history_mail mail;
    struct fb_history_note note;
    if (!fb_scope_learns(conf, &env, &h) || fb_past_lesson(arena, conf, &judge.people, &env, &h, INT64_MIN, &mail, NULL))
        return false;
    fb_history_pack(key, &mail, &note);
    assert_int_equal(fb_history_learn(history, note.v, note.n, mail.sent_s, NULL), 0);
    return true;
}

#define DAY "Mon, 16 Nov 2026 "

static void seen(struct fb_history *history, const char *fields)
{
    assert_true(teaches(history, "anybody@x.example", "anybody@x.example", fields));
}

/* Judges a mail of me@x.example at 10:00 whose fields below From are @fields. What it gives points into itself. */
static struct fb_judgement *judged(struct fb_history *history, const char *fields, const char *text)
{
    struct fb_envelope *env = fb_arena_alloc(arena, sizeof *env);
    struct fb_judgement *j = fb_arena_alloc(arena, sizeof *j);
    struct fb_err err = {""};
    *env = (struct fb_envelope){.sender = FB_STR("me@x.example"), .login = FB_STR("me@x.example"), .declared_size = -1};
    struct fb_str raw = fb_arena_printf(arena, "From: me@x.example\r\nMessage-ID: <now@x.example>\r\nDate: " DAY "10:00:00 +0100\r\n%s\r\n\r\n%s", fields, text);
    struct fb_judge_input in = {.env = env, .raw = raw, .now_s = 1794819600, .history = history};
    if (fb_judge_run(&judge, arena, &in, j, &err))
        fail_msg("%s", err.text);
    if (j->verdict.not_judged != FB_REASON_none)
        fail_msg("not judged: %s", fb_reason_sentence(j->verdict.not_judged));
    return j;
}

static int value(const struct fb_judgement *j, const char *name)
{
    size_t i;
    assert_true(fb_signals_find(&judge.signals, fb_str(name), &i));
    return (int)j->signals[i].value;
}

static const char *note(const struct fb_judgement *j, const char *name)
{
    size_t i;
    assert_true(fb_signals_find(&judge.signals, fb_str(name), &i) && j->signals[i].evidence_n > 0);
    return j->signals[i].evidence[0].note.p;
}

static const char *facts(const struct fb_judgement *j)
{
    struct fb_input in;
    assert_int_equal(fb_input_make(arena, &j->c, &in, NULL), 0);
    return in.facts.p;
}

static void a_manager_who_is_new_on_the_thread_is_known_as_such(void **state)
{
    seen(*state, "From: kev@x.example\r\nTo: me@x.example\r\nMessage-ID: <1>\r\nDate: " DAY "09:58:30 +0100");
    struct fb_judgement *j = judged(*state, "To: kev@x.example\r\nCc: head@x.example\r\nIn-Reply-To: <1>", "The report is late again.");
    assert_string_equal(facts(j), "to: peer; cc: my manager and addressee's boss above; readers: 2; outside: none; new on thread: my manager and addressee's "
                                  "boss above; alone before with: nobody; reply after: minutes; answers: colleague");
    assert_int_equal(value(j, "newly_added"), 1);
    assert_int_equal(value(j, "newly_added_manager"), 1);
    assert_string_equal(note(j, "newly_added"), "Hugo Head is new on this thread");
    assert_int_equal(value(j, "minutes_since"), 2);
    assert_int_equal(value(j, "quick_reply"), 1);
}

static void an_answer_is_known_by_its_header_its_subject_or_its_quote(void **state)
{
    static const struct {
        const char *fields, *text;
        int reply;
    } cases[] = {
        {"To: kev@x.example\r\nSubject: Report", "The report is here.", 0},
        {"To: kev@x.example\r\nSubject: Report\r\nReferences: <forwarded>", "The report is here.", 0},
        {"To: kev@x.example\r\nSubject: Report\r\nIn-Reply-To: <unseen>", "The report is here.", 1},
        {"To: kev@x.example\r\nSubject: RE: Report", "The report is here.", 1},
        {"To: kev@x.example\r\nSubject: AW: Report", "The report is here.", 1},
        {"To: kev@x.example\r\nSubject: Regards from Rome", "The report is here.", 0},
        {"To: kev@x.example\r\nSubject: Report", "It is here.\r\n\r\nOn Mon, 16 Nov 2026 at 09:48, Kevin Tran <kev@x.example> wrote:\r\n> Where is it?\r\n", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(value(judged(*state, cases[i].fields, cases[i].text), "reply"), cases[i].reply);
}

static void who_was_there_before_is_not_new(void **state)
{
    seen(*state, "From: kev@x.example\r\nTo: me@x.example\r\nCc: head@x.example\r\nMessage-ID: <1>\r\nDate: " DAY "06:00:00 +0100");
    struct fb_judgement *j = judged(*state, "To: kev@x.example\r\nCc: head@x.example\r\nReferences: <0> <1>", "The report is late again.");
    assert_non_null(strstr(facts(j), "; new on thread: none;"));
    assert_non_null(strstr(facts(j), "; reply after: hours; answers: colleague"));
    assert_int_equal(value(j, "newly_added"), 0);
    assert_int_equal(value(j, "quick_reply"), 0);
    assert_int_equal(value(j, "minutes_since"), 240);
}

/* The facts are as training made them, by the addresses in the header; a signal must be true of the person. */
static void who_read_it_through_a_list_is_not_newly_added(void **state)
{
    seen(*state, "From: kev@x.example\r\nTo: team@x.example\r\nMessage-ID: <1>\r\nDate: " DAY "09:00:00 +0100");
    struct fb_judgement *j = judged(*state, "To: team@x.example, lena@x.example, omar@x.example\r\nIn-Reply-To: <1>", "It is late again.");
    assert_non_null(strstr(facts(j), "; new on thread: peer, peer;"));
    assert_int_equal(value(j, "newly_added"), 1);
    assert_string_equal(note(j, "newly_added"), "Omar Absent is new on this thread");
}

static void on_a_thread_that_is_not_known_nobody_is_new(void **state)
{
    seen(*state, "From: me@x.example\r\nTo: kev@x.example\r\nReferences: <0>\r\nMessage-ID: <1>\r\nDate: " DAY "09:00:00 +0100");
    struct fb_judgement *j = judged(*state, "To: kev@x.example, head@x.example\r\nReferences: <0> <1> <2>", "It is late again.");
    assert_string_equal(facts(j), "to: peer, my manager and addressee's boss above; cc: none; readers: 2; outside: none; alone before with: nobody");
    assert_int_equal(value(j, "newly_added"), 0);
}

static void with_whom_the_sender_wrote_alone_is_known(void **state)
{
    seen(*state, "From: me@x.example\r\nTo: kev@x.example\r\nMessage-ID: <1>\r\nDate: Thu, 12 Nov 2026 09:00:00 +0100");
    seen(*state, "From: lena@x.example\r\nTo: me@x.example\r\nMessage-ID: <2>\r\nDate: Fri, 13 Nov 2026 09:00:00 +0100");
    seen(*state, "From: me@x.example\r\nTo: omar@x.example, head@x.example\r\nMessage-ID: <3>\r\nDate: Fri, 13 Nov 2026 09:00:00 +0100");
    struct fb_judgement *j = judged(*state, "To: kev@x.example, lena@x.example, omar@x.example", "It is late again.");
    assert_non_null(strstr(facts(j), "; alone before with: addressee's manager, peer"));
    assert_int_equal(value(j, "alone_before"), 2);
    assert_string_equal(note(j, "alone_before"), "Kevin Tran and you wrote to each other alone before");
}

static void on_this_thread_or_long_ago_is_not_before(void **state)
{
    seen(*state, "From: me@x.example\r\nTo: kev@x.example\r\nMessage-ID: <1>\r\nDate: Thu, 12 Nov 2026 09:00:00 +0100");
    seen(*state, "From: me@x.example\r\nTo: lena@x.example\r\nMessage-ID: <2>\r\nDate: Thu, 1 Oct 2026 09:00:00 +0100");
    struct fb_judgement *j = judged(*state, "To: kev@x.example, lena@x.example\r\nIn-Reply-To: <1>", "It is late again.");
    assert_int_equal(value(j, "alone_before"), 0);
}

static void the_one_who_is_named_was_written_to_before(void **state)
{
    seen(*state, "From: me@x.example\r\nTo: omar@x.example\r\nMessage-ID: <1>\r\nDate: " DAY "08:00:00 +0100");
    struct fb_judgement *j = judged(*state, "To: team@x.example", "Omar Absent messed up the list.");
    assert_int_equal(value(j, "named_alone_before"), 1);
    assert_string_equal(note(j, "named_alone_before"), "Omar Absent and you wrote to each other alone before");
    assert_int_equal(value(judged(*state, "To: team@x.example", "Kevin messed up the list."), "named_alone_before"), 0);
    assert_int_equal(value(judged(*state, "To: omar@x.example\r\nCc: team@x.example", "That went wrong."), "named_alone_before"), 1);
}

static void where_nothing_was_seen_the_quoted_reply_tells_who_is_answered(void **state)
{
    (void)state;
    static const char text[] = "No.\r\n\r\nOn Mon, 16 Nov 2026 at 09:48, Kai <kai@client.example> wrote:\r\n> Where is it?\r\n";
    struct fb_judgement *j = judged(NULL, "To: kai@client.example", text);
    assert_true(j->c.past.answers && j->c.past.quoted && !j->c.past.answered_inside);
    assert_int_equal(value(j, "minutes_since"), 12);
    assert_int_equal(value(j, "quick_reply"), 1);
    assert_string_equal(note(j, "quick_reply"), "It answers a mail that was sent 12 minutes before");
    assert_null(strstr(facts(j), "answers"));
}

static void what_is_forwarded_is_not_answered(void **state)
{
    (void)state;
    static const char text[] = "See below.\r\n\r\n---------- Forwarded message ---------\r\nFrom: Kai <kai@client.example>\r\nDate: Mon, 16 Nov 2026 at 09:48\r\n"
                               "Subject: s\r\nTo: me@x.example\r\n\r\nWhere is it?\r\n";
    struct fb_judgement *j = judged(NULL, "To: kev@x.example", text);
    assert_false(j->c.past.answers);
    assert_int_equal(value(j, "minutes_since"), 0);
}

static void a_clock_that_cannot_be_right_tells_nothing(void **state)
{
    seen(*state, "From: kev@x.example\r\nTo: me@x.example\r\nMessage-ID: <1>\r\nDate: " DAY "19:00:00 +0100");
    assert_int_equal(value(judged(*state, "To: kev@x.example\r\nIn-Reply-To: <1>", "No."), "minutes_since"), 0);
}

static void what_teaches_and_what_does_not(void **state)
{
    static const struct {
        const char *sender, *login, *fields;
        bool teaches;
    } cases[] = {
        {"me@x.example", "me@x.example", "From: me@x.example\r\nTo: kev@x.example", true},
        {"boss@x.example", "me@x.example", "From: boss@x.example\r\nTo: kev@x.example", true}, /* a delegate's, which is not judged */
        {"kai@client.example", "", "From: kai@client.example\r\nTo: me@x.example", true},
        {"kai@client.example", "", "From: me@x.example\r\nTo: kev@x.example", false}, /* anybody can write our address */
        {"kai@client.example", "", "To: kev@x.example", false},
        {"", "", "From: mailer-daemon@client.example\r\nTo: me@x.example", false},
        {"forbear@x.example", "x", "From: forbear@x.example\r\nTo: me@x.example", false},
        {"me@x.example", "x", "From: me@x.example\r\nTo: kev@x.example\r\nAuto-Submitted: auto-replied", false},
        {"me@x.example", "x", "From: me@x.example\r\nTo: kev@x.example\r\nPrecedence: bulk", false},
        {"me@x.example", "x", "From: me@x.example\r\nTo: kev@x.example\r\nContent-Type: text/calendar", false},
        {"me@x.example", "x", "From: me@x.example\r\nTo: council@x.example", false},
        {"me@x.example", "x", "From: me@x.example\r\nTo: kev@x.example\r\nBcc: council@x.example", false},
        {"council@x.example", "x", "From: me@x.example\r\nTo: kev@x.example", false},
        {"bounce@list.example", "x", "From: council@x.example\r\nTo: me@x.example", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (teaches(*state, cases[i].sender, cases[i].login, cases[i].fields) != cases[i].teaches)
            fail_msg("case %zu: %s", i, cases[i].fields);
}

static void only_mail_to_one_person_is_alone(void **state)
{
    (void)state;
    static const struct fb_str rcpt[] = {FB_STR_INIT("kev@x.example"), FB_STR_INIT("head@x.example")};
    static const struct {
        const char *fields;
        size_t rcpt_n;
        bool alone;
    } cases[] = {
        {"From: me@x.example\r\nTo: kev@x.example", 1, true},
        {"From: me@x.example\r\nCc: kev@x.example", 1, true},
        {"From: me@x.example\r\nTo: kev@x.example", 2, false}, /* somebody read it unseen */
        {"From: me@x.example\r\nTo: kev@x.example, lena@x.example", 0, false},
        {"From: me@x.example\r\nTo: team@x.example", 0, false},
        {"From: me@x.example, lena@x.example\r\nTo: kev@x.example", 0, false},
        {"From: me@x.example\r\nTo: me@x.example", 0, false},
        {"From: me@x.example\r\nSubject: none", 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_headers h = headers(cases[i].fields);
        struct fb_envelope env = {.sender = FB_STR("me@x.example"), .rcpt = rcpt, .rcpt_n = cases[i].rcpt_n};
        struct fb_history_mail mail;
        assert_int_equal(fb_past_lesson(arena, conf, &judge.people, &env, &h, 0, &mail, NULL), 0);
        if (mail.alone != cases[i].alone)
            fail_msg("case %zu: %s", i, cases[i].fields);
    }
}

static void a_date_that_is_far_from_the_clock_is_not_believed(void **state)
{
    (void)state;
    struct fb_headers h = headers("From: me@x.example\r\nTo: kev@x.example\r\nDate: " DAY "10:00:00 +0100");
    struct fb_envelope env = {.sender = FB_STR("me@x.example")};
    struct fb_history_mail mail;
    static const int64_t date_s = 1794819600;
    const struct {
        int64_t now_s, sent_s;
    } cases[] = {{date_s + 3600, date_s}, {date_s + 90000, date_s + 90000}, {date_s - 90000, date_s - 90000}, {INT64_MIN, date_s}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(fb_past_lesson(arena, conf, &judge.people, &env, &h, cases[i].now_s, &mail, NULL), 0);
        assert_int_equal(mail.sent_s, cases[i].sent_s);
    }
}

static void lack_of_memory_is_a_failure_wherever_it_strikes(void **state)
{
    seen(*state, "From: kev@x.example\r\nTo: me@x.example\r\nMessage-ID: <1>\r\nDate: " DAY "09:58:00 +0100");
    struct fb_judgement *j = judged(*state, "To: kev@x.example\r\nCc: head@x.example\r\nIn-Reply-To: <1>", "Omar Absent is late.");
    struct fb_err err;
    int rc = -1;
    unsigned long nth = 0;
    while (rc && ++nth < 100) {
        fb_arena_fail_at(nth);
        rc = fb_past_read(arena, *state, &j->c, &err);
        fb_arena_fail_at(0);
        assert_true(rc == 0 || rc == -1);
    }
    assert_true(nth > 2 && nth < 100);
    assert_true(j->c.past.thread_known);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_manager_who_is_new_on_the_thread_is_known_as_such),
        STORY(an_answer_is_known_by_its_header_its_subject_or_its_quote),
        STORY(who_was_there_before_is_not_new),
        STORY(who_read_it_through_a_list_is_not_newly_added),
        STORY(on_a_thread_that_is_not_known_nobody_is_new),
        STORY(with_whom_the_sender_wrote_alone_is_known),
        STORY(on_this_thread_or_long_ago_is_not_before),
        STORY(the_one_who_is_named_was_written_to_before),
        STORY(where_nothing_was_seen_the_quoted_reply_tells_who_is_answered),
        STORY(what_is_forwarded_is_not_answered),
        STORY(a_clock_that_cannot_be_right_tells_nothing),
        STORY(what_teaches_and_what_does_not),
        STORY(only_mail_to_one_person_is_alone),
        STORY(a_date_that_is_far_from_the_clock_is_not_believed),
        STORY(lack_of_memory_is_a_failure_wherever_it_strikes),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
