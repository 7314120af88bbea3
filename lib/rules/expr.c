/* Conditions by recursive descent: parsed once, when the rules are loaded, into a tree in the arena of the policy. What
 * it may never do is to accept a name that means nothing: a rule that never fires by a slip of the pen helps nobody.
 *
 * DIAGNOSTICS: the column and what was expected there; a name that is no signal; nesting deeper than NESTING. */
#include "rules/expr.h"

enum { NESTING = 32 };

enum op { NUMBER, SIGNAL, NOT, AND, OR, GE, LE, GT, LT, EQ, NE };

struct fb_expr {
    enum op op;
    double number;
    size_t signal;
    const struct fb_expr *a, *b;
};

struct parser {
    struct fb_arena *arena;
    struct fb_str text;
    size_t at;
    struct fb_expr_names names;
    unsigned depth;
    struct fb_err *err;
};

bool fb_expr_number(struct fb_str s, double *ret)
{
    size_t i = 0;
    bool minus = s.n && s.p[0] == '-';
    double v = 0, unit = 1;
    unsigned digits = 0;
    for (i = minus; i < s.n && fb_is_digit(s.p[i]); i++, digits++)
        v = v * 10 + (s.p[i] - '0');
    if (i < s.n && s.p[i] == '.' && i + 1 < s.n)
        for (i++; i < s.n && fb_is_digit(s.p[i]); i++, digits++)
            v += (unit /= 10) * (s.p[i] - '0');
    *ret = minus ? -v : v;
    return i == s.n && digits > 0 && digits <= 15;
}

static bool is_name(char c)
{
    return fb_is_alpha(c) || fb_is_digit(c) || c == '_';
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->text.n && fb_is_blank(p->text.p[p->at]))
        p->at++;
}

/* The word or number at hand; empty where something else stands there. */
static struct fb_str peek(struct parser *p)
{
    skip_blanks(p);
    size_t i = p->at;
    while (i < p->text.n && (is_name(p->text.p[i]) || p->text.p[i] == '.' || (i == p->at && p->text.p[i] == '-')))
        i++;
    return (struct fb_str){p->text.p + p->at, i - p->at};
}

static bool take(struct parser *p, struct fb_str word)
{
    struct fb_str next = peek(p);
    bool found = fb_str_eq(next, word);
    if (found)
        p->at += word.n;
    return found;
}

static bool take_char(struct parser *p, char c)
{
    skip_blanks(p);
    bool found = p->at < p->text.n && p->text.p[p->at] == c;
    p->at += found;
    return found;
}

static const struct fb_expr *fault(struct parser *p, const char *what, struct fb_str word)
{
    fb_fail(p->err, "column %zu: %s%s%.*s%s", p->at + 1, what, word.n ? " '" : "", FB_FMT(word), word.n ? "'" : "");
    return NULL;
}

static const struct fb_expr *node(struct parser *p, struct fb_expr e)
{
    struct fb_expr *n = fb_arena_alloc(p->arena, sizeof *n);
    if (n)
        *n = e;
    else
        fb_fail_memory(p->err);
    return n;
}

static const struct fb_expr *parse_or(struct parser *p);

static const struct fb_expr *parse_operand(struct parser *p)
{
    struct fb_expr e = {.op = NUMBER};
    if (take_char(p, '(')) {
        const struct fb_expr *inner = parse_or(p);
        return !inner || take_char(p, ')') ? inner : fault(p, "a ')' is missing", FB_STR_NONE);
    }
    struct fb_str word = peek(p);
    if (!word.n)
        return fault(p, "a signal or a number is missing", FB_STR_NONE);
    if (!fb_expr_number(word, &e.number)) {
        e.op = SIGNAL;
        if (!p->names.find(p->names.arg, word, &e.signal))
            return fault(p, "there is no signal", word);
    }
    p->at += word.n;
    return node(p, e);
}

static bool take_compare(struct parser *p, enum op *ret)
{
    static const struct {
        const char *sign;
        enum op op;
    } signs[] = {{">=", GE}, {"<=", LE}, {"!=", NE}, {">", GT}, {"<", LT}, {"=", EQ}};
    skip_blanks(p);
    struct fb_str rest = {p->text.p + p->at, p->text.n - p->at};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (fb_str_istarts(rest, fb_str(signs[i].sign))) {
            p->at += strlen(signs[i].sign);
            *ret = signs[i].op;
            return true;
        }
    return false;
}

static const struct fb_expr *parse_compare(struct parser *p)
{
    enum op op;
    const struct fb_expr *a = parse_operand(p);
    if (!a || !take_compare(p, &op))
        return a;
    const struct fb_expr *b = parse_operand(p);
    return b ? node(p, (struct fb_expr){.op = op, .a = a, .b = b}) : NULL;
}

static const struct fb_expr *parse_not(struct parser *p)
{
    if (++p->depth > NESTING)
        return fault(p, "nested too deeply", FB_STR_NONE);
    const struct fb_expr *e;
    if (take(p, FB_STR("not"))) {
        const struct fb_expr *a = parse_not(p);
        e = a ? node(p, (struct fb_expr){.op = NOT, .a = a}) : NULL;
    } else {
        e = parse_compare(p);
    }
    p->depth--;
    return e;
}

static const struct fb_expr *parse_and(struct parser *p)
{
    const struct fb_expr *a = parse_not(p);
    while (a && take(p, FB_STR("and"))) {
        const struct fb_expr *b = parse_not(p);
        a = b ? node(p, (struct fb_expr){.op = AND, .a = a, .b = b}) : NULL;
    }
    return a;
}

static const struct fb_expr *parse_or(struct parser *p)
{
    const struct fb_expr *a = parse_and(p);
    while (a && take(p, FB_STR("or"))) {
        const struct fb_expr *b = parse_and(p);
        a = b ? node(p, (struct fb_expr){.op = OR, .a = a, .b = b}) : NULL;
    }
    return a;
}

int fb_expr_parse(struct fb_arena *arena, struct fb_str text, struct fb_expr_names names, const struct fb_expr **ret, struct fb_err *err)
{
    struct parser p = {.arena = arena, .text = text, .names = names, .err = err};
    *ret = parse_or(&p);
    if (!*ret)
        return -1;
    skip_blanks(&p);
    if (p.at == text.n)
        return 0;
    fault(&p, "nothing more was expected here", FB_STR_NONE);
    return -1;
}

static double value(const struct fb_expr *e, const double *v)
{
    double a = e->a ? value(e->a, v) : 0, b = e->b ? value(e->b, v) : 0;
    switch (e->op) {
    case NUMBER: return e->number;
    case SIGNAL: return v[e->signal];
    case NOT: return a == 0;
    case AND: return a != 0 && b != 0;
    case OR: return a != 0 || b != 0;
    case GE: return a >= b;
    case LE: return a <= b;
    case GT: return a > b;
    case LT: return a < b;
    case EQ: return a >= b && a <= b;
    case NE: return a < b || a > b;
    }
    return 0;
}

bool fb_expr_true(const struct fb_expr *e, const double *values)
{
    return value(e, values) != 0;
}
