/* Messages as mail clients write them, and as nobody should: what text is read, and what is refused before it is parsed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/bounds.h"
#include "mail/message.h"

#define assert_str(s, want) assert_string_equal(fb_arena_dup(arena, s).p, want)

static const struct fb_message_limits limits = {.parts = 20, .nesting = 5, .header_size = 10000, .header_fields = 50};
static struct fb_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = fb_arena_new(16u << 20);
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fb_arena_free(arena);
    return 0;
}

static int parse(const char *raw, struct fb_message *m)
{
    struct fb_err err;
    return fb_message_parse(arena, &limits, fb_str(raw), false, m, &err);
}

static void the_header_is_read(void **state)
{
    (void)state;
    struct fb_message m;
    assert_int_equal(parse("From: =?ISO-8859-1?Q?J=F6rg?= <Joerg@Example.COM>\r\n"
                           "To: team: a@x.org, \"B, C\" <b@x.org>;, c@x.org (a comment)\r\n"
                           "Cc: undisclosed-recipients:;\r\n"
                           "Subject: =?utf-8?B?w5xiZXIgdW5z?=\r\n and you\r\n"
                           "Message-ID: <1@x>\r\nIn-Reply-To: Your message <0@x> of today\r\n"
                           "References: <a@x> <b@x>\r\n\t<0@x>\r\n"
                           "Date: Tue, 3 Nov 2026 07:52:00 +0130 (somewhere)\r\n\r\nHello\r\n", &m), 0);
    assert_int_equal(m.from.n, 1);
    assert_str(m.from.v[0].addr, "joerg@example.com");
    assert_str(m.from.v[0].display, "J\u00f6rg");
    assert_int_equal(m.to.n, 3);
    assert_str(m.to.v[1].addr, "b@x.org");
    assert_str(m.to.v[1].display, "B, C");
    assert_str(m.to.v[2].addr, "c@x.org");
    assert_int_equal(m.cc.n, 0);
    assert_str(m.subject, "\u00dcber uns and you");
    assert_str(m.message_id, "<1@x>");
    assert_str(m.in_reply_to, "<0@x>");
    assert_int_equal(m.references_n, 3);
    assert_str(m.references[2], "<0@x>");
    assert_int_equal(m.date_s, 1793686920);
    assert_int_equal(m.tz_min, 90);
    assert_str(m.text, "Hello\n");
}

static void a_header_that_says_nothing_is_no_fault(void **state)
{
    (void)state;
    struct fb_message m;
    assert_int_equal(parse("Date: yesterday\nFrom:\nReferences: none\n\ntext", &m), 0);
    assert_true(m.date_s == INT64_MIN);
    assert_int_equal(m.from.n + m.to.n + m.references_n + m.subject.n + m.message_id.n, 0);
}

struct text_case {
    const char *name, *raw, *want; /* want NULL: an outcome */
    int outcome;
};

#define PLAIN "Content-Type: text/plain\n\n"
#define HTML "Content-Type: text/html\n\n"
#define ALTERNATIVE "Content-Type: multipart/alternative; boundary=a\n\n"
#define MIXED "Content-Type: multipart/mixed; boundary=\"m\"\n\n"

static const struct text_case text_cases[] = {
    {"nothing but a header", "Subject: x\n\n", NULL, FB_MESSAGE_NO_TEXT},
    {"no MIME at all", "\nHello\r\nthere\r\n", "Hello\nthere\n", 0},
    {"base64", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nSGVsbG8g4oKs\n", "Hello \u20ac", 0},
    {"base64 that was cut", "Content-Transfer-Encoding: base64\n\nSGVsbG8gd29ybG", "Hello wor", 0},
    {"quoted-printable", "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe =\nall\n",
     "Gr\u00fc\u00dfe all\n", 0},
    {"windows-1252 named latin-1", "Content-Type: text/plain; charset=iso-8859-1\n\n\x93so\x94\n", "\u201cso\u201d\n", 0},
    {"UTF-8 that nobody named", "\ncaf\xc3\xa9\n", "caf\u00e9\n", 0},
    {"a charset that nobody knows", "Content-Type: text/plain; charset=x-klingon\n\ncaf\xe9\n", "caf\u00e9\n", 0},
    {"a broken byte", "Content-Type: text/plain; charset=utf-8\n\na\xff" "b\n", "a\ufffd" "b\n", 0},
    {"ISO-2022-JP", "Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$\"\x1b(B\n", "\u3042\n", 0},
    {"no-break spaces and zero width", "Content-Type: text/plain; charset=utf-8\n\na\xc2\xa0" "b\xe2\x80\x8b" "c\n", "a bc\n", 0},
    {"format=flowed", "Content-Type: text/plain; format=flowed\n\nOne \ntwo\nthree\n>> quoted \n>> more\n>> \n-- \nme \n", "One two\nthree\n>> quoted more\n>> \n-- \nme \n", 0},
    {"format=flowed; delsp", "Content-Type: text/plain; format=flowed; delsp=yes\n\nBuch \nstabe\n From\n", "Buchstabe\nFrom\n", 0},
    {"plain before HTML", ALTERNATIVE "--a\n" PLAIN "plain\n--a\n" HTML "<p>html</p>\n--a--\n", "plain", 0},
    {"HTML first, plain all the same", ALTERNATIVE "--a\n" HTML "<p>html</p>\n--a\n" PLAIN "plain\n--a--\n", "plain", 0},
    {"an empty plain part", ALTERNATIVE "--a\n" PLAIN " \n\n--a\n" HTML "<p>html</p>\n--a--\n", "html\n", 0},
    {"HTML within related", ALTERNATIVE "--a\nContent-Type: multipart/related; boundary=r\n\n--r\n" HTML "<p>html</p>\n--r\nContent-Type: image/png\n\nx\n--r--\n--a--\n",
     "html\n", 0},
    {"an attachment of text", MIXED "--m\n" PLAIN "body\n--m\nContent-Type: text/plain\nContent-Disposition: attachment\n\nnot me\n--m--\n", "body", 0},
    {"a patch shown inline", MIXED "--m\n" PLAIN "body\n--m\nContent-Type: text/plain; name=a.patch\nContent-Disposition: inline; filename=a.patch\n\nnot me\n--m--\n", "body", 0},
    {"Apple Mail around a picture", MIXED "--m\n" PLAIN "above\n--m\nContent-Type: image/png\n\nx\n--m\n" PLAIN "below\n--m--\n", "above\nbelow", 0},
    {"a forwarded message", MIXED "--m\n" PLAIN "see below\n--m\nContent-Type: message/rfc822\n\nSubject: x\n\nnot me\n--m--\n", "see below", 0},
    {"nothing but a forwarded message", "Content-Type: message/rfc822\n\nSubject: x\n\nnot me\n", NULL, FB_MESSAGE_NO_TEXT},
    {"signed", "Content-Type: multipart/signed; boundary=s\n\n--s\n" PLAIN "signed\n--s\nContent-Type: application/pgp-signature\n\nx\n--s--\n", "signed", 0},
    {"the closing boundary is missing", MIXED "--m\n" PLAIN "body", "body", 0},
    {"the first line is mbox's", "From ann Mon Jan  1 00:00:00 2024\nSubject: x\n\nbody\n", "body\n", 0},
    {"PGP/MIME", "Content-Type: multipart/encrypted; boundary=e\n\n--e\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--e\nContent-Type: application/octet-stream\n\nx\n--e--\n",
     NULL, FB_MESSAGE_ENCRYPTED},
    {"PGP/MIME as Exchange leaves it", MIXED "--m\nContent-Type: text/plain\n\n\n--m\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--m--\n", NULL, FB_MESSAGE_ENCRYPTED},
    {"S/MIME", "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx\n", NULL, FB_MESSAGE_ENCRYPTED},
    {"S/MIME, only signed", "Content-Type: application/pkcs7-mime; smime-type=signed-data\n\nx\n", NULL, FB_MESSAGE_NO_TEXT},
    {"inline PGP", "\n-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----\n", NULL, FB_MESSAGE_ENCRYPTED},
    {"an invitation", ALTERNATIVE "--a\n" PLAIN "Meeting\n--a\nContent-Type: text/calendar; method=REQUEST\n\nx\n--a--\n", NULL, FB_MESSAGE_CALENDAR},
    {"a calendar file attached", MIXED "--m\n" PLAIN "see\n--m\nContent-Type: text/calendar\nContent-Disposition: attachment\n\nx\n--m--\n", "see", 0},
    {"a digest holds no words of the sender's", "Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: x\n\nnot me\n--d--\n", NULL, FB_MESSAGE_NO_TEXT},
    {"a digest that spammers make", "Content-Type: multipart/digest; boundary=d\n\n--d\n" HTML "<p>seen</p>\n--d--\n", "seen\n", 0},
    {"only a picture", "Content-Type: image/png\n\nx\n", NULL, FB_MESSAGE_NO_TEXT},
};

static void the_text_that_a_reader_sees_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
        const struct text_case *c = &text_cases[i];
        struct fb_message m;
        int r = parse(c->raw, &m);
        if (r != c->outcome)
            fail_msg("%s: outcome %d, wanted %d", c->name, r, c->outcome);
        if (c->want && strcmp(fb_arena_dup(arena, m.text).p, c->want) != 0)
            fail_msg("%s: \"%s\", wanted \"%s\"", c->name, fb_arena_dup(arena, m.text).p, c->want);
    }
}

/* @n times @s between two texts. */
static const char *many(const char *before, const char *s, size_t n, const char *after)
{
    struct fb_buf b = FB_BUF(arena);
    fb_buf_add(&b, fb_str(before));
    while (n--)
        fb_buf_add(&b, fb_str(s));
    fb_buf_add(&b, fb_str(after));
    return fb_buf_str(&b).p;
}

static void what_is_past_a_limit_is_refused(void **state)
{
    (void)state;
    struct fb_message m;
    const char *part = "--m\n" PLAIN "x\n", *nested = "Content-Type: message/rfc822\n\n";
    assert_int_equal(parse(many(MIXED, part, 19, "--m--\n"), &m), 0);
    assert_int_equal(parse(many(MIXED, part, 20, "--m--\n"), &m), FB_MESSAGE_TOO_COMPLEX);
    assert_int_equal(parse(many("", nested, 4, "\nx"), &m), FB_MESSAGE_NO_TEXT);
    assert_int_equal(parse(many("", nested, 9, "\nx"), &m), FB_MESSAGE_TOO_COMPLEX);
    assert_int_equal(parse(many("", "A: b\n", 50, "\nx"), &m), 0);
    assert_int_equal(parse(many("", "A: b\n", 51, "\nx"), &m), FB_MESSAGE_TOO_COMPLEX);
    assert_int_equal(parse(many("Subject: ", "0123456789", 990, "\n\nx"), &m), 0);
    assert_int_equal(parse(many("Subject: ", "0123456789", 1000, "\n\nx"), &m), FB_MESSAGE_TOO_COMPLEX);
}

static void what_would_make_the_parser_work_without_bound_is_never_parsed(void **state)
{
    (void)state;
    const char *nested = "Content-Type: message/rfc822\n\n";
    const char *attacks[] = {
        many(MIXED, "--m\n\n", 50, ""),
        many("", nested, 200, ""),
        many("Content-Type: multipart/digest; boundary=m\n\n", "--m\n\n\n", 50, ""),
        many("Content-Type: text/plain", "; a=b", 100, "\n\n"),
        many(MIXED "--m\n", "A: b\n", 1000, "\n"),
        many("Content-Type: multipart/mixed; boundary*=us-ascii''%6d\n\n", "--m\n\n", 50, ""),
        many("Content-Type: multipart/mixed; boundary=\n \"m\"\n\n", "--m\n\n", 50, ""),
        many("Content-Type: multipart/mixed; boundary=\"\\m\"\n\n", "--m\n\n", 50, ""),
        many("", "Content-Type: multipart/mixed; boundary=x\n", 600, "\n"),
    };
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        if (fb_bounds_hold(fb_str(attacks[i]), &limits))
            fail_msg("attack %zu is let through", i);
    assert_true(fb_bounds_hold(fb_str(many("\n", "-- \n--- a/file\n-----\n", 500, "")), &limits));
    assert_true(fb_bounds_hold(fb_str(many(MIXED "--m\n\n", "-- \n--x\nname: value\n\n", 500, "--m--\n")), &limits));
}

static void a_long_text_of_quotes_is_no_attack(void **state)
{
    (void)state;
    struct fb_message m;
    assert_int_equal(parse(many("\n", "> Content-Type: multipart/mixed; boundary=x\n> \n", 1000, ""), &m), 0);
}

static void addresses_that_would_take_too_long_are_never_parsed(void **state)
{
    (void)state;
    struct fb_addresses as;
    struct fb_message m;
    struct fb_err err;
    const char *groups = many("", "a:", 60000, ""), *names = many("", "a,", 60000, ""), *open = many("\"", "a,", 60000, "");
    assert_int_equal(fb_addresses_parse(arena, fb_str(groups), &as, &err), FB_ADDRESSES_TOO_COMPLEX);
    assert_int_equal(fb_addresses_parse(arena, fb_str(names), &as, &err), FB_ADDRESSES_TOO_COMPLEX);
    assert_int_equal(fb_addresses_parse(arena, fb_str(open), &as, &err), FB_ADDRESSES_TOO_COMPLEX);
    assert_int_equal(as.n, 0);
    assert_int_equal(parse(many("To: ", "a:", 1000, "\n\nx"), &m), FB_MESSAGE_TOO_COMPLEX);
    assert_int_equal(fb_addresses_parse(arena, fb_str(many("", "\"Smith, Ann\" <ann@x.org>, ", 3000, "")), &as, &err), 0);
    assert_int_equal(as.n, 3000);
    assert_int_equal(fb_addresses_parse(arena, fb_str(many("", "Smith, Ann <ann@x.org>, ", 500, "")), &as, &err), 0);
}

static void odd_dots_lose_no_address(void **state)
{
    struct fb_err err;
    struct fb_addresses as;
    (void)state;
    assert_int_equal(fb_addresses_parse(arena, FB_STR("k..Allen@x.org, \"B.. Cole\" <bo.@x.org>, Eve <e.v.e@x.org>"), &as, &err), 0);
    assert_int_equal(as.n, 3);
    assert_str(as.v[0].addr, "k..allen@x.org");
    assert_str(as.v[1].addr, "bo.@x.org");
    assert_str(as.v[1].display, "B.. Cole");
    assert_str(as.v[2].addr, "e.v.e@x.org");
}

static void a_nul_hides_no_address(void **state)
{
    (void)state;
    struct fb_addresses as;
    struct fb_err err;
    assert_int_equal(fb_addresses_parse(arena, FB_STR("a@x.org\0, b@x.org"), &as, &err), 0);
    assert_int_equal(as.n, 0);
    assert_str(fb_address_domain(FB_STR("\"a@b\"@x.org")), "x.org");
    assert_int_equal(fb_address_domain(FB_STR("root")).n, 0);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const char *raw = "From: A <a@x.org>\nTo: b@x.org\nSubject: =?utf-8?Q?=C3=84?=\nReferences: <a@x>\n" MIXED "--m\n" HTML "<p>a<blockquote>b</blockquote>\n--m\n"
                      "Content-Type: text/plain; charset=koi8-r; format=flowed\n\n\xc1\xc2 \n\xc3\n--m--\n";
    struct fb_message m;
    struct fb_err err;
    int r = -1;
    for (unsigned long nth = 1; r < 0; nth++) {
        FB_ARENA a = fb_arena_new(1u << 20);
        fb_arena_fail_at(nth);
        r = fb_message_parse(a, &limits, fb_str(raw), false, &m, &err);
        fb_arena_fail_at(0);
        assert_true(nth < 1000);
        if (r == 0)
            assert_true(nth > 20);
    }
    assert_int_equal(r, 0);
}

int main(void)
{
    fb_message_init();
#define STORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(the_header_is_read),
        STORY(a_header_that_says_nothing_is_no_fault),
        STORY(the_text_that_a_reader_sees_first),
        STORY(what_is_past_a_limit_is_refused),
        STORY(what_would_make_the_parser_work_without_bound_is_never_parsed),
        STORY(a_long_text_of_quotes_is_no_attack),
        STORY(addresses_that_would_take_too_long_are_never_parsed),
        STORY(odd_dots_lose_no_address),
        STORY(a_nul_hides_no_address),
        STORY(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
