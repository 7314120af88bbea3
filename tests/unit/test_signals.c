/* From a message to its verdict: who reads, who is meant, what each signal says, and what is kept of it. */
#include "world.h"

#include <time.h>

#include <jansson.h>

#include "facts/facts.h"

static const char people[] = "email,name,aliases,title,manager,region\n"
                             "ceo@x.example,Carla Chief,,,\n"
                             "head@x.example,Hugo Head,,,ceo@x.example\n"
                             "me@x.example,Mia Sender,,,head@x.example\n"
                             "lena@x.example,Lena Kowal,,,head@x.example\n"
                             "will@x.example,Will Young,,,head@x.example\n"
                             "kev@x.example,Kevin Tran,Kev,,lena@x.example\n"
                             "tom1@x.example,Tom One,,,ceo@x.example\ntom2@x.example,Tom Two,,,ceo@x.example\n"
                             "tom3@x.example,Tom Three,,,ceo@x.example\ntom4@x.example,Tom Four,,,ceo@x.example,North Sea\n";
static const char lists[] = "list,member\nall@x.example,team@x.example\nall@x.example,ceo@x.example\n"
                            "team@x.example,lena@x.example\nteam@x.example,kev@x.example\nteam@x.example,me@x.example\n"
                            "team@x.example,all@x.example\n";
static const char rules[] = "[blunt]\ntitle = T\nwhy = W\nadvice = A\nstart = -1\nweight.phrase_list_at_person = 2\nweight.onlookers = 0.5\n"
                            "weight.outsiders = -3\nneeds = readers >= 2\n"
                            "[soft]\ntitle = S\nwhy = S\nmode = notify\nweight.phrase_list = 1\nthreshold = 1\n";

static int setup(void **state)
{
    static const struct world w = {.conf = "[forbear]\nmode = hold\n[scope]\ninternal_domains = x.example\ncustomer_domains = cust.example\n"
                                    "[observe]\nvolunteers = me@x.example\n",
                                   .people = people, .lists = lists, .phrases = "says = Blame.\nmessed up\n", .rules = rules};
    (void)state;
    return world_open(&w, 64u << 20);
}

static int teardown(void **state)
{
    (void)state;
    return world_close();
}

/* Judges a mail of me@x.example; @to and @cc as header values, @rcpt the envelope, separated by blanks. */
static struct fb_judgement judged(const char *to, const char *cc, const char *rcpt, const char *text)
{
    struct fb_str raw = fb_arena_printf(arena, "From: Mia Sender <me@x.example>\r\nTo: %s\r\n%s%s%sSubject: s\r\nMessage-ID: <1@x.example>\r\n\r\n%s", to,
                                        *cc ? "Cc: " : "", cc, *cc ? "\r\n" : "", text);
    struct fb_str *v = fb_arena_array(arena, 64, sizeof *v), rest = fb_str(rcpt);
    size_t n = 0;
    while (fb_str_word(&rest, &v[n]))
        n++;
    struct fb_envelope env = {.sender = FB_STR("me@x.example"), .login = FB_STR("me@x.example"), .declared_size = -1, .rcpt = v, .rcpt_n = n};
    struct fb_judge_input in = {.env = &env, .raw = raw, .now_s = 1800000000};
    struct fb_envelope *kept = fb_arena_alloc(arena, sizeof *kept);
    *kept = env;
    in.env = kept;
    struct fb_judgement j;
    struct fb_err err = {""};
    if (fb_judge_run(&judge, arena, &in, &j, &err))
        fail_msg("%s", err.text);
    if (j.verdict.not_judged != FB_REASON_none)
        fail_msg("not judged: %s", fb_reason_sentence(j.verdict.not_judged));
    return j;
}

static double value(const struct fb_judgement *j, const char *name)
{
    size_t i = 0;
    if (!fb_signals_find(&judge.signals, fb_str(name), &i))
        fail_msg("there is no signal %s", name);
    return j->signals[i].value;
}

static void is(const struct fb_judgement *j, const char *name, int want)
{
    double v = value(j, name);
    if (v < want - 0.01 || v > want + 0.01)
        fail_msg("%s is %g, not %d", name, v, want);
}

/* Whom sentence @i is about. */
static const char *about(const struct fb_judgement *j, size_t i)
{
    struct fb_str name = fb_about_name(j->c.about[i]);
    return fb_arena_dup(arena, name).p;
}

static void lists_open_once_though_they_hold_each_other(void **state)
{
    (void)state;
    struct fb_judgement j = judged("all@x.example, Lena <lena@x.example>", "", "all@x.example lena@x.example", "Hello there.");
    is(&j, "readers", 3);
    is(&j, "list_readers", 2);
    is(&j, "hidden_readers", 0);
    assert_true(fb_str_eq(j.c.readers[0].name, FB_STR("Lena Kowal")));
    assert_int_equal(j.c.readers[0].list.n, 0);
}

static void who_only_the_envelope_names_is_hidden(void **state)
{
    (void)state;
    struct fb_judgement j = judged("lena@x.example", "out@cust.example", "lena@x.example out@cust.example CEO@x.example", "Hello there.");
    is(&j, "hidden_readers", 1);
    is(&j, "outsiders", 1);
    is(&j, "customers", 1);
    is(&j, "colleagues", 2);
    is(&j, "one_to_one", 0);
}

static void who_is_above_whom_is_told(void **state)
{
    (void)state;
    struct fb_judgement j = judged("kev@x.example", "head@x.example, ceo@x.example", "", "The report is late.");
    is(&j, "manager_reader", 2);
    is(&j, "own_manager_reader", 2);
    is(&j, "senior_readers", 2);
    assert_int_equal(j.c.readers[0].relation, FB_RELATION_PEER);
    j = judged("head@x.example", "", "", "Kevin is late with the report.");
    is(&j, "manager_reader", 1);
    is(&j, "names_absent_colleague", 1);
    j = judged("kev@x.example", "lena@x.example", "", "Hello there.");
    is(&j, "manager_reader", 1);
}

static void names_mean_readers_first(void **state)
{
    (void)state;
    struct fb_judgement j = judged("tom2@x.example", "lena@x.example", "", "Tom was late.\nKev knows.");
    is(&j, "names_person", 2);
    assert_string_equal(about(&j, 0), "Tom Two");
    assert_string_equal(about(&j, 1), "Kevin Tran");
}

static void a_name_that_many_bear_or_that_is_a_word_names_nobody_absent(void **state)
{
    (void)state;
    struct fb_judgement j = judged("lena@x.example, kev@x.example", "", "", "Will it rain, and Tom was there. Young Tom Four came. Ask Will Young.");
    is(&j, "names_absent_colleague", 2); /* by their whole names */
    assert_string_equal(about(&j, 1), "Tom Four");
    assert_string_equal(about(&j, 2), "Will Young");
}

static void a_reader_whose_name_is_a_word_is_found_where_it_stands_as_a_name(void **state)
{
    (void)state;
    struct fb_judgement j = judged("will@x.example, lena@x.example", "", "", "Will it be ready? I will ask. So does Will.\nWill, thanks.");
    assert_string_equal(about(&j, 0), "");
    assert_string_equal(about(&j, 1), "");
    assert_string_equal(about(&j, 2), "Will Young");
    assert_string_equal(about(&j, 3), "Will Young");
}

/* Whom @text names, joined. */
static const char *named(const char *to, const char *text)
{
    struct fb_judgement j = judged(to, "", "", text);
    struct fb_buf b = FB_BUF(arena);
    for (size_t i = 0; i < j.c.mentions_n; i++)
        fb_buf_printf(&b, "%s%.*s", i ? ", " : "", FB_FMT(fb_about_name((struct fb_about){j.c.mentions[i].reader, j.c.mentions[i].person})));
    return fb_buf_str(&b).p;
}

static void readers_are_called_by_short_forms_and_initials(void **state)
{
    (void)state;
    static const struct {
        const char *to, *text, *named;
    } cases[] = {
        {"kev@x.example", "Kev, this is for you.", "Kevin Tran"},
        {"\"Robert Hale\" <r.hale@cust.example>", "As Bob said, it is done.", "Robert Hale"},
        {"\"Robert Hale\" <r.hale@cust.example>", "Please bob along.", ""},
        {"lena@x.example", "As Bob said, it is done.", ""},
        {"lena@x.example, kev@x.example", "LK and KT look into it, the rest stays with HR.", "Lena Kowal, Kevin Tran"},
        {"\"Lara Kent\" <lara@cust.example>, lena@x.example", "LK looks into it.", ""}, /* either */
        {"\"Ida Tarn\" <ida@cust.example>", "IT looks into it.", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(named(cases[i].to, cases[i].text), cases[i].named);
}

static void a_word_is_a_name_where_it_stands_as_one(void **state)
{
    (void)state;
    static const struct {
        const char *to, *text, *named;
    } cases[] = {
        {"will@x.example", "Will, this is late.", "Will Young"},
        {"will@x.example", "Will is late again.", "Will Young"},
        {"will@x.example", "Will this be ready?", ""},
        {"will@x.example", "It WILL be ready.", ""},
        {"will@x.example", "Ask Will for it.", "Will Young"},
        {"will@x.example", "Ask the Will team for it.", ""},
        {"will@x.example", "Mr Young knows.", "Will Young"},
        {"will@x.example", "The Young Professionals meet.", ""},
        {"lena@x.example", "Ask Will for it.", ""},          /* not on the mail: a word */
        {"lena@x.example", "Ask Will Young for it.", "Will Young"},
        {"lena@x.example", "Mr Young knows.", "Will Young"},
        {"lena@x.example", "Ask Kevin for it.", "Kevin Tran"},
        {"lena@x.example", "Ask Kevin Durand for it.", ""},  /* another */
        {"lena@x.example", "The Kevin release is out.", ""},
        {"lena@x.example", "KEVIN is the name of the server.", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(named(cases[i].to, cases[i].text), cases[i].named) != 0)
            fail_msg("%s: %s", cases[i].text, named(cases[i].to, cases[i].text));
}

/* A directory of 1,200, in which the sender's own line stands: who is meant by a name that is borne far away, too. */
static void in_a_large_directory_a_name_means_who_is_near(void **state)
{
    (void)state;
    struct fb_buf b = FB_BUF(arena);
    struct fb_people usual = judge.people;
    fb_buf_printf(&b, "%sfar@x.example,Fatou Quibble,,,ceo@x.example,\n", people);
    for (int i = 0; i < 1200; i++)
        fb_buf_printf(&b, "p%d@x.example,%s Number%d,,,far@x.example,\n", i, i % 3 ? "Kevin" : "Lena", i);
    assert_int_equal(fb_people_read(arena, "people.csv", fb_buf_str(&b), "lists.csv", fb_str(lists), &judge.people, NULL), 0);
    assert_string_equal(named("lena@x.example", "Ask Kevin for it."), "Kevin Tran"); /* who reports to a reader */
    assert_string_equal(named("tom1@x.example", "Ask Kevin for it."), "");
    assert_string_equal(named("tom1@x.example", "Ask Lena for it."), "Lena Kowal"); /* the sender's peer */
    assert_string_equal(named("tom1@x.example", "Ask Fatou for it."), "Fatou Quibble"); /* a rare given name */
    assert_string_equal(named("kev@x.example", "A Quibble about the rest."), "");
    assert_string_equal(named("p1190@x.example", "Kevin, thanks."), "Kevin Number1190"); /* a reader, whoever else bears it */
    judge.people = usual;
}

static void pronouns_carry_a_name_on(void **state)
{
    (void)state;
    struct fb_judgement j = judged("team@x.example", "", "", "Lena started it by hand. He'd say she messed up. The report is late. It rains. And it pours. She knows.");
    assert_string_equal(about(&j, 1), "Lena Kowal");
    assert_string_equal(about(&j, 2), "");
    assert_string_equal(about(&j, 5), "");
    is(&j, "phrase_list_at_person", 1);
}

static void you_means_the_one_who_is_greeted_or_the_only_one_in_to(void **state)
{
    (void)state;
    struct fb_judgement j = judged("team@x.example", "", "", "Hi Kev,\nYou messed up.");
    assert_string_equal(about(&j, 1), "Kevin Tran");
    j = judged("lena@x.example", "kev@x.example", "", "You messed up.");
    assert_string_equal(about(&j, 0), "Lena Kowal");
    is(&j, "onlookers", 1);
    j = judged("lena@x.example, kev@x.example", "", "", "You messed up.");
    assert_string_equal(about(&j, 0), "");
    is(&j, "phrase_list", 1);
    is(&j, "phrase_list_at_person", 0);
}

static void without_a_directory_headers_name_people(void **state)
{
    (void)state;
    struct fb_judgement j = judged("\"Zo\xC3\xAB Quist\" <zq@out.example>, ann.okri@out.example", "", "", "Zo\xC3\xAB messed up. Okri's plan is fine.");
    is(&j, "phrase_list_at_person", 1);
    is(&j, "phrase_list_at_colleague", 0);
    is(&j, "names_person", 2);
}

static void the_sender_who_signs_names_nobody(void **state)
{
    (void)state;
    struct fb_judgement j = judged("lena@x.example, kev@x.example", "", "", "The report is late.\nIt is here now.\nRegards\nMia");
    is(&j, "names_person", 0);
}

static void what_somebody_else_said_does_not_count(void **state)
{
    (void)state;
    struct fb_judgement j = judged("lena@x.example", "kev@x.example", "", "The customer says \"you messed up the order\" and is right.");
    is(&j, "phrase_list", 0);
}

static void a_text_of_names_alone_takes_no_time(void **state)
{
    (void)state;
    struct fb_buf b = FB_BUF(arena);
    for (int i = 0; i < 20000; i++)
        fb_buf_printf(&b, "Lena Kevin Tom. ");
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    struct fb_judgement j = judged("all@x.example", "", "", fb_buf_str(&b).p);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    is(&j, "names_person", 2);
    assert_true(to.tv_sec - from.tv_sec < 3);
}

static void capitals_and_questions_count(void **state)
{
    (void)state;
    struct fb_judgement j = judged("lena@x.example", "", "", "WHERE IS THE REPORT NOW? Please send it. The FAQ is HTML.");
    is(&j, "shouting", 1);
    is(&j, "question_or_ask", 2);
    is(&j, "one_to_one", 1);
}

static void a_finding_shows_its_words_and_its_readers(void **state)
{
    (void)state;
    struct fb_judgement j = judged("lena@x.example", "kev@x.example, ceo@x.example", "", "Good morning.\nYou messed up, Lena.");
    const struct fb_finding *f = j.verdict.main;
    assert_non_null(f);
    assert_true(fb_str_eq(f->rule, FB_STR("blunt")));
    assert_int_equal(j.verdict.action, FB_HOLD);
    assert_int_equal(f->delay_s, 15 * 60);
    assert_true(f->log_odds > 1.49 && f->log_odds < 1.51); /* -1 + 2 + 0.5, onlookers counted once */
    assert_true(fb_str_eq(f->evidence[0].text, FB_STR("You messed up, Lena.")));
    assert_true(f->evidence[0].text.p >= j.own.text.p && f->evidence[0].text.p < j.own.text.p + j.own.text.n);
    assert_true(fb_str_eq(f->evidence[0].note, FB_STR("Blame. About Lena Kowal.")));
    assert_true(fb_str_eq(f->evidence[1].note, FB_STR("Kevin Tran, Carla Chief read it too")));
    assert_int_equal(j.verdict.findings[1].action, FB_NOTIFY);
    assert_true(j.verdict.volunteer);
    assert_true(fb_str_eq(j.verdict.message_id, FB_STR("<1@x.example>")));
}

static void the_facts_are_what_keeper_and_page_read(void **state)
{
    (void)state;
    struct fb_judgement j = judged("Lena Kowal <lena@x.example>", "kev@x.example", "lena@x.example kev@x.example ceo@x.example", "You messed up, Lena.");
    json_t *facts;
    struct fb_err err = {""};
    if (fb_facts_parse(j.verdict.facts, &facts, &err))
        fail_msg("%s", err.text);
    json_t *rule = json_array_get(json_object_get(facts, "rules"), 0);
    assert_string_equal(json_string_value(json_object_get(rule, "name")), "blunt");
    assert_string_equal(json_string_value(json_array_get(json_object_get(facts, "to"), 0)), "Lena Kowal <lena@x.example>");
    assert_int_equal(json_integer_value(json_object_get(facts, "hidden")), 1);
    assert_string_equal(json_string_value(json_object_get(facts, "words")), "You messed up, Lena.");
    json_decref(facts);
}

/* The address of one at hand in the facts of a message about Lena; NULL where nobody is. */
static const char *may_be_written_to(const char *to, const char *rcpt, const char *who)
{
    struct fb_judgement j = judged(to, "kev@x.example", rcpt, "Lena messed up, and you messed up, Lena.");
    json_auto_t *facts = NULL;
    if (fb_facts_parse(j.verdict.facts, &facts, NULL))
        fail_msg("the facts are none");
    const char *address = json_string_value(json_object_get(json_object_get(json_object_get(facts, "people"), who), "address"));
    return address ? fb_arena_dup(arena, fb_str(address)).p : NULL;
}

static void who_is_at_hand_may_be_written_to_but_for_bcc(void **state)
{
    (void)state;
    assert_string_equal(may_be_written_to("lena@x.example", "", "person"), "lena@x.example");
    assert_string_equal(may_be_written_to("ceo@x.example", "", "person"), "lena@x.example"); /* named, and in the directory */
    assert_null(may_be_written_to("ceo@x.example", "ceo@x.example kev@x.example lena@x.example", "person"));
    assert_null(may_be_written_to("ceo@x.example", "ceo@x.example kev@x.example lena@x.example", "owner"));
}

static void needs_and_thresholds_keep_a_rule_from_firing(void **state)
{
    (void)state;
    struct fb_judgement j = judged("lena@x.example", "", "", "You messed up.");
    assert_false(j.verdict.findings[0].needs_met);
    assert_false(j.verdict.findings[0].fires);
    assert_int_equal(j.verdict.action, FB_NOTIFY); /* the other rule's mode */
    j = judged("lena@x.example", "out@cust.example", "", "You messed up.");
    assert_true(j.verdict.findings[0].needs_met);
    assert_false(j.verdict.findings[0].fires);
    j = judged("lena@x.example", "", "", "All is well.");
    assert_int_equal(j.verdict.action, FB_PASS);
    assert_int_equal(j.verdict.facts.n, 0);
}

/* Judged by the rule blunt alone: @head before its section, @keys in it. */
static struct fb_judgement judged_by(const char *head, const char *keys, const char *to, const char *text)
{
    struct fb_judge other = judge;
    struct fb_err err = {""};
    struct fb_str conf_text = fb_arena_printf(arena, "%s[blunt]\ntitle = T\nwhy = W\nweight.phrase_list_at_person = 2\nthreshold = 2\n%s\n", head, keys);
    struct fb_envelope *env = fb_arena_alloc(arena, sizeof *env);
    *env = (struct fb_envelope){.sender = FB_STR("me@x.example"), .login = FB_STR("me@x.example"), .declared_size = -1};
    struct fb_str raw = fb_arena_printf(arena, "From: me@x.example\r\nTo: %s\r\nCc: tom1@x.example\r\n\r\n%s", to, text);
    struct fb_judgement j = {0};
    if (fb_ruleset_read(arena, "rules.conf", conf_text, &other.signals, &other.rules, &err) ||
        fb_judge_run(&other, arena, &(struct fb_judge_input){.env = env, .raw = raw, .now_s = 1800000000}, &j, &err))
        fail_msg("%s", err.text);
    return j;
}

static const struct {
    const char *exempt, *to;
    bool is;
} exemptions[] = {
    {"head@x.example", "lena@x.example", false},
    {"me@x.example", "lena@x.example", true},
    {"@x.example", "lena@x.example", true},
    {"@cust.example", "lena@x.example", false},
    {"team@x.example", "lena@x.example", true}, /* a list that the sender is on */
    {"all@x.example", "lena@x.example", true},  /* through a list on it */
    {"me@x.example > lena@x.example", "lena@x.example", true},
    {"me@x.example > lena@x.example", "lena@x.example, kev@x.example", false}, /* another is addressed, too */
    {"lena@x.example > me@x.example", "lena@x.example", false},
    {"me@x.example > team@x.example", "lena@x.example, kev@x.example", true},
    {"team@x.example > @x.example", "team@x.example", true},
    {"me@x.example > @cust.example", "lena@x.example", false},
};

static void who_is_exempt_from_a_rule_is_not_held_by_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exemptions / sizeof *exemptions; i++) {
        struct fb_judgement j = judged_by("", fb_arena_printf(arena, "exempt = %s", exemptions[i].exempt).p, exemptions[i].to, "Lena, you messed up.");
        const struct fb_finding *f = &j.verdict.findings[0];
        if (f->fires == exemptions[i].is || (f->exempt.n > 0) != exemptions[i].is)
            fail_msg("%s, to %s", exemptions[i].exempt, exemptions[i].to);
        assert_true(f->log_odds > 1.9); /* what it would have been is still told */
    }
}

static void who_is_exempt_from_all_rules_is_not_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exemptions / sizeof *exemptions; i++) {
        struct fb_judgement j = judged_by(fb_arena_printf(arena, "[all]\nexempt = %s\n", exemptions[i].exempt).p, "", exemptions[i].to, "Lena, you messed up.");
        struct fb_str told;
        assert_int_equal(j.verdict.not_judged, exemptions[i].is ? FB_REASON_exempt : FB_REASON_none);
        assert_int_equal(fb_judge_explain(&judge, arena, &j, &told, NULL), 0);
        assert_true(!exemptions[i].is || fb_str_iends(fb_str_trim(told), fb_str(exemptions[i].exempt)));
    }
}

static void a_region_of_the_directory_goes_before_that_of_the_domain(void **state)
{
    (void)state;
    static const struct {
        const char *regions, *to;
        int face;
    } cases[] = {
        {"", "tom4@x.example", 0},
        {"north_sea = 2\n", "tom4@x.example", 2},
        {"north_sea = 2\nexample = 3\n", "tom4@x.example", 3}, /* of the greatest weight: who is in Cc has no region but the domain's */
        {"east = 2\n", "tom4@x.example", 0},
        {"zz = 1\n", "kim@partner.zz", 1},
        {"zz = 1\n", "kim@zz.partner", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_judgement j = judged_by(fb_arena_printf(arena, "[regions]\n%s", cases[i].regions).p, "weight.face = 1", cases[i].to, "You messed up.");
        is(&j, "face", cases[i].face);
    }
}

static void what_is_answered_may_complain(void **state)
{
    (void)state;
    static const char quote[] = "We looked into it.\r\n\r\nOn Mon, 2 Nov 2026 at 10:00, %s wrote:\r\n> Hello,\r\n> this is unacceptable.\r\n> Unacceptable, I say.\r\n%s";
    static const struct {
        const char *who, *end;
        int complaint;
    } cases[] = {
        {"Out Sider <out@cust.example>", "", 2},
        {"Out Sider <out@cust.example>", "> \r\n> On Sun, 1 Nov 2026 at 9:00, Mia wrote:\r\n> > Unacceptable.\r\n", 2}, /* what that answers is not read */
        {"Mia Sender <me@x.example>", "", 0}, /* one's own */
    };
    struct fb_judge usual = judge;
    char dir[] = "/tmp/forbear-signals-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct fb_str path = fb_arena_printf(arena, "%s/complaint.txt", dir);
    assert_int_equal(fb_io_write_file(dir, "complaint.txt", FB_STR("unacceptable\n"), 0600, NULL), 0);
    assert_int_equal(fb_phrases_load(arena, dir, "", &judge.phrases, NULL), 0);
    unlink(path.p);
    rmdir(dir);
    assert_int_equal(fb_signals_init(arena, judge.phrases, &no_meaning, &judge.signals, NULL), 0);
    judge.rules = (struct fb_ruleset){0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_judgement j = judged("out@cust.example", "", "", fb_arena_printf(arena, quote, cases[i].who, cases[i].end).p);
        is(&j, "answers_complaint", cases[i].complaint);
        is(&j, "phrase_complaint", 0);
    }
    struct fb_judgement j = judged("out@cust.example", "", "", "For you.\r\n\r\n---------- Forwarded message ---------\r\nFrom: Out <out@cust.example>\r\n"
                                   "Date: Mon, 2 Nov 2026 at 10:00\r\nSubject: s\r\nTo: <me@x.example>\r\n\r\nUnacceptable.\r\n");
    is(&j, "answers_complaint", 0);
    judge = usual;
}

static bool late(void *arg)
{
    return --*(int *)arg < 0;
}

static void time_that_is_over_is_a_reason(void **state)
{
    (void)state;
    struct fb_str rcpt = FB_STR("lena@x.example");
    struct fb_envelope env = {.sender = FB_STR("me@x.example"), .login = FB_STR("me@x.example"), .declared_size = -1, .rcpt = &rcpt, .rcpt_n = 1};
    for (int steps = 0; steps < 3; steps++) {
        int left = steps;
        struct fb_judge_input in = {.env = &env, .raw = FB_STR("From: me@x.example\nTo: lena@x.example\n\nYou messed up.\n"), .expired = late, .expired_arg = &left};
        struct fb_judgement j;
        struct fb_err err;
        assert_int_equal(fb_judge_run(&judge, arena, &in, &j, &err), 0);
        assert_int_equal(j.verdict.not_judged, FB_REASON_judge_time);
        assert_int_equal(j.verdict.action, FB_PASS);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    struct fb_str rcpt[] = {FB_STR("lena@x.example"), FB_STR("team@x.example")};
    struct fb_envelope env = {.sender = FB_STR("me@x.example"), .login = FB_STR("me@x.example"), .declared_size = -1, .rcpt = rcpt, .rcpt_n = 2};
    struct fb_judge_input in = {.env = &env, .raw = FB_STR("From: me@x.example\nTo: lena@x.example\nCc: team@x.example\n\nLena, you messed up.\n")};
    for (unsigned long nth = 1; nth < 2000; nth++) {
        FB_ARENA own = fb_arena_new(1 << 24);
        struct fb_judgement j;
        struct fb_err err = {""};
        fb_arena_fail_at(nth);
        int rc = fb_judge_run(&judge, own, &in, &j, &err);
        bool reached = (fb_arena_fail_at(0), rc == 0 && j.verdict.action == FB_HOLD);
        if (reached)
            return;
        assert_int_equal(j.verdict.action, FB_PASS);
        assert_int_not_equal(j.verdict.not_judged, FB_REASON_none);
    }
    fail_msg("it never succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_open_once_though_they_hold_each_other), cmocka_unit_test(who_only_the_envelope_names_is_hidden),
        cmocka_unit_test(who_is_above_whom_is_told), cmocka_unit_test(names_mean_readers_first),
        cmocka_unit_test(a_name_that_many_bear_or_that_is_a_word_names_nobody_absent),
        cmocka_unit_test(a_reader_whose_name_is_a_word_is_found_where_it_stands_as_a_name), cmocka_unit_test(pronouns_carry_a_name_on),
        cmocka_unit_test(readers_are_called_by_short_forms_and_initials), cmocka_unit_test(a_word_is_a_name_where_it_stands_as_one),
        cmocka_unit_test(in_a_large_directory_a_name_means_who_is_near),
        cmocka_unit_test(you_means_the_one_who_is_greeted_or_the_only_one_in_to), cmocka_unit_test(without_a_directory_headers_name_people),
        cmocka_unit_test(the_sender_who_signs_names_nobody), cmocka_unit_test(what_somebody_else_said_does_not_count),
        cmocka_unit_test(a_text_of_names_alone_takes_no_time), cmocka_unit_test(capitals_and_questions_count), cmocka_unit_test(a_finding_shows_its_words_and_its_readers),
        cmocka_unit_test(the_facts_are_what_keeper_and_page_read), cmocka_unit_test(needs_and_thresholds_keep_a_rule_from_firing),
        cmocka_unit_test(who_is_at_hand_may_be_written_to_but_for_bcc),
        cmocka_unit_test(who_is_exempt_from_a_rule_is_not_held_by_it), cmocka_unit_test(who_is_exempt_from_all_rules_is_not_judged),
        cmocka_unit_test(what_is_answered_may_complain), cmocka_unit_test(a_region_of_the_directory_goes_before_that_of_the_domain),
        cmocka_unit_test(time_that_is_over_is_a_reason), cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
