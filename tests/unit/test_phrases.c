/* Phrases: what each mark of the language finds, what a file may not say, and how long it all takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/io.h"
#include "mail/own.h"
#include "rules/phrases.h"

static struct fb_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = fb_arena_new(64u << 20);
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fb_arena_free(arena);
    return 0;
}

static struct fb_phrases *compile(const char *text)
{
    struct fb_phrases *p;
    struct fb_err err = {""};
    if (fb_phrases_read(arena, "list.txt", fb_str(text), &p, &err))
        fail_msg("refused: %s", err.text);
    return p;
}

static struct fb_text cut(const char *text)
{
    struct fb_own own;
    struct fb_text t;
    struct fb_err err;
    assert_int_equal(fb_own_words(arena, fb_str(text), &own, &err), 0);
    assert_int_equal(fb_text_cut(arena, own.sentences, own.sentences_n, &t, &err), 0);
    for (size_t i = 0; i < t.n; i++)
        t.v[i].person = fb_str_eq(t.v[i].norm, FB_STR("lena"));
    return t;
}

/* All words that @phrases find in @text, joined by " / ". */
static const char *found(const char *phrases, const char *text, bool addressed)
{
    struct fb_text t = cut(text);
    const struct fb_phrase_hit *hits;
    size_t n;
    struct fb_err err;
    assert_int_equal(fb_phrases_match(compile(phrases), arena, &t, addressed, &hits, &n, &err), 0);
    struct fb_buf b = FB_BUF(arena);
    for (size_t i = 0; i < n; i++)
        fb_buf_printf(&b, "%s%.*s", i ? " / " : "", FB_FMT(fb_text_span(&t, hits[i].word, hits[i].n)));
    return fb_buf_str(&b).p;
}

static void the_language(void **state)
{
    (void)state;
    static const struct {
        const char *phrases, *text, *found;
    } cases[] = {
        {"dropped the ball", "You Dropped  the BALL again.", "Dropped  the BALL"},
        {"ball", "Football is not balls.", ""},
        {"blam*", "They blamed us, blaming all.", "blamed / blaming"},
        {"messed|screwed up", "He screwed up, she messed up.", "screwed up / messed up"},
        {"<wreck> = messed screw*\n<wreck> up", "We screwed up.", "screwed up"},
        {"<a> = one\n<a>|two three", "One three, two three.", "One three / two three"},
        {"dropped .. ball", "He dropped our very best red ball. He dropped this and that and then the ball.", "dropped our very best red ball"},
        {"dropped .. ball", "He dropped it. The ball is round.", ""},
        {"did not read", "You didn\xE2\x80\x99t read it; you did not read it.", "didn\xE2\x80\x99t read / did not read"},
        {"didn't", "He did not.", "did not"},
        {"can|cannot wait", "I can't wait, can wait.", "can't wait / can wait"},
        {"<person> failed", "Lena failed. Marcus failed.", "Lena failed"},
        {"by <person>", "It was broken by Lena, by nobody.", "by Lena"},
        {"not <any> ball", "Not the ball.", "Not the ball"},
        {"fault\n! not my fault", "It is not my fault. It is your fault.", "fault"},
        {"the ball\ndropped the ball", "They dropped the ball.", "dropped the ball"},
        {"caf\xC3\xA9", "The cafe, the CAF\xC3\x89.", "cafe / CAF\xC3\x89"},
        {"# nothing but\nthis # and this", "Not that, this.", "this"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(found(cases[i].phrases, cases[i].text, false), cases[i].found);
}

static void you_is_a_person_where_one_is_addressed(void **state)
{
    (void)state;
    assert_string_equal(found("<person> failed", "You failed.", true), "You failed");
    assert_string_equal(found("<person> failed", "You failed.", false), "");
}

static void faults_name_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"", "list.txt: there is no phrase in this file"},
        {"# none\n\n", "list.txt: there is no phrase in this file"},
        {"fine\n.. ball", "list.txt:2: a phrase begins and ends with a word"},
        {"ball ..", "list.txt:1: a phrase begins and ends with a word"},
        {"a .. b .. c .. d .. e", "list.txt:1: a phrase has at most three gaps"},
        {"<any> ball", "list.txt:1: a phrase cannot begin with <any>"},
        {"<wrecks> up", "list.txt:1: there is no word class '<wrecks>'"},
        {"<a> = b\n<a> = c\nd", "list.txt:2: this word class is there already: '<a>'"},
        {"<person> = b\nd", "list.txt:1: this word class is there already: '<person>'"},
        {"<a> =\nd", "list.txt:1: this word class is empty: '<a>'"},
        {"bl*me", "list.txt:1: this is no word (letters, digits, apostrophes, a '*' at its end): 'bl*me'"},
        {"a||b", "list.txt:1: this is no word (letters, digits, apostrophes, a '*' at its end):"},
        {"sez = what\nd", "list.txt:1: neither 'says' nor a <class>: 'sez'"},
        {"says = a\nsays = b\nd", "list.txt:2: 'says' stands twice, or says nothing"},
        {"\xFF", "list.txt:1: this line is no UTF-8"},
        {"a b c d e f g h i j k l m n o p q r s t u v w x y", "list.txt:1: this phrase has too many words"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_phrases *p;
        struct fb_err err = {""};
        assert_int_equal(fb_phrases_read(arena, "list.txt", fb_str(cases[i].text), &p, &err), -1);
        assert_string_equal(err.text, cases[i].fault);
    }
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void the_shipped_lists_cost_little(void **state)
{
    (void)state;
    struct fb_phrases *p;
    struct fb_err err = {""};
    if (fb_phrases_load(arena, PHRASES, "", &p, &err))
        fail_msg("%s", err.text);
    struct fb_buf b = FB_BUF(arena);
    while (b.n < 2048)
        fb_buf_printf(&b, "Lena, could you send me the figures for the third week before you go on Friday? I think that we should have them in "
                          "the report, and it is not clear to me who did the count of the second store. He told us that it will be there. ");
    struct fb_text t = cut(fb_buf_str(&b).p);
    double best = 1e9;
    for (int i = 0; i < 50; i++) {
        const struct fb_phrase_hit *hits;
        size_t n;
        double from = now_us();
        assert_int_equal(fb_phrases_match(p, arena, &t, true, &hits, &n, &err), 0);
        double took = now_us() - from;
        best = took < best ? took : best;
    }
    print_message("%zu phrases on %zu bytes (%zu words): %.0f us\n", fb_phrases_count(p), b.n, t.n, best);
    assert_true(fb_phrases_count(p) > 600);
    assert_true(best < 5000); /* tens on a quiet machine: this is for a slow one under sanitizers */
}

static bool complains(const struct fb_phrases *p, struct fb_str text)
{
    const struct fb_phrase_list *lists;
    const struct fb_phrase_hit *hits;
    size_t n;
    struct fb_text t = cut(fb_arena_dup(arena, text).p);
    fb_phrases_lists(p, &lists);
    assert_int_equal(fb_phrases_match(p, arena, &t, true, &hits, &n, NULL), 0);
    for (size_t i = 0; i < n; i++)
        if (fb_str_eq(lists[hits[i].list].name, FB_STR("complaint")))
            return true;
    return false;
}

static void the_shipped_list_tells_complaints_from_other_mail(void **state)
{
    (void)state;
    struct fb_phrases *p;
    struct fb_str all, line;
    struct fb_err err = {""};
    size_t n = 0;
    if (fb_phrases_load(arena, PHRASES, "", &p, &err) || fb_io_read_file(arena, COMPLAINTS, 1 << 20, &all, &err))
        fail_msg("%s", err.text);
    for (; fb_str_line(&all, &line); n++)
        if (line.n && line.p[0] != '#' && complains(p, (struct fb_str){line.p + 2, line.n - 2}) != (line.p[0] == '+'))
            fail_msg("%.*s", FB_FMT(line));
    assert_true(n > 40);
}

static void no_text_makes_it_slow(void **state)
{
    (void)state;
    struct fb_buf b = FB_BUF(arena);
    for (int i = 0; i < 50000; i++)
        fb_buf_printf(&b, "a ");
    struct fb_text t = cut(fb_buf_str(&b).p);
    const struct fb_phrase_hit *hits;
    size_t n;
    struct fb_err err;
    double from = now_us();
    assert_int_equal(fb_phrases_match(compile("a .. a .. a .. b\na a a\na"), arena, &t, false, &hits, &n, &err), 0);
    assert_true(now_us() - from < 5e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_language), cmocka_unit_test(you_is_a_person_where_one_is_addressed), cmocka_unit_test(faults_name_file_and_line),
        cmocka_unit_test(the_shipped_lists_cost_little), cmocka_unit_test(no_text_makes_it_slow),
        cmocka_unit_test(the_shipped_list_tells_complaints_from_other_mail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
