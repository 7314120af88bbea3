/* HTML as mail clients write it, as the text that its reader sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/html.h"
#include "mail/message.h"

static const struct {
    const char *name, *html, *want;
} cases[] = {
    {"nothing", "", "\n"},
    {"text alone", "Hello", "Hello\n"},
    {"blanks are one", "<p>a\n  b &amp; <b>c</b></p>", "a b & c\n"},
    {"paragraphs", "<p>one</p><p>two</p>", "one\n\ntwo\n"},
    {"Gmail's lines", "<div>one</div><div><br></div><div>two<br></div><div>three</div>", "one\n\ntwo\nthree\n"},
    {"Word's lines", "<p class=MsoNormal>one</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>two</p>", "one\n\u00a0\ntwo\n"},
    {"what is not seen", "<html><head><title>t</title><style>p{}</style></head><body><script>x()</script>seen<span style=\"display: none\">hid</span></body></html>", "seen\n"},
    {"comments", "a<!-- b --><!--[if mso]>c<![endif]-->d", "ad\n"},
    {"entities", "&lt;&eacute;&#8364;&unknown;", "<\u00e9\u20ac&unknown;\n"},
    {"a list", "<ul><li>one<li>two</ul>", "one\ntwo\n"},
    {"a table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc\n"},
    {"verbatim", "<pre>a\n  b</pre>", "a\n  b\n"},
    {"a quoted reply", "<div>answer</div><div class=gmail_quote><div>On Monday Ann wrote:</div><blockquote class=gmail_quote>q1<div>q2</div></blockquote></div>",
     "answer\nOn Monday Ann wrote:\n> q1\n> q2\n"},
    {"quotes in quotes", "<blockquote type=cite>a<blockquote type=cite>b</blockquote></blockquote>c", "> a\n> > b\nc\n"},
    {"an indent is no quote", "<blockquote style=\"margin:0 0 0 40px;border:none;padding:0px\">mine</blockquote>", "mine\n"},
    {"Outlook's header on the web", "<div>answer</div><div id=divRplyFwdMsg><b>From:</b> Ann</div>", "answer\n-----Original Message-----\nFrom: Ann\n"},
    {"Outlook's line", "<p class=MsoNormal>answer</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'><p class=MsoNormal><b>L\u00e4hett\u00e4j\u00e4:</b> Ann</p></div>",
     "answer\n-----Original Message-----\nL\u00e4hett\u00e4j\u00e4: Ann\n"},
    {"Yahoo's quote", "<div>answer</div><div class=yahoo_quoted><div>On Tuesday, Ann wrote:</div><div>old</div></div>",
     "answer\n-----Original Message-----\nOn Tuesday, Ann wrote:\nold\n"},
    {"hidden by style", "<p style='font-size:0px'>a</p><p style=\"visibility : hidden\">b</p><p hidden>c</p><p style='OPACITY:0'>d</p><p style='max-height:0;overflow:hidden'>e</p>seen", "seen\n"},
    {"not hidden by style", "<p style='font-size:0.9em;opacity:0.8'>seen</p>", "seen\n"},
    {"a ruler", "<div>a</div><hr>b", "a\n________________________________\nb\n"},
    {"a signature", "<div>a</div><div class=\"gmail_signature\">me</div>", "a\n-- \nme\n"},
    {"tags that never close", "<div><b>a<div><i>b", "a\nb\n"},
    {"tags that never opened", "a</div></b></table>b", "ab\n"},
};

static void the_visible_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA a = fb_arena_new(1u << 20);
        struct fb_str got;
        struct fb_err err;
        assert_int_equal(fb_html_text(a, fb_str(cases[i].html), &got, &err), 0);
        if (!fb_str_eq(got, fb_str(cases[i].want)))
            fail_msg("%s: \"%.*s\", wanted \"%s\"", cases[i].name, FB_FMT(got), cases[i].want);
    }
}

static void depth_ends_the_reading(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(64u << 20);
    struct fb_buf b = FB_BUF(a);
    struct fb_str got;
    struct fb_err err;
    fb_buf_add(&b, FB_STR("seen"));
    for (int i = 0; i < 50000; i++)
        fb_buf_add(&b, FB_STR("<b>"));
    for (int i = 0; i < 50000; i++)
        fb_buf_add(&b, FB_STR("x</i>"));
    assert_int_equal(fb_html_text(a, fb_buf_str(&b), &got, &err), 0);
    assert_true(fb_str_istarts(got, FB_STR("seen")));
}

int main(void)
{
    fb_message_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_visible_text),
        cmocka_unit_test(depth_ends_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
