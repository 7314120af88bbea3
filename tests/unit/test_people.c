/* The directory: what is read, what is refused, who is found by which name, and that a large one loads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "rules/people.h"
#include "rules/text.h"

static struct fb_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = fb_arena_new(256u << 20);
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fb_arena_free(arena);
    return 0;
}

static struct fb_people read_both(const char *people, const char *lists)
{
    struct fb_people p;
    struct fb_err err = {""};
    if (fb_people_read(arena, "people.csv", fb_str(people), "lists.csv", lists ? fb_str(lists) : (struct fb_str){NULL, 0}, &p, &err))
        fail_msg("refused: %s", err.text);
    return p;
}

static void refuses(const char *people, const char *fault)
{
    struct fb_people p;
    struct fb_err err = {""};
    assert_int_equal(fb_people_read(arena, "people.csv", fb_str(people), "lists.csv", (struct fb_str){NULL, 0}, &p, &err), -1);
    assert_string_equal(err.text, fault);
}

static const struct fb_person *find(const struct fb_people *p, const char *email)
{
    return fb_people_find(p, fb_str(email));
}

/* Emails of all who bear @name, joined. */
static const char *bearers(const struct fb_people *p, const char *name)
{
    struct fb_buf b = FB_BUF(arena);
    for (const struct fb_bearer *x = fb_names_find(&p->names, fb_str(name)); x; x = fb_names_next(&p->names, x))
        fb_buf_printf(&b, "%s%.*s", b.n ? " " : "", FB_FMT(p->v[x->who].email));
    return fb_buf_str(&b).p;
}

static void columns_stand_in_any_order(void **state)
{
    (void)state;
    struct fb_people p = read_both("\xEF\xBB\xBFManager,Name,cost centre,EMAIL\r\n"
                                   ",Ana Ruiz,17,Ana.Ruiz@X.example\r\nana.ruiz@x.example,\"Bo Lund\",18,bo@x.example\r\n", NULL);
    assert_int_equal(p.n, 2);
    assert_ptr_equal(find(&p, "bo@x.example")->manager, find(&p, "ana.ruiz@x.example"));
    assert_null(find(&p, "nobody@x.example"));
}

static void faults_name_file_and_line(void **state)
{
    (void)state;
    refuses("", "people.csv:0: there is no line of column names");
    refuses("email,title\n", "people.csv:1: there is no column 'name'");
    refuses("email,name,email\n", "people.csv:1: this column stands twice: 'email'");
    refuses("email,name\na@x.example,A\nb,B\n", "people.csv:3: 'b' is no email address");
    refuses("email,name\na@x.example,A\n\nA@x.example,B\n", "people.csv:4: a@x.example stands in line 2 already");
    refuses("email,name\na@x.example,\xFF\n", "people.csv:2: this line is no UTF-8");
    refuses("email,name\na@x.example,\"A\n", "people.csv:2: a quote is never closed");
    refuses("email,name,rank\na@x.example,A,ten\n", "people.csv:2: rank 'ten' is no number from 0 to 9");
    refuses("email,name,language\na@x.example,A,../en\n", "people.csv:2: the language '../en' is no tag (de, pt-br)");
    refuses("email,name,language\na@x.example,A,d\n", "people.csv:2: the language 'd' is no tag (de, pt-br)");
    refuses("email,name,language\na@x.example,A,de-\n", "people.csv:2: the language 'de-' is no tag (de, pt-br)");
    refuses("email,name\na@x.example,A,more\n", "people.csv:2: more fields than columns");
}

static void a_language_may_be_known(void **state)
{
    (void)state;
    struct fb_people p = read_both("email,name,language\na@x.example,A,\nb@x.example,B,de\nc@x.example,C,pt-BR\n", NULL);
    assert_int_equal(find(&p, "a@x.example")->language.n, 0);
    assert_string_equal(find(&p, "b@x.example")->language.p, "de");
    assert_string_equal(find(&p, "c@x.example")->language.p, "pt-br");
}

static void an_unknown_manager_is_a_warning(void **state)
{
    (void)state;
    struct fb_people p = read_both("email,name,manager\na@x.example,A,gone@x.example\n", NULL);
    assert_string_equal(p.warnings.p, "people.csv:2: the manager gone@x.example is in no line of this file\n");
    assert_null(p.v[0].manager);
}

static void managers_that_go_round_end(void **state)
{
    (void)state;
    struct fb_people p = read_both("email,name,manager\na@x.example,A,b@x.example\nb@x.example,B,a@x.example\n", NULL);
    assert_non_null(strstr(p.warnings.p, "go round"));
    assert_int_equal(fb_person_above(&p.v[0], &p.v[1]), 1);
    assert_int_equal(fb_person_above(&p.v[0], &p.v[0]), 2);
}

static void who_is_above_whom(void **state)
{
    (void)state;
    struct fb_people p = read_both("email,name,manager\nceo@x.example,C,\nhead@x.example,H,ceo@x.example\nme@x.example,M,head@x.example\n", NULL);
    assert_int_equal(fb_person_above(find(&p, "head@x.example"), find(&p, "me@x.example")), 1);
    assert_int_equal(fb_person_above(find(&p, "ceo@x.example"), find(&p, "me@x.example")), 2);
    assert_int_equal(fb_person_above(find(&p, "me@x.example"), find(&p, "ceo@x.example")), 0);
    assert_int_equal(find(&p, "me@x.example")->depth, 2);
}

static void a_title_tells_the_rank(void **state)
{
    (void)state;
    struct fb_people p = read_both("email,name,title\na@x.example,A,Vice President Sales\nb@x.example,B,President\nc@x.example,C,Picker\n", NULL);
    assert_true(p.v[1].rank > p.v[0].rank && p.v[0].rank > p.v[2].rank);
}

static void a_person_is_found_by_each_of_the_names(void **state)
{
    (void)state;
    struct fb_people p = read_both("email,name,aliases\n"
                                   "u@x.example,Dr. Ulrike van der Sander,\"\"\"Frau Dr. Sander\"\" Ulli\"\n"
                                   "s@x.example,Siobh\xC3\xA1n Daly,\n"
                                   "t@x.example,Tom Daly,\n", NULL);
    assert_string_equal(bearers(&p, "ulrike"), "u@x.example");
    assert_string_equal(bearers(&p, "frau dr sander"), "u@x.example");
    assert_string_equal(bearers(&p, "ulrike sander"), "u@x.example");
    assert_string_equal(bearers(&p, "ulli"), "u@x.example");
    assert_string_equal(bearers(&p, "siobhan daly"), "s@x.example");
    assert_string_equal(bearers(&p, "daly"), "t@x.example s@x.example");
    assert_string_equal(bearers(&p, "van"), "");
    assert_string_equal(bearers(&p, "der"), "");
}

static void names_that_are_words_are_known(void **state)
{
    (void)state;
    const char *const words[] = {"will", "may", "best", "art", "young", "zur"};
    for (size_t i = 0; i < 5; i++)
        assert_true(fb_names_ordinary(fb_str(words[i])));
    assert_false(fb_names_ordinary(fb_str("lena")));
    assert_false(fb_names_ordinary(fb_str("wil")));
}

static void lists_keep_their_members(void **state)
{
    (void)state;
    struct fb_people p = read_both("email,name\na@x.example,A\n", "member,list\na@x.example,Team@x.example\n"
                                   "b@x.example,all@x.example\nteam@x.example,all@x.example\nc@x.example,team@x.example\n");
    assert_int_equal(fb_people_list(&p, FB_STR("team@x.example"))->members_n, 2);
    assert_int_equal(fb_people_list(&p, FB_STR("all@x.example"))->members_n, 2);
    assert_null(fb_people_list(&p, FB_STR("a@x.example")));
}

static void fifty_thousand_load_at_once(void **state)
{
    (void)state;
    enum { PEOPLE = 50000 };
    struct fb_buf b = FB_BUF(arena);
    fb_buf_printf(&b, "email,name,manager\n");
    for (unsigned i = 0; i < PEOPLE; i++)
        fb_buf_printf(&b, "u%u@x.example,Given%u Family%u,u%u@x.example\n", i, i % 997, i % 7919, i / 10);
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    struct fb_people p = read_both(fb_buf_str(&b).p, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double s = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    print_message("%d people in %.3f s\n", PEOPLE, s);
    assert_int_equal(p.n, PEOPLE);
    assert_int_equal(find(&p, "u49999@x.example")->depth, 5);
    assert_true(s < 5); /* a tenth of that on a quiet machine: this is for a slow one under sanitizers */
}

static void no_allocation_may_fail_unseen(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth < 100; nth++) {
        struct fb_people p;
        struct fb_err err = {""};
        fb_arena_fail_at(nth);
        int rc = fb_people_read(arena, "people.csv", FB_STR("email,name,manager\na@x.example,A B,\nb@x.example,B C,a@x.example\n"), "lists.csv",
                                FB_STR("list,member\nl@x.example,a@x.example\n"), &p, &err);
        fb_arena_fail_at(0);
        if (rc == 0) {
            assert_int_equal(p.n, 2);
            return;
        }
        assert_string_not_equal(err.text, "");
    }
    fail_msg("it never succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_stand_in_any_order), cmocka_unit_test(faults_name_file_and_line),
        cmocka_unit_test(an_unknown_manager_is_a_warning), cmocka_unit_test(managers_that_go_round_end),
        cmocka_unit_test(a_language_may_be_known), cmocka_unit_test(who_is_above_whom), cmocka_unit_test(a_title_tells_the_rank),
        cmocka_unit_test(a_person_is_found_by_each_of_the_names), cmocka_unit_test(names_that_are_words_are_known),
        cmocka_unit_test(lists_keep_their_members), cmocka_unit_test(fifty_thousand_load_at_once),
        cmocka_unit_test(no_allocation_may_fail_unseen),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
