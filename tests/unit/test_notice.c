/* The mails that forbear writes, and how they are submitted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "fake_smtp.h"
#include "mail/message.h"
#include "notice/fill.h"
#include "notice/language.h"
#include "notice/notice.h"
#include "notice/smtp.h"

static const char FACTS[] =
    "{\"v\":2,\"from\":\"ana@corp.example\",\"date_s\":1700000000,\"tz_min\":60,\"subject\":\"Gr\xc3\xbc\xc3\x9f""e <b>\",\"message_id\":\"<m1@corp.example>\","
    "\"to\":[\"Ben <ben@corp.example>\"],\"cc\":[],\"hidden\":2,\"rules\":[{\"name\":\"public_shaming\",\"title\":\"Blame before others\","
    "\"why\":\"Others read it.\",\"advice\":\"Write to Ben alone.\",\"evidence\":[{\"signal\":\"phrase_blame\",\"text\":\"you never <listen>\",\"note\":\"It blames.\"}]}],"
    "\"change\":{\"kind\":\"reader\",\"text\":\"\",\"reader\":\"tom@corp.example\",\"says\":\"Without Ben's manager, Tom Marsh, on Cc this would have gone.\"},"
    "\"readers\":[\"Ben\"],\"words\":\"you never <listen>\",\"words_cut\":false}";

enum { NOON = 1700046000 }; /* 2023-11-15 11:00 UTC: 12:00 at UTC+01:00 */

struct made {
    struct fb_arena *arena;
    struct fb_notice notice;
    struct fb_str mail, text; /* all of it; the text that a reader sees */
    struct fb_message read;
};

static int make(struct made *m, struct fb_err *err)
{
    const struct fb_message_limits limits = {100, 10, 65536, 1000};
    int rc = fb_notice_make(&m->notice, m->arena, &m->mail, err);
    return rc ? rc : fb_message_parse(m->arena, &limits, m->mail, false, &m->read, err);
}

static int set_up(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    m->arena = fb_arena_new(16 << 20);
    m->notice = (struct fb_notice){.data_dir = DATA_DIR, .language = "en", .from = "forbear@corp.example", .to = FB_STR("ana@corp.example"),
                                   .message_id = FB_STR("<n1@corp.example>"), .now_s = NOON, .deadline_s = NOON + 900,
                                   .link = FB_STR("http://127.0.0.1/h/t.k"), .facts = json_loads(FACTS, 0, NULL)};
    assert_non_null(m->notice.facts);
    *state = m;
    return 0;
}

static int tear_down(void **state)
{
    struct made *m = *state;
    json_decref(m->notice.facts);
    fb_arena_free(m->arena);
    free(m);
    return 0;
}

static bool has(struct fb_str s, const char *what)
{
    return fb_str_ifind(s, fb_str(what)) >= 0;
}

static bool has_exactly(struct fb_str s, const char *what)
{
    return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static void a_notice_says_what_until_when_why_and_where(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    assert_int_equal(make(m, &err), 0);
    assert_string_equal(m->read.subject.p, "Held until 12:15: Gr\xc3\xbc\xc3\x9f""e <b>");
    assert_string_equal(m->read.from.v[0].addr.p, "forbear@corp.example");
    assert_string_equal(m->read.to.v[0].addr.p, "ana@corp.example");
    assert_true(has(m->read.text, "Until:    today at 12:15 (UTC+01:00)"));
    assert_true(has(m->read.text, "http://127.0.0.1/h/t.k"));
    assert_true(has(m->read.text, "you never <listen>"));
    assert_true(has(m->read.text, "To:       Ben + 2"));
    assert_true(has(m->read.text, "Read by: Ben"));
    assert_true(has(m->read.text, "it is delivered then"));
    assert_false(has(m->read.text, "RELEASE"));
}

/* Where @what stands in @s; it must be there. */
static size_t place(struct fb_str s, const char *what)
{
    ptrdiff_t at = fb_str_ifind(s, fb_str(what));
    if (at < 0)
        fail_msg("%s is not in it", what);
    return (size_t)at;
}

static void what_would_have_let_it_pass_comes_first(void **state)
{
    static const char says[] = "Without Ben's manager, Tom Marsh, on Cc this would have gone.";
    struct made *m = *state;
    struct fb_err err;
    assert_int_equal(make(m, &err), 0);
    assert_true(place(m->read.text, says) < place(m->read.text, "Subject:"));
    assert_true(place(m->read.text, says) < place(m->read.text, "you never <listen>"));
    assert_true(place(m->read.text, "you never <listen>") < place(m->read.text, "Write to Ben alone."));
    assert_true(has_exactly(m->mail, "Without Ben&#39;s manager, Tom Marsh"));
    m->notice.deadline_s = 0;
    assert_int_equal(make(m, &err), 0);
    assert_true(place(m->read.text, says) < place(m->read.text, "Subject:"));
}

/* Of a rule's evidence the first three, and none that one before it has quoted. */
static void words_that_several_rules_rest_on_are_quoted_by_the_first(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    json_t *rules = json_object_get(m->notice.facts, "rules"), *first = json_array_get(rules, 0);
    static const char *const more[][6] = {{"two", "three", "four"}, {"two", "four", "five"}, {"three", "five"}, {"six"}};
    for (size_t i = 0; i < 4; i++) {
        json_t *rule = i ? json_deep_copy(first) : first, *evidence = i ? json_array() : json_object_get(first, "evidence");
        for (const char *const *text = more[i]; *text; text++)
            json_array_append_new(evidence, json_pack("{s:s, s:s, s:s}", "signal", "s", "text", *text, "note", "n"));
        json_object_set_new(rule, "why", json_stringn(&"ABCD"[i], 1));
        if (i) {
            json_object_set_new(rule, "evidence", evidence);
            json_array_append_new(rules, rule);
        }
    }
    assert_int_equal(make(m, &err), 0);
    assert_true(has_exactly(m->read.text, "A\n\n  \"you never <listen>\"\n  \"two\"\n  \"three\"\n\n  Read by: Ben\n\nWhat"));
    assert_true(has_exactly(m->read.text, "B\n\n  \"four\"\n  \"five\"\n\nWords quoted above count here, too.\n\nWhat"));
    assert_true(has_exactly(m->read.text, "C\n\nWords quoted above count here, too.\n\nWhat"));
    assert_true(has_exactly(m->read.text, "D\n\n  \"six\"\n\nWhat"));
    assert_true(has_exactly(m->mail, "<p>C</p>\r\n<p class=3D\"quiet\">Words quoted above count here, too.</p>\r\n<p><strong>"));
}

/* As before version 2, and where it is not known. */
static void where_that_is_not_known_nothing_is_said_of_it(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    json_object_set_new(json_object_get(m->notice.facts, "change"), "says", json_string(""));
    assert_int_equal(make(m, &err), 0);
    struct fb_str unknown = m->read.text;
    json_object_del(m->notice.facts, "change");
    assert_int_equal(make(m, &err), 0);
    assert_true(fb_str_eq(unknown, m->read.text));
    assert_true(fb_str_istarts(unknown, FB_STR("Your message has not left yet.")));
}

static void how_to_answer_is_said_only_where_an_answer_counts(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.by_mail = true;
    assert_int_equal(make(m, &err), 0);
    assert_true(has_exactly(m->read.text, "answer this mail: RELEASE alone on the first line"));
    m->notice.deadline_s = 0;
    assert_int_equal(make(m, &err), 0);
    assert_false(has_exactly(m->read.text, "RELEASE"));
}

static void from_when_it_may_be_sent_is_said_where_that_is_later(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.opens_s = NOON + 300;
    assert_int_equal(make(m, &err), 0);
    assert_true(has(m->read.text, "send it from today at 12:05 (UTC+01:00)"));
    m->notice.opens_s = NOON;
    assert_int_equal(make(m, &err), 0);
    assert_true(has(m->read.text, "You can send\nit now"));
}

/* As long as no word is longer. */
static void its_text_fits_a_terminal(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    json_object_set_new(m->notice.facts, "subject", json_string("\xe4\xba\xba\xe4\xba\xba \xe4\xba\xba\xe4\xba\xba word word word word word word word word word word word word word word word word word"));
    assert_int_equal(make(m, &err), 0);
    for (struct fb_str rest = m->read.text, line; fb_str_line(&rest, &line);)
        if (fb_str_ifind(line, FB_STR("http")) < 0)
            assert_true(line.n <= 76 + 8); /* eight characters of the subject have three bytes and two columns */
    assert_true(has(m->read.text, "word\n            word"));
}

static const char NAMED[] = /* as the milter writes it */
    "{\"v\":2,\"from\":\"ana@corp.example\",\"date_s\":1700000000,\"tz_min\":60,\"subject\":\"Late\",\"message_id\":\"<m1@corp.example>\","
    "\"to\":[\"Ben <ben@corp.example>\"],\"cc\":[],\"hidden\":0,\"rules\":[{\"name\":\"public_shaming\",\"title\":\"English\",\"why\":\"English.\","
    "\"advice\":\"English.\",\"evidence\":[{\"signal\":\"phrase_blame\",\"text\":\"you never\",\"note\":\"English.\",\"who\":\"\"}],"
    "\"hand\":{\"person\":\"Ben\",\"manager\":\"Tom\",\"owner\":\"Ben\",\"group\":[\"Cleo\",\"Dan\"],\"more\":0},\"own\":false}],"
    "\"change\":{\"kind\":\"reader\",\"text\":\"\",\"reader\":\"tom@corp.example\",\"says\":\"English.\","
    "\"who\":[{\"name\":\"Tom Marsh\",\"as\":\"manager\",\"of\":\"Ben\",\"place\":\"cc\"}],\"more\":0,\"held\":true},"
    "\"readers\":[\"Ben\"],\"words\":\"you never\",\"words_cut\":false,\"language\":\"de\"}";

static struct fb_str filled(struct made *m)
{
    struct fb_err err = {""};
    struct fb_str text, word;
    struct fb_buf b = FB_BUF(m->arena);
    if (make(m, &err))
        fail_msg("%s", err.text);
    for (text = m->read.text; fb_str_word(&text, &word);)
        fb_buf_printf(&b, "%s%.*s", b.n ? " " : "", FB_FMT(word));
    return fb_buf_str(&b);
}

static void a_sender_is_told_in_their_own_language(void **state)
{
    struct made *m = *state;
    json_decref(m->notice.facts);
    m->notice.facts = json_loads(NAMED, 0, NULL);
    m->notice.by_mail = true;
    m->notice.deadline_s = NOON + 86400;
    m->notice.wanted = FB_STR("de-at");
    struct fb_str text = filled(m);
    assert_true(fb_str_istarts(text, FB_STR("Ohne Tom Marsh (Führungskraft von Ben) in Kopie wäre diese Nachricht gleich hinausgegangen. Ihre")));
    assert_true(has_exactly(text, "Bis: am Donnerstag dem 16. November 2023 um 12:00 Uhr (UTC+01:00)")); /* words have no commas here */
    assert_true(has_exactly(text, "Kritik an einer Person vor anderen") && has_exactly(text, "An Ben allein:") && has_exactly(text, "An Cleo und Dan:"));
    assert_true(has_exactly(text, "SENDEN allein") && !has_exactly(text, "English"));
    m->notice.wanted = FB_STR("fr");
    text = filled(m);
    assert_true(has_exactly(text, "Sans Tom Marsh (responsable de Ben) en copie ce message serait parti."));
    assert_true(has_exactly(text, "le jeudi 16 novembre 2023") && has_exactly(text, "Cleo et Dan") && !has_exactly(text, "English"));
    m->notice.wanted = FB_STR("xx");
    assert_true(has_exactly(filled(m), "English"));
    m->notice.wanted = FB_STR("../templates/de"); /* no folder is named so */
    assert_true(has_exactly(filled(m), "English"));
}

static void what_the_admin_wrote_is_told_as_it_is(void **state)
{
    struct made *m = *state;
    json_decref(m->notice.facts);
    m->notice.facts = json_loads(NAMED, 0, NULL);
    m->notice.wanted = FB_STR("de");
    json_object_set_new(json_array_get(json_object_get(m->notice.facts, "rules"), 0), "own", json_true());
    assert_true(has_exactly(filled(m), "Warum: English"));
}

/* Every kind in every language: each has its templates, and names nothing that there is not. */
static void every_kind_of_mail_is_in_every_language(void **state)
{
    struct made *m = *state;
    static const char *const languages[] = {"en", "de", "fr"};
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        for (int kind = FB_NOTICE_FIRST; kind <= FB_NOTICE_HELP; kind++) {
            struct fb_notice_hold holds[] = {{m->notice.link, NOON + 900, 0, m->notice.facts}};
            m->notice.kind = (enum fb_notice_kind)kind, m->notice.wanted = fb_str(languages[i]), m->notice.holds = holds, m->notice.holds_n = 1;
            struct fb_str text = filled(m);
            assert_true(m->read.subject.n > 0 && text.n > 100);
            assert_true(kind == FB_NOTICE_HELP || has(text, "http://127.0.0.1/h/t.k"));
            assert_true(has_exactly(m->mail, "<html lang=3D\"") && !has_exactly(m->mail, "{{"));
        }
}

/* As the page does with all that a language's page.txt lacks. */
static void a_language_that_writes_no_moment_writes_it_in_english(void **state)
{
    struct made *m = *state;
    char dir[] = "/tmp/test-notice-XXXXXX";
    struct fb_err err;
    struct fb_language language;
    struct fb_str said;
    assert_non_null(mkdtemp(dir));
    const char *templates = fb_arena_printf(m->arena, "%s/templates", dir).p, *xx = fb_arena_printf(m->arena, "%s/xx", templates).p;
    const char *en = fb_arena_printf(m->arena, "%s/en", templates).p;
    assert_int_equal(mkdir(templates, 0700) | mkdir(xx, 0700) | symlink(DATA_DIR "/templates/en", en), 0);
    assert_int_equal(fb_io_write_file(xx, "words", FB_STR("release = GO\nwithdraw = NO\n"), 0600, &err), 0);
    assert_int_equal(fb_io_write_file(xx, "page.txt", FB_STR("{{#held}}Yoo{{/held}}\n"), 0600, &err), 0);
    assert_int_equal(fb_language_open(dir, FB_STR("xx"), "en", m->arena, &language, &err), 0);
    assert_string_equal(language.name, "xx");
    assert_int_equal(fb_language_moment(&language, NOON, NOON, 60, m->arena, &said, &err), 0);
    assert_true(fb_str_eq(said, FB_STR("today at 12:00")));
    assert_int_equal(remove(fb_arena_printf(m->arena, "%s/words", xx).p) | remove(fb_arena_printf(m->arena, "%s/page.txt", xx).p) | remove(xx) | remove(en), 0);
    assert_int_equal(remove(templates) | remove(dir), 0);
}

/* Whichever allocation of ours fails: a failure and no crash, in another language too. */
static void without_memory_no_notice_is_made(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    int rc = -1;
    json_decref(m->notice.facts);
    m->notice.facts = json_loads(NAMED, 0, NULL);
    m->notice.wanted = FB_STR("de");
    for (unsigned long nth = 1; rc; nth++) {
        fb_arena_fail_at(nth);
        rc = fb_notice_make(&m->notice, m->arena, &m->mail, &err);
        fb_arena_fail_at(0);
        assert_true(rc <= 0 && nth < 2000);
    }
}

struct filling {
    const char *text, *want;
};

static void fill_each(struct made *m, int (*fill)(struct fb_str, struct fb_arena *, struct fb_str *, struct fb_err *), const struct filling *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct fb_str text;
        struct fb_err err;
        assert_int_equal(fill(fb_str(v[i].text), m->arena, &text, &err), 0);
        if (!fb_str_eq(text, fb_str(v[i].want)))
            fail_msg("case %zu: %.*s", i, FB_FMT(text));
    }
}

static void text_is_filled(void **state)
{
    static const struct filling cases[] = {
        {"a\nb  c\n", "a b c\n"},
        {"\n\na\n\n\n\nb", "a\n\nb\n"},
        {"a\n  b\nc\n", "a\n  b\nc\n"},
        {"a\n--\nb\n", "a\n--\nb\n"},
        {"-- \nb\n", "-- \nb\n"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789 12345 6", "0123456789012345678901234567890123456789012345678901234567890123456789 12345\n6\n"},
        {"  To:  0123456789012345678901234567890123456789012345678901234567890123456789 b c", "  To:  0123456789012345678901234567890123456789012345678901234567890123456789\n       b c\n"},
        {"  12345678 01234567890123456789012345678901234567890123456789012345678901234567890123456789 x",
         "  12345678\n  01234567890123456789012345678901234567890123456789012345678901234567890123456789\n  x\n"},
        {"\xff \xc3", "\xff \xc3\n"},
        {"", ""},
    };
    fill_each(*state, fb_fill, cases, sizeof cases / sizeof *cases);
}

#define TEN "0123456789"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

/* A blank at the end of a line says that its paragraph goes on; nowhere else is one. */
static void text_is_filled_to_be_broken_anew(void **state)
{
    static const struct filling cases[] = {
        {"a\nb  c\n\nd\n", "a b c\n\nd\n"},
        {SEVENTY " 12345 6\nb\n", SEVENTY " 12345 \n6 b\n"},
        {SEVENTY " 12345 > 6\n", SEVENTY " 12345 \n > 6\n"},
        {"From here\n\n>there\n\nFrom: me\n", " From here\n\n >there\n\nFrom: me\n"},
        {"  To:  " SEVENTY " b", "   To:  " SEVENTY "\n        b\n"},
        {"  To:  \na  \n", "   To:\na\n"},
        {"a\n--\nb\n", "a\n-- \nb\n"},
        {"-- \nb\n", "-- \nb\n"},
        {"--- cut \nb\n", "--- cut\nb\n"},
        {"", ""},
    };
    fill_each(*state, fb_fill_flowed, cases, sizeof cases / sizeof *cases);
}

static void it_answers_the_message_and_says_that_a_program_wrote_it(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    assert_int_equal(make(m, &err), 0);
    assert_true(has_exactly(m->mail, "Message-ID: <n1@corp.example>\r\n"));
    assert_true(has_exactly(m->mail, "In-Reply-To: <m1@corp.example>\r\n"));
    assert_true(has_exactly(m->mail, "References: <m1@corp.example>\r\n"));
    assert_true(has_exactly(m->mail, "Auto-Submitted: auto-generated\r\n"));
    assert_true(has_exactly(m->mail, "multipart/alternative"));
    assert_int_equal(m->read.date_s, NOON);
}

static void all_its_lines_end_in_crlf_and_are_short_and_ascii(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    assert_int_equal(make(m, &err), 0);
    size_t width = 0;
    for (size_t i = 0; i < m->mail.n; i++) {
        assert_true((unsigned char)m->mail.p[i] < 0x80);
        assert_true((m->mail.p[i] == '\n') == (i > 0 && m->mail.p[i - 1] == '\r'));
        width = m->mail.p[i] == '\n' ? 0 : width + 1;
        assert_true(width < 998);
    }
}

static void words_become_no_markup(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    assert_int_equal(make(m, &err), 0);
    assert_true(has_exactly(m->mail, "you never &lt;listen&gt;"));
}

static void a_subject_becomes_no_header_field(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    json_object_set_new(m->notice.facts, "subject", json_string("x\r\nBcc: all@corp.example"));
    assert_int_equal(make(m, &err), 0);
    assert_false(has_exactly(m->mail, "\nBcc:"));
}

static void another_day_is_named(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.deadline_s = NOON + 86400;
    assert_int_equal(make(m, &err), 0);
    assert_true(has(m->read.text, "on Thursday, 16 November 2023 at 12:00 (UTC+01:00)"));
}

static void where_the_end_is_a_withdrawal_it_says_so(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.withdraws = true;
    assert_int_equal(make(m, &err), 0);
    assert_true(has(m->read.text, "it comes back to you"));
    assert_false(has(m->read.text, "it is delivered then"));
}

static void in_notify_mode_there_is_no_link_and_no_time(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.deadline_s = 0;
    m->notice.link = FB_STR_NONE;
    assert_int_equal(make(m, &err), 0);
    assert_true(has(m->read.text, "was delivered"));
    assert_false(has(m->read.text, "/h/"));
    assert_false(has(m->read.text, "UTC"));
}

static void a_sender_beyond_ascii_is_written_as_it_is(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.to = FB_STR("j\xc3\xb6rg@corp.example");
    assert_int_equal(make(m, &err), 0);
    assert_true(has_exactly(m->mail, "j\xc3\xb6rg@corp.example"));
}

static void a_template_that_is_missing_is_named(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.language = "xx";
    assert_true(make(m, &err) < 0);
    assert_non_null(strstr(err.text, "/templates/xx/words"));
}

static void message_ids_differ_and_are_of_our_domain(void **state)
{
    struct made *m = *state;
    struct fb_str a = fb_message_id_new(m->arena, "forbear@corp.example"), b = fb_message_id_new(m->arena, "forbear@corp.example");
    assert_false(fb_str_eq(a, b));
    assert_true(fb_str_iends(a, FB_STR("@corp.example>")));
}

/* --- returned --- */

static struct fb_str returned_with(struct made *m, struct fb_str original, struct fb_str recipients, bool smtputf8, const char *kind, const char *reader)
{
    json_auto_t *facts = json_pack("{s{ss ss ss ss} s[{ss ss ss ss s[]}]}", "change", "kind", kind, "text", "", "reader", reader, "says",
                                   "Without it this would have gone.", "rules", "name", "heated", "title", "Written in anger", "why", "It is.", "advice",
                                   "Sleep on it.", "evidence");
    struct fb_err err = {""};
    struct fb_str mail;
    struct fb_returned r = {.data_dir = DATA_DIR, .language = "en", .from = "forbear@corp.example", .to = FB_STR("ana@corp.example"),
                            .message_id = FB_STR("<r1@corp.example>"), .now_s = NOON, .original = original, .recipients = recipients,
                            .smtputf8 = smtputf8, .facts = *kind ? facts : NULL};
    int rc = fb_returned_make(&r, m->arena, &mail, &err);
    if (rc)
        fail_msg("%s", err.text);
    return mail;
}

static struct fb_str returned(struct made *m, struct fb_str original, struct fb_str recipients, bool smtputf8)
{
    return returned_with(m, original, recipients, smtputf8, "", "");
}

#define ORIGINAL_HEAD "Received: by corp.example\nFrom: ana@corp.example\nTo: Ben <BEN@corp.example>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <m1@corp.example>\n"
#define ORIGINAL_BODY "\nDear Ben,\n.\n..dots\n trailing  \nFrom here\n"
#define CRLF_HEAD "Received: by corp.example\r\nFrom: ana@corp.example\r\nTo: Ben <BEN@corp.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <m1@corp.example>\r\n"
#define CRLF_BODY "\r\nDear Ben,\r\n.\r\n..dots\r\n trailing  \r\nFrom here\r\n"

static void the_original_is_attached_byte_for_byte(void **state)
{
    struct fb_str mail = returned(*state, FB_STR(ORIGINAL_HEAD ORIGINAL_BODY), FB_STR("ben@corp.example"), false);
    assert_true(has_exactly(mail, "\r\n\r\nX-Unsent: 1\r\n" CRLF_HEAD CRLF_BODY));
    assert_true(has_exactly(mail, "Content-Type: message/rfc822"));
    assert_true(has_exactly(mail, "Content-Transfer-Encoding: 7bit"));
    assert_true(has_exactly(mail, "multipart/mixed"));
    assert_true(has_exactly(mail, "In-Reply-To: <m1@corp.example>"));
    assert_true(has_exactly(mail, "Subject: Returned to you: =?"));
    assert_true(has_exactly(mail, "Content-Type: text/plain; charset=utf-8; format=flowed\r\n"));
    assert_true(has_exactly(mail, "\r\n\r\n   Subject:  ") && has_exactly(mail, "change what you like, and send=20\r\nit."));
    assert_true(has_exactly(mail, "\r\n--=20\r\nforbear, your mail gateway."));
}

static void who_no_field_names_was_in_bcc(void **state)
{
    struct fb_str mail = returned(*state, FB_STR(ORIGINAL_HEAD ORIGINAL_BODY), FB_STR("dan@corp.example\0ben@corp.example\0eve@corp.example"), false);
    assert_true(has_exactly(mail, CRLF_HEAD "Bcc: dan@corp.example,\r\n eve@corp.example\r\n" CRLF_BODY));
}

static void crlf_line_ends_stay_so(void **state)
{
    struct fb_str mail = returned(*state, FB_STR(CRLF_HEAD CRLF_BODY), FB_STR("ben@corp.example"), false);
    assert_true(has_exactly(mail, CRLF_HEAD CRLF_BODY));
    assert_false(has_exactly(mail, "\r\r\n"));
}

static void eight_bits_and_utf8_headers_stay(void **state)
{
    struct fb_str mail = returned(*state, FB_STR("From: j\xc3\xb6rg@corp.example\nTo: ben@corp.example\n\nGr\xc3\xbc\xc3\x9f""e\n"), FB_STR("ben@corp.example"), true);
    assert_true(has_exactly(mail, "From: j\xc3\xb6rg@corp.example\r\n"));
    assert_true(has_exactly(mail, "Content-Type: message/global"));
    assert_true(has_exactly(mail, "Content-Transfer-Encoding: 8bit"));
}

static void a_message_without_a_body_or_a_header_is_returned_too(void **state)
{
    assert_true(has_exactly(returned(*state, FB_STR("Subject: x"), FB_STR("ben@corp.example"), false), "Bcc: ben@corp.example"));
    assert_true(has_exactly(returned(*state, FB_STR("\nbody\n"), FB_STR(""), false), "body\r\n"));
}

/* What is in the mail with that change, after the name of the attached draft and up to that of the message. */
static struct fb_str drafted(struct made *m, const char *fields, const char *kind, const char *reader)
{
    struct fb_str original = fb_arena_printf(m->arena, "From: ana@corp.example\n%sSubject: s\n\nTo: ben@corp.example\n", fields);
    struct fb_str mail = returned_with(m, original, FB_STR("ben@corp.example\0dan@corp.example"), false, kind, reader);
    assert_true(has_exactly(mail, "message.eml"));
    const char *draft = strstr(mail.p, "filename=draft.eml"), *message = strstr(mail.p, "filename=message.eml");
    struct fb_str whole = {message, (size_t)(mail.p + mail.n - message)};
    for (struct fb_str rest = fb_str(fields), line; fb_str_line(&rest, &line) && line.n;)
        assert_true(has_exactly(whole, fb_arena_dup(m->arena, line).p)); /* nothing is ever missing from the message itself */
    return draft ? (struct fb_str){draft, (size_t)(message - draft)} : FB_STR_NONE;
}

static void the_draft_leaves_addresses_off(void **state)
{
    static const struct {
        const char *fields, *kind, *reader, *want; /* want: in the draft; NULL: there is none */
    } cases[] = {
        {"To: Ben <ben@corp.example>, Tom <TOM@corp.example>\n", "reader", "tom@corp.example", "\r\nTo: Ben <ben@corp.example>\r\nSubject: s\r\nBcc: dan@corp.example\r\n\r\nTo: ben"},
        {"To: ben@corp.example\nCc: tom@corp.example\n", "reader", "tom@corp.example", "\r\nTo: ben@corp.example\r\nSubject: s\r\nBcc: dan"},
        {"To: ben@corp.example\nCC: =?utf-8?q?J=C3=B6?= <j@corp.example>,\n tom@corp.example,\n amy@corp.example\n", "readers", "tom@corp.example x@y.example",
         "\r\nTo: ben@corp.example\r\nCC: =?"},
        {"To: ben@corp.example\n", "reader", "dan@corp.example", "\r\nTo: ben@corp.example\r\nSubject: s\r\n\r\nTo: ben"},
        {"To: team@corp.example\nCc: tom@corp.example\n", "alone", "ben@corp.example", "\r\nFrom: ana@corp.example\r\nSubject: s\r\nTo: ben@corp.example\r\n\r\nTo: ben"},
        {"To: ben@corp.example\n", "reader", "tom@corp.example", NULL},
        {"To: the team: tom@corp.example;\n", "reader", "tom@corp.example", NULL},
        {"To: ben@corp.example\n", "words", "", NULL},
        {"To: ben@corp.example\n", "none", "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_str draft = drafted(*state, cases[i].fields, cases[i].kind, cases[i].reader);
        if (!cases[i].want != !draft.n || (draft.n && !has_exactly(draft, cases[i].want)))
            fail_msg("%s: %.*s", cases[i].fields, FB_FMT(draft));
        assert_false(has_exactly(draft, "tom@corp.example") || has_exactly(draft, "TOM@"));
    }
}

static void what_would_have_let_it_pass_comes_back_too(void **state)
{
    struct made *m = *state;
    struct fb_str mail = returned_with(m, FB_STR(ORIGINAL_HEAD ORIGINAL_BODY), FB_STR("ben@corp.example"), false, "words", "");
    assert_true(has_exactly(mail, "Without it this would have gone."));
    assert_true(has_exactly(mail, "open the attachment"));
    assert_true(has_exactly(mail, "Why: Written in anger\r\n\r\nWhat to do instead: Sleep on it."));
    mail = returned_with(m, FB_STR(ORIGINAL_HEAD ORIGINAL_BODY), FB_STR("ben@corp.example"), false, "alone", "ben@corp.example");
    assert_true(has_exactly(mail, "with that done"));
    assert_true(has_exactly(mail, CRLF_HEAD CRLF_BODY));
    assert_false(has_exactly(returned(m, FB_STR(ORIGINAL_HEAD ORIGINAL_BODY), FB_STR("ben@corp.example"), false), "this would have gone"));
}

/* As large as a message may be, with as many readers: in the memory that the keeper allows for it, and at once. */
static void a_large_message_to_many_is_returned_too(void **state)
{
    struct made *m = *state;
    struct fb_buf original = FB_BUF(m->arena), to = FB_BUF(m->arena);
    fb_buf_add(&original, FB_STR("Subject: x\nTo: r0@corp.example"));
    for (int i = 1; i < 1000; i++)
        fb_buf_printf(&original, ",\n r%d@corp.example", i);
    for (int i = 0; i < 1001; i++)
        fb_buf_printf(&to, "%sr%d@corp.example", i ? "#" : "", i);
    fb_buf_add(&original, FB_STR("\n\n"));
    while (original.n < 1000000)
        fb_buf_add(&original, FB_STR("0123456789012345678901234567890123456789012345678901234567890123\n"));
    struct fb_str recipients = fb_buf_str(&to);
    for (char *p = to.p; (p = strchr(p, '#')); p++)
        *p = '\0';
    struct fb_arena *first = m->arena;
    m->arena = fb_arena_new(8 * original.n + (16 << 20));
    struct fb_str mail = returned_with(m, fb_buf_str(&original), recipients, false, "reader", "r7@corp.example");
    assert_true(mail.n > 2 * original.n);
    assert_true(has_exactly(mail, "\r\nBcc: r1000@corp.example\r\n\r\n0123"));
    fb_arena_free(first);
}

/* --- submitting --- */

static int submit(struct smtp *s, const char *to, struct fb_err *err)
{
    return fb_smtp_submit(s->host_port, 2, fb_str(to), FB_STR("Subject: x\r\n\r\n.dot\r\nend\r\n"), err);
}

static void what_is_accepted_went_out_with_a_null_sender(void **state)
{
    (void)state;
    struct smtp s;
    struct fb_err err = {""};
    smtp_start(&s);
    int rc = submit(&s, "ana@corp.example", &err);
    smtp_stop(&s);
    assert_int_equal(rc, 0);
    assert_int_equal(s.n, 1);
    assert_string_equal(s.to[0], "<ana@corp.example>");
    assert_memory_equal(s.from[0], "<>", 2);
}

static void the_mail_comes_out_as_it_went_in(void **state)
{
    (void)state;
    struct smtp s;
    struct fb_err err;
    smtp_start(&s);
    assert_int_equal(submit(&s, "ana@corp.example", &err), 0);
    assert_int_equal(s.n, 1);
    assert_string_equal(s.mail[0], "Subject: x\r\n\r\n.dot\r\nend\r\n");
    smtp_stop(&s);
}

static void five_hundred_is_for_good_and_four_hundred_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *rcpt, *data;
        int want;
    } answers[] = {
        {"550 5.1.1 <ana@corp.example>: no such user", "250 ok", FB_SMTP_REFUSED},
        {"450 4.2.0 <ana@corp.example>: greylisted", "250 ok", FB_SMTP_LATER},
        {"250 ok", "554 5.7.1 ana@corp.example: no", FB_SMTP_REFUSED},
        {"250 ok", "451 4.3.0 ana@corp.example: later", FB_SMTP_LATER},
        {"421 4.3.2 closing", "250 ok", FB_SMTP_LATER},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct smtp s;
        struct fb_err err = {""};
        smtp_start(&s);
        s.rcpt = answers[i].rcpt;
        s.data = answers[i].data;
        int rc = submit(&s, "ana@corp.example", &err);
        smtp_stop(&s);
        assert_int_equal(rc, answers[i].want);
        assert_null(strstr(err.text, "ana@")); /* it is logged */
        assert_non_null(strstr(err.text, answers[i].rcpt[0] == '2' ? (char[4]){answers[i].data[0], answers[i].data[1], answers[i].data[2]} : (char[4]){answers[i].rcpt[0], answers[i].rcpt[1], answers[i].rcpt[2]}));
    }
}

static void whether_an_address_is_taken_is_asked_without_a_mail(void **state)
{
    (void)state;
    static const struct {
        const char *rcpt;
        int want;
    } answers[] = {{"250 ok", 0}, {"550 5.1.1 <forbear@gw>: no such user", FB_SMTP_REFUSED}, {"450 4.2.0 later", FB_SMTP_LATER}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct smtp s;
        struct fb_err err = {""};
        smtp_start(&s);
        s.rcpt = answers[i].rcpt;
        s.keep = true;
        int rc = fb_smtp_accepts(s.host_port, 2, FB_STR("forbear@gw.corp.example"), &err);
        smtp_stop(&s);
        assert_int_equal(rc, answers[i].want);
        assert_int_equal(s.n, 0);
    }
}

static void nobody_listening_or_nobody_answering_is_later(void **state)
{
    (void)state;
    struct smtp s;
    struct fb_err err;
    smtp_start(&s);
    s.silent = true;
    assert_int_equal(submit(&s, "ana@corp.example", &err), FB_SMTP_LATER);
    smtp_stop(&s);
    assert_int_equal(submit(&s, "ana@corp.example", &err), FB_SMTP_LATER);
}

static void an_address_cannot_speak_smtp(void **state)
{
    (void)state;
    struct smtp s;
    struct fb_err err;
    smtp_start(&s);
    assert_int_equal(submit(&s, "ana@corp.example>\r\nRCPT TO:<eve@corp.example", &err), FB_SMTP_REFUSED);
    assert_int_equal(submit(&s, "", &err), FB_SMTP_REFUSED);
    smtp_stop(&s);
    assert_int_equal(s.n, 0);
}

static void an_address_beyond_ascii_asks_for_smtputf8(void **state)
{
    (void)state;
    struct smtp s;
    struct fb_err err = {""};
    smtp_start(&s);
    int rc = submit(&s, "j\xc3\xb6rg@corp.example", &err);
    smtp_stop(&s);
    assert_int_equal(rc, 0);
    assert_string_equal(s.to[0], "<j\xc3\xb6rg@corp.example>");
    assert_non_null(strstr(s.from[0], "SMTPUTF8"));
}

static void several_are_gathered_with_a_link_each(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    struct fb_notice_hold holds[] = {{FB_STR("http://127.0.0.1/h/one"), NOON + 900, 0, m->notice.facts}, {FB_STR("http://127.0.0.1/h/two"), NOON + 1800, 0, m->notice.facts}};
    json_t *facts = m->notice.facts;
    m->notice.kind = FB_NOTICE_GATHERED, m->notice.holds = holds, m->notice.holds_n = 2, m->notice.facts = NULL;
    assert_int_equal(make(m, &err), 0);
    m->notice.facts = facts;
    assert_true(has(m->read.subject, "2 of your messages"));
    assert_true(has(m->read.text, "http://127.0.0.1/h/one") && has(m->read.text, "http://127.0.0.1/h/two"));
    assert_true(has(m->read.text, "12:15 (UTC+01:00)\n\n  Without Ben's manager") && has(m->read.text, "12:30 (UTC+01:00)"));
    assert_int_equal(m->read.in_reply_to.n + m->read.references_n, 0); /* it is of several threads */
}

static void what_follows_a_notice_says_what_it_is_about(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.kind = FB_NOTICE_MOVED, m->notice.who = FB_STR("Cleo\r\nBcc: x@y");
    assert_int_equal(make(m, &err), 0);
    assert_true(has(m->read.subject, "Cleo  Bcc: x@y has just written"));
    assert_true(has(m->read.text, "12:15 (UTC+01:00)") && has(m->read.text, "/h/t.k"));
    m->notice.kind = FB_NOTICE_REMINDER;
    assert_int_equal(make(m, &err), 0);
    assert_true(has(m->read.subject, "Still held until 12:15"));
    assert_string_equal(m->read.in_reply_to.p, "<m1@corp.example>");
}

static void help_says_how_and_answers_who_asked(void **state)
{
    struct made *m = *state;
    struct fb_err err;
    m->notice.kind = FB_NOTICE_HELP, m->notice.answers = FB_STR("<q@corp.example>");
    assert_int_equal(make(m, &err), 0);
    assert_true(has_exactly(m->read.text, "\n  RELEASE:   your message is sent now\n  WITHDRAW:  it comes back to you\n"));
    assert_string_equal(m->read.in_reply_to.p, "<q@corp.example>");
    m->notice.opens_s = NOON + 60;
    assert_int_equal(make(m, &err), 0);
    assert_true(has(m->read.text, "from today at 11:01 (UTC+00:00) on"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    fb_message_init();
    const struct CMUnitTest tests[] = {
        TEST(a_notice_says_what_until_when_why_and_where),
        TEST(several_are_gathered_with_a_link_each),
        TEST(what_follows_a_notice_says_what_it_is_about),
        TEST(help_says_how_and_answers_who_asked),
        TEST(what_would_have_let_it_pass_comes_first),
        TEST(words_that_several_rules_rest_on_are_quoted_by_the_first),
        TEST(where_that_is_not_known_nothing_is_said_of_it),
        TEST(how_to_answer_is_said_only_where_an_answer_counts),
        TEST(from_when_it_may_be_sent_is_said_where_that_is_later),
        TEST(its_text_fits_a_terminal),
        TEST(a_sender_is_told_in_their_own_language),
        TEST(what_the_admin_wrote_is_told_as_it_is),
        TEST(every_kind_of_mail_is_in_every_language),
        TEST(a_language_that_writes_no_moment_writes_it_in_english),
        TEST(text_is_filled),
        TEST(text_is_filled_to_be_broken_anew),
        TEST(it_answers_the_message_and_says_that_a_program_wrote_it),
        TEST(all_its_lines_end_in_crlf_and_are_short_and_ascii),
        TEST(words_become_no_markup),
        TEST(a_subject_becomes_no_header_field),
        TEST(another_day_is_named),
        TEST(where_the_end_is_a_withdrawal_it_says_so),
        TEST(in_notify_mode_there_is_no_link_and_no_time),
        TEST(a_sender_beyond_ascii_is_written_as_it_is),
        TEST(a_template_that_is_missing_is_named),
        TEST(without_memory_no_notice_is_made),
        TEST(message_ids_differ_and_are_of_our_domain),
        TEST(the_original_is_attached_byte_for_byte),
        TEST(who_no_field_names_was_in_bcc),
        TEST(crlf_line_ends_stay_so),
        TEST(eight_bits_and_utf8_headers_stay),
        TEST(a_message_without_a_body_or_a_header_is_returned_too),
        TEST(the_draft_leaves_addresses_off),
        TEST(what_would_have_let_it_pass_comes_back_too),
        TEST(a_large_message_to_many_is_returned_too),
        TEST(what_is_accepted_went_out_with_a_null_sender),
        TEST(the_mail_comes_out_as_it_went_in),
        TEST(five_hundred_is_for_good_and_four_hundred_is_not),
        TEST(nobody_listening_or_nobody_answering_is_later),
        TEST(an_address_cannot_speak_smtp),
        TEST(an_address_beyond_ascii_asks_for_smtputf8),
        TEST(whether_an_address_is_taken_is_asked_without_a_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
