/* Templates: which text a template and its values make.
 *
 * A template is cut into pieces once, each section knowing where it ends; then the pieces are walked with a stack of
 * values. Values are never read as template text, and with FB_ESCAPE_HTML only {{{name}}} lets one through unescaped.
 *
 * DIAGNOSTICS: every fault names the template and the line: a tag that is not closed, not known or nested too deeply, a
 * section without its end, what stands outside sections where they are all that counts, a part that is not there, a list
 * or an object where a text is wanted. A name that has no value is no fault: it is empty. */
#include "template/template.h"

#include <unistd.h>

#include "base/io.h"

enum { TEMPLATE_MAX = 256 * 1024, DEPTH_MAX = 16 };

enum kind { TEXT, VALUE, RAW, PART, SECTION, INVERSE, END, COMMENT };

struct fb_piece {
    enum kind kind;
    struct fb_str s; /* TEXT: the text; else the name */
    unsigned line;
    size_t end; /* SECTION, INVERSE: the index of its END */
};

struct scan {
    const char *name;
    struct fb_str text;
    size_t at; /* all before is in pieces */
    unsigned line;
    struct fb_piece *v;
    size_t n;
    size_t open[DEPTH_MAX], depth; /* sections that wait for their end */
};

struct render {
    const struct fb_parts *parts;
    const struct fb_part *t; /* the one that is walked */
    enum fb_escape escape;
    json_t *stack[DEPTH_MAX + 1];
    size_t depth;
    struct fb_buf out;
    struct fb_err *err;
};

static const struct fb_parts NO_PARTS;

static ptrdiff_t find(struct fb_str text, size_t from, struct fb_str what)
{
    const char *at = memmem(text.p + from, text.n - from, what.p, what.n);
    return at ? at - text.p : -1;
}

/* No text has more pieces than this: a tag each, and the text between them. */
static size_t pieces_max(struct fb_str text)
{
    size_t n = 1;
    for (ptrdiff_t at = 0; (at = find(text, (size_t)at, FB_STR("{{"))) >= 0; at += 2)
        n += 2;
    return n;
}

static void piece_add(struct scan *s, enum kind kind, struct fb_str text)
{
    s->v[s->n++] = (struct fb_piece){kind, text, s->line, 0};
}

static void skip_to(struct scan *s, size_t at)
{
    for (; s->at < at; s->at++)
        s->line += s->text.p[s->at] == '\n';
}

/* The text up to @to becomes a piece, where it is not empty. */
static void text_add(struct scan *s, size_t to)
{
    if (to > s->at)
        piece_add(s, TEXT, (struct fb_str){s->text.p + s->at, to - s->at});
    skip_to(s, to);
}

/* A tag from @from up to @to that is alone on its line takes the line with it: widens both to the whole line. */
static void widen_to_line(struct fb_str text, size_t *from, size_t *to)
{
    size_t a = *from, b = *to;
    while (a > 0 && (text.p[a - 1] == ' ' || text.p[a - 1] == '\t'))
        a--;
    while (b < text.n && (text.p[b] == ' ' || text.p[b] == '\t' || text.p[b] == '\r'))
        b++;
    if ((a > 0 && text.p[a - 1] != '\n') || (b < text.n && text.p[b] != '\n'))
        return;
    *from = a;
    *to = b < text.n ? b + 1 : b;
}

static bool name_valid(struct fb_str s)
{
    if (fb_str_eq(s, FB_STR(".")))
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (!fb_is_alpha(s.p[i]) && !fb_is_digit(s.p[i]) && s.p[i] != '_')
            return false;
    return s.n > 0;
}

static int section_open(struct scan *s, struct fb_err *err)
{
    if (s->depth == DEPTH_MAX)
        return fb_fail(err, "template %s, line %u: sections nested more than %d deep", s->name, s->line, DEPTH_MAX);
    s->open[s->depth++] = s->n - 1;
    return 0;
}

static int section_close(struct scan *s, struct fb_str name, struct fb_err *err)
{
    if (!s->depth || !fb_str_eq(s->v[s->open[s->depth - 1]].s, name))
        return fb_fail(err, "template %s, line %u: {{/%.*s}} ends no open section", s->name, s->line, FB_FMT(name));
    s->v[s->open[--s->depth]].end = s->n - 1;
    return 0;
}

static int tag_add(struct scan *s, enum kind kind, struct fb_str name, struct fb_err *err)
{
    if (kind == COMMENT)
        return 0;
    if (!name_valid(name))
        return fb_fail(err, "template %s, line %u: a tag that is not known", s->name, s->line);
    piece_add(s, kind, name);
    if (kind == SECTION || kind == INVERSE)
        return section_open(s, err);
    return kind == END ? section_close(s, name, err) : 0;
}

static enum kind kind_of(char c)
{
    switch (c) {
    case '{': return RAW;
    case '>': return PART;
    case '#': return SECTION;
    case '^': return INVERSE;
    case '/': return END;
    case '!': return COMMENT;
    default: return VALUE;
    }
}

/* The tag that begins at @from, and the text before it. */
static int scan_tag(struct scan *s, size_t from, struct fb_err *err)
{
    enum kind kind = from + 2 < s->text.n ? kind_of(s->text.p[from + 2]) : VALUE;
    struct fb_str closing = kind == RAW ? FB_STR("}}}") : FB_STR("}}");
    size_t inner = from + 2 + (kind != VALUE);
    ptrdiff_t closed = find(s->text, inner, closing);
    if (closed < 0) {
        skip_to(s, from);
        return fb_fail(err, "template %s, line %u: a tag that is not closed", s->name, s->line);
    }
    struct fb_str name = fb_str_trim((struct fb_str){s->text.p + inner, (size_t)closed - inner});
    size_t to = (size_t)closed + closing.n, next = to;
    if (kind != VALUE && kind != RAW && kind != PART)
        widen_to_line(s->text, &from, &next);
    text_add(s, from);
    if (tag_add(s, kind, name, err))
        return -1;
    skip_to(s, next);
    return 0;
}

static int scan_all(struct scan *s, struct fb_err *err)
{
    for (ptrdiff_t tag; (tag = find(s->text, s->at, FB_STR("{{"))) >= 0;)
        if (scan_tag(s, (size_t)tag, err))
            return -1;
    if (s->depth) {
        const struct fb_piece *open = &s->v[s->open[s->depth - 1]];
        return fb_fail(err, "template %s, line %u: {{#%.*s}} has no end", s->name, open->line, FB_FMT(open->s));
    }
    text_add(s, s->text.n);
    return 0;
}

static json_t *look_up(const struct render *r, struct fb_str name)
{
    if (fb_str_eq(name, FB_STR(".")))
        return r->stack[r->depth];
    for (size_t i = r->depth + 1; i-- > 0;) {
        json_t *v = json_object_getn(r->stack[i], name.p, name.n);
        if (v)
            return v;
    }
    return NULL;
}

static bool truth(const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_ARRAY: return json_array_size(v) > 0;
    case JSON_STRING: return json_string_length(v) > 0;
    case JSON_INTEGER: return json_integer_value(v) != 0;
    default: return true;
    }
}

static void put_html(struct fb_buf *out, struct fb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&': fb_buf_add(out, FB_STR("&amp;")); break;
        case '<': fb_buf_add(out, FB_STR("&lt;")); break;
        case '>': fb_buf_add(out, FB_STR("&gt;")); break;
        case '"': fb_buf_add(out, FB_STR("&quot;")); break;
        case '\'': fb_buf_add(out, FB_STR("&#39;")); break;
        default: fb_buf_char(out, s.p[i]);
        }
    }
}

static int put_value(struct render *r, const struct fb_piece *p)
{
    const json_t *v = look_up(r, p->s);
    struct fb_str s = json_is_string(v) ? (struct fb_str){json_string_value(v), json_string_length(v)} : FB_STR_NONE;
    if (json_is_object(v) || json_is_array(v))
        return fb_fail(r->err, "template %s, line %u: {{%.*s}} is no text", r->t->file, p->line, FB_FMT(p->s));
    if (json_is_integer(v))
        fb_buf_printf(&r->out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_real(v))
        fb_buf_printf(&r->out, "%.15g", json_real_value(v));
    else if (p->kind == VALUE && r->escape == FB_ESCAPE_HTML)
        put_html(&r->out, s);
    else
        fb_buf_add(&r->out, s);
    return 0;
}

static int put_pieces(struct render *r, size_t from, size_t to);

const struct fb_part *fb_parts_find(const struct fb_parts *parts, struct fb_str name)
{
    for (size_t i = 0; i < parts->n; i++)
        if (fb_str_eq(parts->v[i].name, name))
            return &parts->v[i];
    return NULL;
}

/* The pieces of @t from @from up to @to, with @value around them. */
static int put_within(struct render *r, json_t *value, const struct fb_part *t, size_t from, size_t to)
{
    const struct fb_part *around = r->t;
    if (r->depth == DEPTH_MAX)
        return fb_fail(r->err, "template %s, line %u: sections and parts nested more than %d deep", t->file, t->v[from].line, DEPTH_MAX);
    r->stack[++r->depth] = value;
    r->t = t;
    int rc = put_pieces(r, from, to);
    r->t = around;
    r->depth--;
    return rc;
}

static int put_part(struct render *r, const struct fb_piece *p)
{
    const struct fb_part *t = fb_parts_find(r->parts, p->s);
    return put_within(r, r->stack[r->depth], t, t->from, t->to);
}

static int put_inside(struct render *r, json_t *value, size_t section)
{
    return put_within(r, value, r->t, section + 1, r->t->v[section].end);
}

static int put_section(struct render *r, size_t i)
{
    const struct fb_piece *p = &r->t->v[i];
    json_t *v = look_up(r, p->s);
    if (truth(v) == (p->kind == INVERSE))
        return 0;
    if (!json_is_array(v) || p->kind == INVERSE)
        return put_inside(r, v, i);
    for (size_t k = 0; k < json_array_size(v); k++)
        if (put_inside(r, json_array_get(v, k), i))
            return -1;
    return 0;
}

static int put_pieces(struct render *r, size_t from, size_t to)
{
    int rc = 0;
    for (size_t i = from; i < to && !rc; i++) {
        const struct fb_piece *p = &r->t->v[i];
        if (p->kind == TEXT && r->t->words && r->escape == FB_ESCAPE_HTML)
            put_html(&r->out, p->s);
        else if (p->kind == TEXT)
            fb_buf_add(&r->out, p->s);
        else if (p->kind == VALUE || p->kind == RAW)
            rc = put_value(r, p);
        else if (p->kind == PART)
            rc = put_part(r, p);
        else {
            rc = put_section(r, i);
            i = p->end;
        }
    }
    return rc;
}

static int put_all(const struct fb_parts *parts, const struct fb_part *t, json_t *values, enum fb_escape escape, struct fb_arena *arena,
                   struct fb_str *ret, struct fb_err *err)
{
    struct render r = {.parts = parts, .t = t, .escape = escape, .stack = {values}, .out = FB_BUF(arena), .err = err};
    if (put_pieces(&r, t->from, t->to))
        return -1;
    *ret = fb_buf_str(&r.out);
    return ret->p ? 0 : fb_fail_memory(err);
}

/* Whether each {{>name}} of @t is one of @parts, and none contains itself. */
static int part_check(const struct fb_parts *parts, const struct fb_part *t, unsigned depth, struct fb_err *err)
{
    for (size_t i = t->from; i < t->to; i++) {
        const struct fb_piece *p = &t->v[i];
        if (p->kind != PART)
            continue;
        const struct fb_part *inner = fb_parts_find(parts, p->s);
        if (!inner)
            return fb_fail(err, "template %s, line %u: there is no part {{>%.*s}}", t->file, p->line, FB_FMT(p->s));
        if (depth == DEPTH_MAX)
            return fb_fail(err, "template %s, line %u: {{>%.*s}} contains itself", t->file, p->line, FB_FMT(p->s));
        if (part_check(parts, inner, depth + 1, err))
            return -1;
    }
    return 0;
}

int fb_part_cut(const char *file, struct fb_str name, struct fb_str text, struct fb_arena *arena, struct fb_part *ret, struct fb_err *err)
{
    struct scan s = {.name = file, .text = text, .line = 1, .v = fb_arena_array(arena, pieces_max(text), sizeof *s.v)};
    if (!s.v)
        return fb_fail_memory(err);
    if (scan_all(&s, err))
        return -1;
    *ret = (struct fb_part){.name = name, .file = file, .v = s.v, .to = s.n};
    return 0;
}

bool fb_part_next(const struct fb_part *whole, size_t *at, struct fb_part *ret)
{
    while (*at < whole->to && whole->v[*at].kind != SECTION)
        ++*at;
    if (*at == whole->to)
        return false;
    const struct fb_piece *p = &whole->v[*at];
    *ret = (struct fb_part){.name = p->s, .file = whole->file, .v = whole->v, .from = *at + 1, .to = p->end, .line = p->line, .words = true};
    *at = p->end + 1;
    return true;
}

/* The line of the first character of @p that is no blank. */
static unsigned line_of(const struct fb_piece *p)
{
    unsigned line = p->line;
    for (size_t i = 0; i < p->s.n && fb_is_blank(p->s.p[i]); i++)
        line += p->s.p[i] == '\n';
    return line;
}

int fb_part_check_sections(const struct fb_part *whole, struct fb_err *err)
{
    for (size_t i = whole->from; i < whole->to; i++) {
        const struct fb_piece *p = &whole->v[i];
        if (p->kind == SECTION)
            i = p->end;
        else if (p->kind != TEXT || fb_str_trim(p->s).n)
            return fb_fail(err, "template %s, line %u: what stands outside {{#name}}...{{/name}} is never said", whole->file, line_of(p));
    }
    return 0;
}

int fb_parts_check(const struct fb_parts *parts, struct fb_err *err)
{
    for (size_t i = 0; i < parts->n; i++)
        if (part_check(parts, &parts->v[i], 0, err))
            return -1;
    return 0;
}

bool fb_parts_ask(const struct fb_parts *parts, struct fb_str name)
{
    for (size_t i = 0; i < parts->n; i++)
        for (size_t k = parts->v[i].from; k < parts->v[i].to; k++)
            if (parts->v[i].v[k].kind == PART && fb_str_eq(parts->v[i].v[k].s, name))
                return true;
    return false;
}

int fb_parts_render(const struct fb_parts *parts, const char *name, json_t *values, enum fb_escape escape, struct fb_arena *arena,
                    struct fb_str *ret, struct fb_err *err)
{
    const struct fb_part *t = fb_parts_find(parts, fb_str(name));
    *ret = FB_STR_NONE;
    return t ? put_all(parts, t, values, escape, arena, ret, err) : 0;
}

/* A template that stands alone. */
static int cut(const char *name, struct fb_str text, struct fb_arena *arena, struct fb_part *ret, struct fb_err *err)
{
    return fb_part_cut(name, FB_STR_NONE, text, arena, ret, err) || part_check(&NO_PARTS, ret, 0, err) ? -1 : 0;
}

static bool is_known(const struct fb_piece *p, const struct fb_str *known, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fb_str_eq(p->s, known[i]))
            return true;
    return p->kind == TEXT || fb_str_eq(p->s, FB_STR("."));
}

int fb_template_check(const char *name, struct fb_str text, const struct fb_str *known, size_t n, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_part t;
    if (cut(name, text, arena, &t, err))
        return -1;
    for (size_t i = 0; i < t.to; i++)
        if (!is_known(&t.v[i], known, n))
            return fb_fail(err, "template %s, line %u: there is no {{%.*s}}", name, t.v[i].line, FB_FMT(t.v[i].s));
    return 0;
}

int fb_template_render(const char *name, struct fb_str text, json_t *values, enum fb_escape escape, struct fb_arena *arena,
                       struct fb_str *ret, struct fb_err *err)
{
    struct fb_part t;
    return cut(name, text, arena, &t, err) ? -1 : put_all(&NO_PARTS, &t, values, escape, arena, ret, err);
}

int fb_template_missing(const char *data_dir, struct fb_str language, const char *file, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_str path = fb_arena_printf(arena, "%s/templates/%.*s/%s", data_dir, FB_FMT(language), file);
    return path.p ? access(path.p, F_OK) != 0 : fb_fail_memory(err);
}

int fb_template_read(const char *data_dir, const char *language, const char *file, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct fb_str path = fb_arena_printf(arena, "%s/templates/%s/%s", data_dir, language, file);
    return path.p ? fb_io_read_file(arena, path.p, TEMPLATE_MAX, ret, err) : fb_fail_memory(err);
}
