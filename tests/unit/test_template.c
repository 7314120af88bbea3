/* Templates: what a text and its values make, and which texts are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "template/template.h"

static const char VALUES[] =
    "{\"name\":\"Ann\", \"html\":\"<b>\\\"&'</b>\", \"yes\":true, \"no\":false, \"nothing\":null, \"zero\":0, \"two\":2, \"half\":0.5,"
    " \"blank\":\"\", \"none\":[], \"list\":[\"a\",\"b\"], \"tag\":\"{{name}}\","
    " \"rules\":[{\"title\":\"First\",\"words\":[{\"text\":\"x\"},{\"text\":\"y\",\"note\":\"n\"}]},{\"title\":\"Second\",\"name\":\"Bob\",\"words\":[]}],"
    " \"inner\":{\"name\":\"Carl\"}}";

struct story {
    const char *told, *text, *want; /* @want: the text that comes out; where it begins with '!', the fault */
    enum fb_escape escape;
};

static const struct story STORIES[] = {
    {"text alone stays as it is", "Hello {world} }}\n", "Hello {world} }}\n"},
    {"an empty text is empty", "", ""},
    {"a value", "Hi {{name}}!", "Hi Ann!"},
    {"blanks within a tag", "Hi {{ name }}!", "Hi Ann!"},
    {"numbers", "{{two}} {{zero}} {{half}}", "2 0 0.5"},
    {"what has no value is empty", "[{{absent}}{{nothing}}{{no}}]", "[]"},
    {"values are escaped for HTML", "{{html}}", "&lt;b&gt;&quot;&amp;&#39;&lt;/b&gt;", FB_ESCAPE_HTML},
    {"three braces escape nothing", "{{{html}}}", "<b>\"&'</b>", FB_ESCAPE_HTML},
    {"plain text escapes nothing", "{{html}}", "<b>\"&'</b>"},
    {"a value is never read as a template", "{{tag}}", "{{name}}"},
    {"a section of something true", "{{#yes}}in{{/yes}}", "in"},
    {"no section of something false", "{{#no}}in{{/no}}{{#absent}}in{{/absent}}{{#zero}}in{{/zero}}{{#blank}}in{{/blank}}", ""},
    {"the inverse of something false", "{{^no}}a{{/no}}{{^absent}}b{{/absent}}{{^none}}c{{/none}}{{^nothing}}d{{/nothing}}{{^blank}}e{{/blank}}{{^zero}}f{{/zero}}", "abcdef"},
    {"no inverse of something true", "{{^yes}}in{{/yes}}{{^list}}in{{/list}}{{^name}}in{{/name}}", ""},
    {"a section for each element", "{{#list}}<{{.}}>{{/list}}", "<a><b>"},
    {"a section of a number or a text has it as its element", "{{#two}}{{.}} more{{/two}}{{#name}} {{.}}{{/name}}", "2 more Ann"},
    {"names are looked up from the innermost section outwards", "{{#rules}}{{title}} {{name}};{{/rules}}{{#inner}}{{name}}{{/inner}}", "First Ann;Second Bob;Carl"},
    {"lists in lists", "{{#rules}}{{title}}:{{#words}} {{text}}{{#note}}({{.}}){{/note}}{{/words}}{{^words}} none{{/words}};{{/rules}}", "First: x y(n);Second: none;"},
    {"a comment is gone", "a{{! what a\nmess }}b", "ab"},
    {"a tag alone on its line takes the line with it", "a\n  {{#yes}}  \nb\n{{/yes}}\n{{! c }}\nd\n", "a\nb\nd\n"},
    {"so it does on the last line, and with CRLF", "{{#yes}}\r\nb\r\n{{/yes}}", "b\r\n"},
    {"a value alone on its line leaves the line", "a\n{{absent}}\nb\n", "a\n\nb\n"},
    {"two tags on a line leave the line", "{{#yes}}{{/yes}}\nb", "\nb"},

    {"a tag that is not closed names its line", "a\n\n{{name", "!template t, line 3: a tag that is not closed"},
    {"nor is one with three braces closed by two", "{{{name}} ", "!template t, line 1: a tag that is not closed"},
    {"two braces at the very end", "a{{", "!template t, line 1: a tag that is not closed"},
    {"an empty name", "{{}}", "!template t, line 1: a tag that is not known"},
    {"a part stands alone where there are others only", "{{#no}}\n{{>other}}{{/no}}", "!template t, line 2: there is no part {{>other}}"},
    {"delimiters stay", "{{=<% %>=}}", "!template t, line 1: a tag that is not known"},
    {"a section without its end names where it began", "a\n{{#yes}}\n{{name}}\n", "!template t, line 2: {{#yes}} has no end"},
    {"an end without its section", "{{/yes}}", "!template t, line 1: {{/yes}} ends no open section"},
    {"sections that cross", "{{#yes}}{{#no}}\n{{/yes}}{{/no}}", "!template t, line 2: {{/yes}} ends no open section"},
    {"a list is no text", "{{#yes}}\n{{list}}{{/yes}}", "!template t, line 2: {{list}} is no text"},
    {"nor is an object", "{{inner}}", "!template t, line 1: {{inner}} is no text"},
    {"17 sections deep is too deep",
     "{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}{{#yes}}",
     "!template t, line 1: sections nested more than 16 deep"},
};

static void each_story(void **state)
{
    (void)state;
    json_t *values = json_loads(VALUES, 0, NULL);
    assert_non_null(values);
    for (size_t i = 0; i < sizeof STORIES / sizeof *STORIES; i++) {
        const struct story *s = &STORIES[i];
        FB_ARENA a = fb_arena_new(1 << 20);
        struct fb_str out;
        struct fb_err err = {""};
        int rc = fb_template_render("t", fb_str(s->text), values, s->escape, a, &out, &err);
        const char *got = rc ? err.text : out.p;
        if (!!rc != (s->want[0] == '!') || strcmp(got, s->want + !!rc) != 0)
            fail_msg("%s:\n  want %s\n  got  %s%s", s->told, s->want, rc ? "!" : "", got);
    }
    json_decref(values);
}

/* Whichever allocation fails, it is a failure and no crash. */
static void memory_that_runs_out_is_a_failure(void **state)
{
    (void)state;
    json_t *values = json_loads(VALUES, 0, NULL);
    for (unsigned long nth = 1;; nth++) {
        FB_ARENA a = fb_arena_new(1 << 20);
        struct fb_str out = FB_STR_NONE;
        struct fb_err err;
        fb_arena_fail_at(nth);
        int rc = fb_template_render("t", FB_STR("{{#rules}}{{title}}{{html}}{{two}}{{/rules}}"), values, FB_ESCAPE_HTML, a, &out, &err);
        bool all_went_well = rc == 0;
        fb_arena_fail_at(0);
        if (all_went_well) {
            assert_true(nth > 2);
            break;
        }
        assert_int_equal(rc, -1);
    }
    json_decref(values);
}

/* A structure, and words as a language has them: a part each. */
static void parts_open(struct fb_arena *a, const char *structure, const char *words, struct fb_part v[8], struct fb_parts *ret)
{
    struct fb_err err;
    struct fb_part whole;
    size_t at = 0, n = 1;
    assert_int_equal(fb_part_cut("s.html", FB_STR("s"), fb_str(structure), a, &v[0], &err), 0);
    assert_int_equal(fb_part_cut("w.txt", FB_STR_NONE, fb_str(words), a, &whole, &err), 0);
    while (n < 8 && fb_part_next(&whole, &at, &v[n]))
        n++;
    *ret = (struct fb_parts){v, n};
}

static void parts_stand_in_their_places(void **state)
{
    (void)state;
    static const struct story stories[] = { /* @text: the structure, "|", the words */
        {"a part, with the values around it", "<p>{{#inner}}{{>hi}}{{/inner}}</p>|{{#hi}}Hi {{name}}!{{/hi}}", "<p>Hi Carl!</p>", FB_ESCAPE_HTML},
        {"words are escaped, their values once", "<p>{{>hi}}</p>|{{#hi}}R&D <3 {{html}}{{/hi}}", "<p>R&amp;D &lt;3 &lt;b&gt;&quot;&amp;&#39;&lt;/b&gt;</p>", FB_ESCAPE_HTML},
        {"and not for plain text", "{{>hi}}|{{#hi}}R&D{{/hi}}", "R&D"},
        {"words have parts too, and what is structure in them is none", "{{>hi}}|{{#hi}}{{>who}} & co{{/hi}}{{! c }}\n{{#who}}{{#list}}{{.}},{{/list}}{{/who}}", "a,b, &amp; co", FB_ESCAPE_HTML},
        {"the element goes along", "{{#list}}{{>one}}{{/list}}|{{#one}}[{{.}}]{{/one}}", "[a][b]"},
        {"an empty part", "({{>none}})|{{#none}}{{/none}}", "()"},
        {"the first of a name counts", "{{>a}}|{{#a}}1{{/a}}{{#a}}2{{/a}}", "1"},
        {"one that contains itself is a fault, with its line", "\n{{>a}}|\n{{#a}}{{>a}}{{/a}}", "!template w.txt, line 2: {{>a}} contains itself"},
        {"or in another text", "{{>a}}|{{#a}}{{>b}}{{/a}}\n{{#b}}{{#no}}{{>a}}{{/no}}{{/b}}", "!template w.txt, line 2: {{>a}} contains itself"},
        {"so is one that is not there", "{{>a}}|{{#a}}x\n{{>b}}{{/a}}", "!template w.txt, line 2: there is no part {{>b}}"},
    };
    json_t *values = json_loads(VALUES, 0, NULL);
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        FB_ARENA a = fb_arena_new(1 << 20);
        struct fb_part v[8];
        struct fb_parts parts;
        struct fb_str rest = fb_str(stories[i].text), structure, out;
        struct fb_err err = {""};
        fb_str_split(&rest, '|', &structure);
        parts_open(a, fb_arena_dup(a, structure).p, rest.p, v, &parts);
        int rc = fb_parts_check(&parts, &err) || fb_parts_render(&parts, "s", values, stories[i].escape, a, &out, &err);
        const char *got = rc ? err.text : out.p, *want = stories[i].want;
        if (!!rc != (want[0] == '!') || strcmp(got, want + !!rc) != 0)
            fail_msg("%s:\n  want %s\n  got  %s%s", stories[i].told, want, rc ? "!" : "", got);
    }
    json_decref(values);
}

static void a_template_that_is_absent_is_named(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 20);
    struct fb_str out;
    struct fb_err err;
    assert_int_equal(fb_template_read("/nowhere", "en", "page.html", a, &out, &err), -1);
    assert_non_null(strstr(err.text, "/nowhere/templates/en/page.html"));
}

static void a_name_that_nobody_fills_is_found_before_it_is_missed(void **state)
{
    (void)state;
    static const struct fb_str known[] = {FB_STR_INIT("name"), FB_STR_INIT("list")};
    FB_ARENA a = fb_arena_new(1 << 20);
    struct fb_err err;
    assert_int_equal(fb_template_check("t", FB_STR("{{#list}}{{.}}{{/list}}\n{{^name}}none{{/name}}{{{name}}}"), known, 2, a, &err), 0);
    assert_int_equal(fb_template_check("t", FB_STR("{{name}}\n{{#nmae}}x{{/nmae}}"), known, 2, a, &err), -1);
    assert_string_equal(err.text, "template t, line 2: there is no {{nmae}}");
    assert_int_equal(fb_template_check("t", FB_STR("{{name"), known, 2, a, &err), -1);
}

static void text_in_no_section_is_found_where_all_must_be_in_one(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line; /* 0: it is sound */
    } cases[] = {
        {"", 0}, {"\n {{! c }} \n{{#a}}x {{^b}}y{{/b}}{{/a}}\n\t{{#c}}{{>a}}{{/c}}\r\n", 0},
        {"\n\n x", 3}, {"{{#a}}\n{{/a}}\n{{#b}}\n{{/b}} y\n", 4}, {"{{#a}}{{/a}}\n{{{b}}}", 2}, {"\n{{>a}}", 2}, {"{{^a}}x{{/a}}", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA a = fb_arena_new(1 << 20);
        struct fb_part whole;
        struct fb_err err = {""};
        assert_int_equal(fb_part_cut("t", FB_STR_NONE, fb_str(cases[i].text), a, &whole, &err), 0);
        int rc = fb_part_check_sections(&whole, &err);
        struct fb_str where = fb_arena_printf(a, "template t, line %u: ", cases[i].line);
        if (cases[i].line ? rc != -1 || strncmp(err.text, where.p, where.n) != 0 : rc != 0)
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_story),
        cmocka_unit_test(a_name_that_nobody_fills_is_found_before_it_is_missed),
        cmocka_unit_test(memory_that_runs_out_is_a_failure),
        cmocka_unit_test(parts_stand_in_their_places),
        cmocka_unit_test(text_in_no_section_is_found_where_all_must_be_in_one),
        cmocka_unit_test(a_template_that_is_absent_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
