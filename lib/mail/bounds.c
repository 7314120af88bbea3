/* Counts, from the bytes alone, what a MIME parser would have to build. It counts too much rather than too little: a line
 * is a boundary where it begins as any boundary that was declared, and a header section begins wherever one might. It must
 * never depend on reading MIME exactly as the parser behind it does, and needs no memory. */
#include "mail/bounds.h"

#define PARAMETERS_MAX 64 /* of one Content-* field: ten times what is ever seen */
#define CONTAINERS_PER_LEVEL 20 /* parts side by side that may hold others, for each level of nesting allowed */
#define BOUNDARIES_MAX 256

struct scan {
    const struct fb_message_limits *limits;
    struct fb_str boundaries[BOUNDARIES_MAX];
    size_t boundaries_n;
    bool any_boundary; /* a boundary is written in a way that is not read here: every line with -- may be one */
    bool digest;       /* parts without a type are messages (RFC 2046, 5.1.5) */
    size_t parts, containers, fields, parameters;
    bool in_header, content; /* content: in a Content-* field */
    bool message, typed;     /* the section says that it may be a message; it says what it is */
};

/* @after: from behind the word "boundary" on, over folded lines. False where there are too many. */
static bool boundary_add(struct scan *s, struct fb_str after)
{
    after = fb_str_trim(after);
    if (!after.n || after.p[0] != '=') {
        /* RFC 2231 sections and comments; anything else is the word alone */
        s->any_boundary |= after.n && (after.p[0] == '*' || after.p[0] == '(');
        return true;
    }
    after = fb_str_trim((struct fb_str){after.p + 1, after.n - 1});
    bool quoted = after.n && after.p[0] == '"';
    size_t to = quoted;
    while (to < after.n && after.p[to] != '"' && after.p[to] != '\n' && (quoted || (after.p[to] != ';' && !fb_is_blank(after.p[to]))))
        to++;
    struct fb_str value = fb_str_trim((struct fb_str){after.p + quoted, to - quoted});
    bool unread = !value.n || memchr(value.p, '\\', value.n) || memchr(value.p, '(', value.n) || fb_str_istarts(value, FB_STR("=?"));
    s->any_boundary |= unread;
    if (unread)
        return true;
    if (s->boundaries_n == BOUNDARIES_MAX)
        return false;
    s->boundaries[s->boundaries_n++] = value;
    return true;
}

static bool boundaries_collect(struct scan *s, struct fb_str line, struct fb_str rest)
{
    const struct fb_str word = FB_STR("boundary");
    for (ptrdiff_t at; (at = fb_str_ifind(line, word)) >= 0;) {
        line.p += (size_t)at + word.n;
        line.n -= (size_t)at + word.n;
        size_t ahead = (size_t)(rest.p + rest.n - line.p);
        if (!boundary_add(s, (struct fb_str){line.p, ahead < 1024 ? ahead : 1024}))
            return false;
    }
    return true;
}

static bool is_boundary(const struct scan *s, struct fb_str line)
{
    if (line.n < 2 || line.p[0] != '-' || line.p[1] != '-')
        return false;
    struct fb_str rest = {line.p + 2, line.n - 2};
    for (size_t i = 0; i < s->boundaries_n; i++)
        if (fb_str_istarts(rest, s->boundaries[i]))
            return true;
    return s->any_boundary;
}

static void section_begin(struct scan *s)
{
    s->parts++;
    s->in_header = true;
    s->content = s->message = s->typed = false;
}

/* A message's own header follows the header of the part that holds it. */
static void section_end(struct scan *s)
{
    s->in_header = false;
    if (!s->message && (!s->digest || s->typed))
        return;
    s->containers++;
    section_begin(s);
    s->typed = true; /* a message without a type is text (RFC 2045, 5.2) */
}

static bool content_line(struct scan *s, struct fb_str line, struct fb_str rest)
{
    s->message |= fb_str_ifind(line, FB_STR("message")) >= 0;
    s->digest |= fb_str_ifind(line, FB_STR("digest")) >= 0;
    s->containers += fb_str_ifind(line, FB_STR("multipart")) >= 0;
    for (size_t i = 0; i < line.n; i++)
        s->parameters += line.p[i] == ';';
    return s->parameters <= PARAMETERS_MAX && boundaries_collect(s, line, rest);
}

static bool header_line(struct scan *s, struct fb_str line, struct fb_str rest)
{
    if (!line.n) {
        section_end(s);
        return true;
    }
    if (line.p[0] != ' ' && line.p[0] != '\t') {
        s->fields++;
        s->parameters = 0;
        s->content = fb_str_istarts(line, FB_STR("content-"));
        s->typed |= fb_str_istarts(line, FB_STR("content-type"));
    }
    return !s->content || content_line(s, line, rest);
}

static bool within(const struct scan *s)
{
    return s->parts <= 2 * s->limits->parts + 1 && s->containers <= CONTAINERS_PER_LEVEL * s->limits->nesting &&
           s->fields <= s->limits->header_fields + 16 * s->limits->parts;
}

bool fb_bounds_hold(struct fb_str entity, const struct fb_message_limits *limits)
{
    struct scan s = {.limits = limits};
    section_begin(&s);
    for (struct fb_str line; fb_str_line(&entity, &line);) {
        if (is_boundary(&s, line))
            section_begin(&s);
        else if (s.in_header && !header_line(&s, line, entity))
            return false;
        if (!within(&s))
            return false;
    }
    return true;
}
