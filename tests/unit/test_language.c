/* Which own words the judge of meaning reads: those of data/languages.txt, and the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/io.h"
#include "judge/encoder.h"
#include "mail/own.h"
#include "rules/language.h"

static struct fb_arena *arena;
static struct fb_encoder *encoder; /* for its vocabulary */

static int setup(void **state)
{
    (void)state;
    struct fb_err err = {""};
    arena = fb_arena_new(16u << 20);
    int rc = arena ? fb_encoder_open(TEST_MODEL, NULL, &encoder, &err) : -1;
    if (rc == FB_ENCODER_NO_CPU)
        exit(77); /* skipped */
    if (rc)
        print_error("%s\n", err.text);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    fb_encoder_close(encoder);
    fb_arena_free(arena);
    return 0;
}

static bool english(struct fb_str text)
{
    struct fb_own own;
    struct fb_text t;
    assert_int_equal(fb_own_words(arena, text, &own, NULL), 0);
    assert_int_equal(fb_text_cut(arena, own.sentences, own.sentences_n, &t, NULL), 0);
    return fb_language_english(&t, fb_encoder_vocab(encoder));
}

static struct fb_str with_lines(struct fb_str text)
{
    struct fb_buf b = FB_BUF(arena);
    for (size_t i = 0; i < text.n; i++)
        fb_buf_char(&b, text.p[i] == '|' ? '\n' : text.p[i]);
    return fb_buf_str(&b);
}

static void each_line_of_the_file_is_known_for_what_it_is(void **state)
{
    (void)state;
    struct fb_str all, line, language;
    struct fb_err err = {""};
    size_t wrong = 0, n = 0;
    if (fb_io_read_file(arena, LANGUAGES, 1 << 20, &all, &err))
        fail_msg("%s", err.text);
    while (fb_str_line(&all, &line)) {
        if (!line.n || line.p[0] == '#' || !fb_str_split(&line, '\t', &language))
            continue;
        bool want = fb_str_eq(language, FB_STR("en"));
        n++;
        if (english(with_lines(line)) == want)
            continue;
        print_error("%.*s: %.*s\n", FB_FMT(language), FB_FMT(line));
        wrong++;
    }
    assert_true(n > 100);
    assert_int_equal(wrong, 0);
}

static void a_text_in_capitals_has_a_language(void **state)
{
    (void)state;
    assert_false(english(FB_STR("BITTE DIE RECHNUNG NOCH HEUTE AN DEN KUNDEN SCHICKEN")));
    assert_true(english(FB_STR("PLEASE SEND THE INVOICE TO DER SPIEGEL AND DIE ZEIT")));
}

static void words_that_say_nothing_are_english(void **state)
{
    (void)state;
    assert_true(english(FB_STR("toner, staples, folders, pens")));
    assert_true(english(FB_STR("http://intranet.example/de/la/el/die?und=les")));
    assert_true(english(FB_STR("kim.van.der.berg@firma.example")));
    assert_true(english(FB_STR("42")));
    assert_true(english(FB_STR("")));
}

static void the_language_of_most_words_counts(void **state)
{
    (void)state;
    assert_true(english(FB_STR("The offer is below, they want an answer by Monday.\nWir brauchen die Zahlen.")));
    assert_false(english(FB_STR("See the note below.\nDer Kunde hat sich noch nicht gemeldet, ich rufe ihn morgen an und sage es dann auch euch.")));
}

static void the_table_is_sorted(void **state)
{
    (void)state;
    static const char *const words[] = {
#define WORD(word, languages) word,
#include "rules/small_words.def"
#undef WORD
    };
    for (size_t i = 1; i < sizeof words / sizeof *words; i++)
        assert_true(strcmp(words[i - 1], words[i]) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_of_the_file_is_known_for_what_it_is), cmocka_unit_test(a_text_in_capitals_has_a_language),
        cmocka_unit_test(words_that_say_nothing_are_english), cmocka_unit_test(the_language_of_most_words_counts),
        cmocka_unit_test(the_table_is_sorted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
