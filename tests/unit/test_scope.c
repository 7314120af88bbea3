/* Whose mail is judged: one case a reason, and beside each reason the message next to it that is judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/message.h"
#include "rules/policy.h"

#define WORD(s) {s, sizeof s - 1}
#define WORDS(array) {.n = sizeof array / sizeof *array, .v = array}

static const struct fb_str internal[] = {WORD("example.com"), WORD("example.de")};
static const struct fb_str protected[] = {WORD("council@example.com"), WORD("@ombud.example.org")};
static const struct fb_str shared[] = {WORD("info@example.com")};
static const struct fb_net loopback = {.addr = {[10] = 0xff, [11] = 0xff, [12] = 127}, .prefix = 104};
static const struct fb_conf conf = {
    .scope_internal_domains = WORDS(internal),
    .scope_protected = WORDS(protected),
    .scope_shared = WORDS(shared),
    .scope_networks = {.n = 1, .v = &loopback},
    .limits_message_size = 1000000,
    .limits_recipients = 3,
    .notice_from = "forbear@example.com",
};

struct mail_case {
    const char *name;
    const char *sender, *login;
    bool local; /* the client is 127.0.0.1; otherwise it is 192.0.2.1 */
    int64_t size;
    enum fb_reason want;
};

static const struct mail_case mail_cases[] = {
    {"authenticated", "ann@example.com", "ann@example.com", false, -1, FB_REASON_none},
    {"login in other case", "Ann@Example.COM", "ann@example.com", false, -1, FB_REASON_none},
    {"login without a domain", "ann@example.com", "asmith", false, -1, FB_REASON_none},
    {"from a configured network", "ann@example.com", "", true, -1, FB_REASON_none},
    {"second domain", "ann@example.de", "", true, -1, FB_REASON_none},
    {"at the size limit", "ann@example.com", "", true, 1000000, FB_REASON_none},
    {"bounce", "", "", true, -1, FB_REASON_null_sender},
    {"stranger's client", "ann@example.com", "", false, -1, FB_REASON_foreign_client},
    {"foreign sender", "ann@elsewhere.org", "", true, -1, FB_REASON_foreign_sender},
    {"a subdomain is another domain", "ann@sub.example.com", "", true, -1, FB_REASON_foreign_sender},
    {"a domain that ends alike", "ann@notexample.com", "", true, -1, FB_REASON_foreign_sender},
    {"no domain", "root", "", true, -1, FB_REASON_foreign_sender},
    {"the works council writes", "council@example.com", "council@example.com", false, -1, FB_REASON_protected},
    {"the works council writes, tagged", "council+case7@example.com", "", true, -1, FB_REASON_protected},
    {"protected before the login is compared", "Council@example.com", "ann@example.com", false, -1, FB_REASON_protected},
    {"notice", "forbear@example.com", "", true, -1, FB_REASON_own_notice},
    {"the notice name in another domain", "forbear@example.de", "", true, -1, FB_REASON_none},
    {"shared mailbox", "info@example.com", "info@example.com", false, -1, FB_REASON_shared_sender},
    {"shared before the login is compared", "info@example.com", "ann@example.com", false, -1, FB_REASON_shared_sender},
    {"somebody else's login", "ann@example.com", "bob@example.com", false, -1, FB_REASON_login_mismatch},
    {"too large by its own word", "ann@example.com", "", true, 1000001, FB_REASON_too_large},
};

static void the_sender_and_the_client_decide_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mail_cases / sizeof *mail_cases; i++) {
        const struct mail_case *c = &mail_cases[i];
        struct fb_envelope env = {.sender = fb_str(c->sender), .login = fb_str(c->login), .client_known = true, .declared_size = c->size,
                                  .client = {[10] = 0xff, [11] = 0xff, [12] = c->local ? 127 : 192, [15] = 1}};
        enum fb_reason got = fb_scope_mail(&conf, &env);
        if (got != c->want)
            fail_msg("%s: %s, wanted %s", c->name, fb_reason_name(got), fb_reason_name(c->want));
    }
}

static void an_unknown_client_is_foreign_without_a_login(void **state)
{
    (void)state;
    struct fb_envelope env = {.sender = FB_STR("ann@example.com"), .login = FB_STR_NONE, .declared_size = -1};
    assert_int_equal(fb_scope_mail(&conf, &env), FB_REASON_foreign_client);
    env.login = FB_STR("ann");
    assert_int_equal(fb_scope_mail(&conf, &env), FB_REASON_none);
}

struct header_case {
    const char *name, *header, *rcpt; /* rcpt: separated by blanks */
    enum fb_reason want;
};

#define FROM "From: ann@example.com\n"

static const struct header_case header_cases[] = {
    {"plain", FROM, "bob@example.com", FB_REASON_none},
    {"a name, a comment, other case", "From: =?utf-8?q?Ann_=C3=84?= (at home) <ANN@example.COM>\n", "b@example.com", FB_REASON_none},
    {"a group around it", "From: us: ann@example.com;\n", "b@example.com", FB_REASON_none},
    {"a quoted comma", "From: \"Smith, Ann\" <ann@example.com>\n", "b@example.com", FB_REASON_none},
    {"Sender names the same", FROM "Sender: Ann <ann@example.com>\n", "b@example.com", FB_REASON_none},
    {"Auto-Submitted: no", FROM "Auto-Submitted: no\n", "b@example.com", FB_REASON_none},
    {"Precedence: first-class", FROM "Precedence: first-class\n", "b@example.com", FB_REASON_none},
    {"an X- field of the admin's", FROM "X-List-Thing: yes\nListing: 1\n", "b@example.com", FB_REASON_none},
    {"signed", FROM "Content-Type: application/pkcs7-mime; smime-type=signed-data\n", "b@example.com", FB_REASON_none},
    {"no From", "To: b@example.com\n", "b@example.com", FB_REASON_other_from},
    {"another From", "From: boss@example.com\n", "b@example.com", FB_REASON_other_from},
    {"the sender in the name only", "From: \"ann@example.com\" <boss@example.com>\n", "b@example.com", FB_REASON_other_from},
    {"two authors", "From: ann@example.com, bob@example.com\n", "b@example.com", FB_REASON_other_from},
    {"two From fields", FROM FROM, "b@example.com", FB_REASON_other_from},
    {"unreadable From", "From: ,\n", "b@example.com", FB_REASON_other_from},
    {"a delegate sent it", FROM "Sender: assistant@example.com\n", "b@example.com", FB_REASON_other_from},
    {"resent by another", FROM "Resent-From: bob@example.com\n", "b@example.com", FB_REASON_other_from},
    {"resent by another's hand", FROM "Resent-Sender: bob@example.com\n", "b@example.com", FB_REASON_other_from},
    {"a vacation answer", FROM "Auto-Submitted: auto-replied (vacation)\n", "b@example.com", FB_REASON_auto_submitted},
    {"bulk", FROM "Precedence: Bulk\n", "b@example.com", FB_REASON_bulk},
    {"list", FROM "Precedence: list\n", "b@example.com", FB_REASON_bulk},
    {"junk", FROM "Precedence: junk\n", "b@example.com", FB_REASON_bulk},
    {"a list's own field", FROM "List-Id: <staff.example.com>\n", "b@example.com", FB_REASON_bulk},
    {"a newsletter", FROM "LIST-UNSUBSCRIBE: <mailto:x@example.com>\n", "b@example.com", FB_REASON_bulk},
    {"an answer to an invitation", FROM "Content-Type: text/calendar; method=REPLY\n", "b@example.com", FB_REASON_calendar},
    {"Exchange's invitation", FROM "Content-class: urn:content-classes:calendarmessage\n", "b@example.com", FB_REASON_calendar},
    {"PGP/MIME", FROM "Content-Type: multipart/encrypted;\n\tprotocol=\"application/pgp-encrypted\"\n", "b@example.com", FB_REASON_encrypted},
    {"S/MIME", FROM "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n", "b@example.com", FB_REASON_encrypted},
    {"S/MIME that does not say which", FROM "Content-Type: application/x-pkcs7-mime\n", "b@example.com", FB_REASON_encrypted},
    {"too many recipients", FROM, "a@x.org b@x.org c@x.org d@x.org", FB_REASON_too_many_recipients},
    {"as many as may be", FROM, "a@x.org b@x.org c@x.org", FB_REASON_none},
    {"to the works council", FROM, "Council@Example.com", FB_REASON_protected},
    {"the works council in Bcc only", FROM "To: bob@example.com\n", "bob@example.com council@example.com", FB_REASON_protected},
    {"to a protected domain", FROM, "anyone@ombud.example.org", FB_REASON_protected},
    {"Cc names it, the envelope does not", FROM "Cc: x@x.org,\n (a comment) Council <council@example.com>\n", "b@example.com", FB_REASON_protected},
    {"in a group", FROM "To: help: a@b.org, council+x@example.com;\n", "b@example.com", FB_REASON_protected},
    {"protected before anything else", "From: boss@example.com\nPrecedence: bulk\n", "council@example.com", FB_REASON_protected},
};

static enum fb_reason header_reason(const struct header_case *c)
{
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_headers h = {.arena = a};
    struct fb_str rcpt[8], rest = fb_str(c->rcpt), body;
    struct fb_err err;
    struct fb_envelope env = {.sender = FB_STR("ann@example.com"), .rcpt = rcpt};
    while (fb_str_word(&rest, &rcpt[env.rcpt_n]))
        env.rcpt_n++;
    assert_int_equal(fb_headers_split(&h, fb_str(c->header), 65536, 100, &body, &err), 0);
    return fb_scope_header(&conf, &env, &h);
}

static void the_header_and_the_recipients_decide_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof header_cases / sizeof *header_cases; i++) {
        enum fb_reason got = header_reason(&header_cases[i]);
        if (got != header_cases[i].want)
            fail_msg("%s: %s, wanted %s", header_cases[i].name, fb_reason_name(got), fb_reason_name(header_cases[i].want));
    }
}

static void an_address_field_that_takes_too_long_is_not_read(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_buf from = FB_BUF(a);
    fb_buf_add(&from, FB_STR("From: "));
    for (int i = 0; i < 1000; i++)
        fb_buf_add(&from, FB_STR("a:"));
    struct header_case c = {.header = fb_buf_str(&from).p, .rcpt = "b@example.com"};
    assert_int_equal(header_reason(&c), FB_REASON_header_limit);
}

static void every_reason_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (enum fb_reason r = 0; r < FB_REASONS; r++) {
        assert_non_null(fb_reason_name(r));
        assert_true(strlen(fb_reason_sentence(r)) > 10);
    }
    assert_string_equal(fb_reason_name(FB_REASON_other_from), "other_from");
    assert_true(fb_reason_fault(FB_REASON_parse_fault));
    assert_false(fb_reason_fault(FB_REASON_bulk));
}

int main(void)
{
    fb_message_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sender_and_the_client_decide_first),
        cmocka_unit_test(an_unknown_client_is_foreign_without_a_login),
        cmocka_unit_test(the_header_and_the_recipients_decide_next),
        cmocka_unit_test(an_address_field_that_takes_too_long_is_not_read),
        cmocka_unit_test(every_reason_has_a_name_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
