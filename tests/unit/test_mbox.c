/* Files of many messages: where one ends, and what stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/mbox.h"

static const struct {
    const char *name, *mbox, *want[4];
} cases[] = {
    {"nothing", "", {NULL}},
    {"no mbox at all", "Subject: a\n\nb\n", {NULL}},
    {"one", "From a\nSubject: a\n\nb\n", {"Subject: a\n\nb\n"}},
    {"two", "From a\nA: 1\n\nb\n\nFrom c\nC: 2\n\nd\n", {"A: 1\n\nb\n\n", "C: 2\n\nd\n"}},
    {"CRLF", "From a\r\nA: 1\r\n\r\nFrom b\r\nB: 2\r\n", {"A: 1\r\n\r\n", "B: 2\r\n"}},
    {"a line of the text", "From a\nA: 1\n\nb\nFrom here on\n", {"A: 1\n\nb\nFrom here on\n"}},
    {"a quoted line", "From a\nA: 1\n\n>From here\n>>From there\n> From nowhere\n", {"A: 1\n\nFrom here\n>From there\n> From nowhere\n"}},
    {"what stands before the first", "x\n\nFrom a\nA: 1\n", {"A: 1\n"}},
    {"no line end at the end", "From a\nA: 1\n\nb", {"A: 1\n\nb"}},
    {"empty messages", "From a\n\nFrom b\n\nFrom c", {"\n", "\n", ""}},
};

static void each_message_is_cut_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA arena = fb_arena_new(1 << 20);
        struct fb_str rest = fb_str(cases[i].mbox), message;
        size_t n = 0;
        for (; fb_mbox_next(&rest, &message); n++) {
            struct fb_str text = fb_mbox_unquote(arena, message);
            if (!cases[i].want[n] || !fb_str_eq(text, fb_str(cases[i].want[n])))
                fail_msg("%s: message %zu is \"%s\"", cases[i].name, n, text.p);
        }
        if (cases[i].want[n])
            fail_msg("%s: only %zu messages", cases[i].name, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_message_is_cut_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
