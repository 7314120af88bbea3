/* Letters: makes mailto: links of the skeletons in page.txt and of the people in the facts. Which letters a rule has, to whom
 * and with what words, page.txt says; here they are only cut apart and encoded. Whatever came by mail (a subject, a name)
 * is made one line first, so that it cannot add a recipient or a letter.
 *
 * DIAGNOSTICS: a faulty template, and lack of memory. */
#include "web/letters.h"

enum { RECIPIENTS_MAX = 1000 }; /* bytes: mail programs are handed a link as one argument, and some take 2,000 in all */

struct letter {
    struct fb_str label, says, to, subject, body;
};

static json_t *one_line(struct fb_arena *arena, const char *text)
{
    struct fb_str copy = fb_arena_dup(arena, fb_str(text));
    for (size_t i = 0; copy.p && i < copy.n; i++)
        if ((unsigned char)copy.p[i] < ' ' || copy.p[i] == 0x7f)
            ((char *)copy.p)[i] = ' ';
    return copy.p ? json_stringn(copy.p, copy.n) : NULL;
}

/* The address of "Name <a@b>", or of "a@b"; NULL where it is none that could stand in a list of them as it is. */
static json_t *address(struct fb_str s)
{
    const char *open = s.n ? memrchr(s.p, '<', s.n) : NULL;
    if (open && s.p[s.n - 1] == '>')
        s = (struct fb_str){open + 1, s.n - (size_t)(open + 1 - s.p) - 1};
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || strchr(",;<>\"()\\", s.p[i]))
            return NULL;
    return s.n && memchr(s.p, '@', s.n) ? json_stringn(s.p, s.n) : NULL;
}

static int add_addresses(json_t *all, json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v) {
        json_t *one = address(fb_str(json_string_value(v)));
        if (one && json_array_append_new(all, one))
            return -1;
    }
    return 0;
}

/* {"person":{"name","address"},...}: as the facts have them, made harmless. */
static int put_people(json_t *values, json_t *facts, struct fb_arena *arena)
{
    const char *who;
    json_t *one, *people = json_object_get(facts, "people");
    json_object_foreach(people, who, one) {
        json_t *to = address(fb_str(json_string_value(json_object_get(one, "address"))));
        if (to && json_object_set_new(values, who, json_pack("{s:o, s:o}", "name", one_line(arena, json_string_value(json_object_get(one, "name"))),
                                                             "address", to)))
            return -1;
    }
    return 0;
}

static json_t *values_of(json_t *facts, struct fb_arena *arena)
{
    json_t *values = json_object(), *everyone = json_array();
    int rc = add_addresses(everyone, json_object_get(facts, "to")) | add_addresses(everyone, json_object_get(facts, "cc"));
    rc |= json_object_set_new(values, "everyone", everyone);
    rc |= json_object_set_new(values, "subject", one_line(arena, json_string_value(json_object_get(facts, "subject"))));
    if (!rc && put_people(values, facts, arena) == 0)
        return values;
    json_decref(values);
    return NULL;
}

/* RFC 6068, 2: all but RFC 3986's unreserved characters is escaped, line ends as CRLF. */
static void put_escaped(struct fb_buf *b, struct fb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\n')
            fb_buf_add(b, FB_STR("%0D%0A"));
        else if (fb_is_alpha(c) || fb_is_digit(c) || strchr("-._~@", c))
            fb_buf_char(b, c);
        else
            fb_buf_printf(b, "%%%02X", (unsigned char)c);
    }
}

/* Where they are too many for a link nobody is filled in, rather than some. */
static void put_recipients(struct fb_buf *b, struct fb_str to)
{
    struct fb_str one;
    bool more = false;
    if (to.n > RECIPIENTS_MAX)
        return;
    while (fb_str_split(&to, ',', &one)) {
        one = fb_str_trim(one);
        if (one.n && more)
            fb_buf_char(b, ',');
        put_escaped(b, one);
        more |= one.n > 0;
    }
}

static json_t *link_of(const struct letter *l, struct fb_arena *arena)
{
    struct fb_buf b = FB_BUF(arena);
    fb_buf_add(&b, FB_STR("mailto:"));
    put_recipients(&b, l->to);
    fb_buf_add(&b, FB_STR("?subject="));
    put_escaped(&b, l->subject);
    fb_buf_add(&b, FB_STR("&body="));
    put_escaped(&b, l->body);
    struct fb_str href = fb_buf_str(&b);
    return json_pack("{s:s%, s:s%, s:s%}", "label", l->label.p, l->label.n, "says", l->says.p, l->says.n, "href", href.p, href.n);
}

static void field(struct fb_str line, struct fb_str name, struct fb_str *ret)
{
    if (fb_str_istarts(line, name))
        *ret = fb_str_trim((struct fb_str){line.p + name.n, line.n - name.n});
}

/* Fields up to an empty line, then the body up to a line "%%" or the end; true where there is one. */
static bool next_letter(struct fb_str *rest, struct letter *ret)
{
    struct fb_str line;
    *ret = (struct letter){FB_STR_NONE, FB_STR_NONE, FB_STR_NONE, FB_STR_NONE, FB_STR_NONE};
    while (fb_str_line(rest, &line) && (line.n || !ret->label.n)) {
        field(line, FB_STR("Label:"), &ret->label);
        field(line, FB_STR("Says:"), &ret->says);
        field(line, FB_STR("To:"), &ret->to);
        field(line, FB_STR("Subject:"), &ret->subject);
    }
    const char *from = rest->p;
    while (fb_str_line(rest, &line) && !fb_str_eq(line, FB_STR("%%")))
        ret->body = (struct fb_str){from, (size_t)(line.p + line.n - from)};
    ret->body = fb_str_trim(ret->body);
    return ret->label.n > 0;
}

static int give(const struct fb_parts *texts, json_t *facts, json_t *rule, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_str text;
    struct letter l;
    struct fb_str name = fb_arena_printf(arena, "letters_%s", json_string_value(json_object_get(rule, "name")));
    json_t *values = name.p ? values_of(facts, arena) : NULL, *letters = json_array();
    int rc = values ? fb_parts_render(texts, name.p, values, FB_ESCAPE_NONE, arena, &text, err) : fb_fail_memory(err);
    json_decref(values);
    while (rc == 0 && next_letter(&text, &l))
        rc = json_array_append_new(letters, link_of(&l, arena)) ? fb_fail_memory(err) : 0;
    if (rc == 0 && json_object_set(rule, "letters", letters))
        rc = fb_fail_memory(err);
    json_decref(letters);
    return rc;
}

int web_letters(const struct fb_parts *texts, json_t *facts, struct fb_arena *arena, struct fb_err *err)
{
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(facts, "rules"), i, rule)
        if (give(texts, facts, rule, arena, err))
            return -1;
    return 0;
}
