/* Tells facts in the language of a rules.txt. It decides no text and knows no language: it hands the template what the facts name, and puts
 * what comes out in the place of what was there. And it has words that several rules rest on quoted by the first alone.
 *
 * DIAGNOSTICS: a faulty template, and lack of memory. */
#include "facts/tell.h"

#include "template/template.h"

enum { QUOTE_MAX = 120, SCRATCH = 4 << 20 };

struct telling {
    struct fb_str texts;
    struct fb_arena *arena;
    struct fb_err *err;
};

/* Takes @values. What a rendering needs beside its text, of which there is one for every piece of evidence, is given back at once. */
static int render(const struct telling *t, json_t *values, struct fb_str *ret)
{
    FB_ARENA scratch = fb_arena_new(SCRATCH);
    struct fb_str text = FB_STR_NONE;
    int rc = values && scratch ? fb_template_render("rules.txt", t->texts, values, FB_ESCAPE_NONE, scratch, &text, t->err) : fb_fail_memory(t->err);
    json_decref(values);
    *ret = rc ? FB_STR_NONE : fb_arena_dup(t->arena, fb_str_trim(text));
    return rc || ret->p ? rc : fb_fail_memory(t->err);
}

/* On one line, each run of blanks one blank. Where there is no text, what was there stays. */
static int replace(const struct telling *t, json_t *at, const char *key, struct fb_str text)
{
    struct fb_buf line = FB_BUF(t->arena);
    bool gap = false;
    for (size_t i = 0; i < text.n; i++) {
        bool blank = fb_is_blank(text.p[i]);
        if (!blank && gap)
            fb_buf_char(&line, ' ');
        if (!blank)
            fb_buf_char(&line, text.p[i]);
        gap = blank && line.n;
    }
    struct fb_str one = fb_buf_str(&line);
    if (!one.p || (one.n && json_object_set_new(at, key, json_stringn(one.p, one.n))))
        return fb_fail_memory(t->err);
    return 0;
}

/* "Kevin, Rob and 4 more" in the language. */
static int join(const struct telling *t, json_t *list, json_int_t more, struct fb_str *ret)
{
    size_t n = json_array_size(list), i, commas = more || n == 0 ? n : n - 1;
    struct fb_buf names = FB_BUF(t->arena);
    json_t *v;
    json_array_foreach(list, i, v)
        if (i < commas)
            fb_buf_printf(&names, "%s%s", i ? ", " : "", json_string_value(v));
    struct fb_str s = fb_buf_str(&names);
    if (!s.p)
        return fb_fail_memory(t->err);
    const char *last = commas < n ? json_string_value(json_array_get(list, n - 1)) : "";
    return render(t, json_pack("{s:{s:s%, s:s, s:I}}", "joined", "names", s.p, s.n, "last", last, "more", more), ret);
}

/* --- rules --- */

static int put_joined(const struct telling *t, json_t *values, const char *key, json_t *list, json_int_t more)
{
    struct fb_str text;
    if (!json_array_size(list))
        return 0;
    return join(t, list, more, &text) ? -1 : replace(t, values, key, text);
}

static json_t *rule_values(const struct telling *t, json_t *rule)
{
    json_t *hand = json_object_get(rule, "hand"), *values = hand ? json_copy(hand) : json_object(), *group = json_object_get(hand, "group");
    json_object_del(values, "group");
    if (put_joined(t, values, "group", group, json_integer_value(json_object_get(hand, "more"))) ||
        json_object_set_new(values, json_string_value(json_object_get(rule, "name")), json_true())) {
        json_decref(values);
        return NULL;
    }
    return values;
}

static int take_line(const struct telling *t, json_t *rule, struct fb_str line)
{
    static const struct {
        struct fb_str name;
        const char *key;
    } fields[] = {{FB_STR_INIT("Title:"), "title"}, {FB_STR_INIT("Why:"), "why"}, {FB_STR_INIT("Advice:"), "advice"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fb_str_istarts(line, fields[i].name))
            return replace(t, rule, fields[i].key, fb_str_trim((struct fb_str){line.p + fields[i].name.n, line.n - fields[i].name.n}));
    return 0;
}

static int tell_note(const struct telling *t, json_t *evidence)
{
    struct fb_str text;
    const char *who = json_string_value(json_object_get(evidence, "who"));
    json_t *values = json_pack("{s:{s:b, s:s}}", "note", json_string_value(json_object_get(evidence, "signal")), 1, "who", who ? who : "");
    return render(t, values, &text) ? -1 : replace(t, evidence, "note", text);
}

static int tell_rule(const struct telling *t, json_t *rule)
{
    struct fb_str text, line;
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(rule, "evidence"), i, v)
        if (tell_note(t, v))
            return -1;
    if (json_is_true(json_object_get(rule, "own")))
        return 0;
    if (render(t, rule_values(t, rule), &text))
        return -1;
    while (fb_str_line(&text, &line))
        if (take_line(t, rule, line))
            return -1;
    return 0;
}

/* --- the change: {{#reader}} or its other kinds; {{#who}} with {{name}}, {{of}}, what they are (manager, above, ...) and where they stand ({{#cc}});
 * {{names}} and {{count}} of several; {{quotes}} of sentences; {{#held}} --- */

/* The first words of a long sentence. */
static struct fb_str quote(const struct telling *t, struct fb_str s)
{
    size_t n = s.n > QUOTE_MAX ? QUOTE_MAX : s.n;
    while (n < s.n && n && !fb_is_blank(s.p[n]))
        n--;
    return n && n < s.n ? fb_arena_printf(t->arena, "%.*s …", (int)n, s.p) : s;
}

static json_t *quotes(const struct telling *t, struct fb_str text)
{
    json_t *all = json_array();
    for (struct fb_str line; fb_str_line(&text, &line);) {
        struct fb_str one = quote(t, line);
        if (!one.p || json_array_append_new(all, json_stringn(one.p, one.n))) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* What was joined of the names of several. */
static int put_names(const struct telling *t, json_t *inside, json_t *change)
{
    size_t i;
    json_t *v, *who = json_object_get(change, "who");
    json_auto_t *names = json_array();
    json_array_foreach(who, i, v)
        json_array_append(names, json_object_get(v, "name"));
    json_int_t more = json_integer_value(json_object_get(change, "more"));
    return put_joined(t, inside, "names", names, more);
}

/* {"name","of", and what they are and where they stand as true} */
static json_t *first_who(json_t *change)
{
    json_t *who = json_array_get(json_object_get(change, "who"), 0);
    const char *as = json_string_value(json_object_get(who, "as")), *place = json_string_value(json_object_get(who, "place"));
    json_t *values = who ? json_copy(who) : json_object();
    if (as && *as)
        json_object_set_new(values, as, json_true());
    if (place && *place)
        json_object_set_new(values, place, json_true());
    return values;
}

static int tell_change(const struct telling *t, json_t *change)
{
    const char *kind = json_string_value(json_object_get(change, "kind"));
    struct fb_str text;
    if (!kind || !json_object_get(change, "who")) /* of an older version */
        return 0;
    json_t *inside = json_pack("{s:b, s:o, s:o, s:b}", kind, 1, "who", first_who(change), "quotes",
                               quotes(t, fb_str(json_string_value(json_object_get(change, "text")))), "held", json_is_true(json_object_get(change, "held")));
    if (!inside || put_names(t, inside, change)) {
        json_decref(inside);
        return inside ? -1 : fb_fail_memory(t->err);
    }
    return render(t, json_pack("{s:o}", "change", inside), &text) ? -1 : replace(t, change, "says", text);
}

int fb_facts_tell(json_t *facts, struct fb_str texts, struct fb_arena *arena, struct fb_err *err)
{
    const struct telling t = {texts, arena, err};
    size_t i;
    json_t *rule, *change = json_object_get(facts, "change");
    if (!texts.n)
        return 0;
    json_array_foreach(json_object_get(facts, "rules"), i, rule)
        if (tell_rule(&t, rule))
            return -1;
    return change ? tell_change(&t, change) : 0;
}

/* --- quotes --- */

/* @quoted: the texts so far, each with the number of its rule, from 1. */
static int quote_rule(json_t *rule, json_int_t nth, size_t most, json_t *quoted, struct fb_err *err)
{
    json_t *all = json_object_get(rule, "evidence"), *v;
    json_auto_t *own = json_array();
    size_t i, quotes = 0;
    bool above = false;
    json_array_foreach(all, i, v) {
        const char *text = json_string_value(json_object_get(v, "text"));
        json_int_t by = json_integer_value(json_object_get(quoted, text));
        above = above || (by && by < nth);
        if (*text && (by || quotes == most))
            continue;
        if (json_array_append(own, v) || (*text && json_object_set_new(quoted, text, json_integer(nth))))
            return fb_fail_memory(err);
        quotes += *text != '\0';
    }
    return json_object_set(rule, "evidence", own) || json_object_set_new(rule, "above", json_boolean(above)) ? fb_fail_memory(err) : 0;
}

int fb_facts_quote_once(json_t *facts, size_t most, struct fb_err *err)
{
    json_auto_t *quoted = json_object();
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(facts, "rules"), i, rule)
        if (quote_rule(rule, (json_int_t)i + 1, most, quoted, err))
            return -1;
    return quoted ? 0 : fb_fail_memory(err);
}
