/* The header section as fields. It decides where the header ends and which lines are fields, and nothing about what they
 * mean. It must never keep more than the limits say: a header comes from anybody.
 *
 * DIAGNOSTICS: FB_HEADERS_FULL is for the caller to turn into a reason; the only failure is lack of memory. */
#include "mail/headers.h"

/* RFC 5322, 2.2.3: a line end before a blank goes. One before anything else cannot come from a header section; it
 * becomes a blank, so that the value stays one line. */
static struct fb_str unfold(struct fb_arena *arena, struct fb_str value)
{
    value = fb_str_trim(value);
    char *p = fb_arena_alloc(arena, value.n + 1);
    if (!p)
        return (struct fb_str){NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c != '\r' && c != '\n')
            p[n++] = c;
        else if (!fb_is_blank(value.p[i + 1])) /* the last byte is no blank: it was trimmed */
            p[n++] = ' ';
    }
    return (struct fb_str){p, n};
}

int fb_headers_add(struct fb_headers *h, struct fb_str name, struct fb_str value, size_t max_bytes, size_t max_fields, struct fb_err *err)
{
    size_t bytes;
    if (__builtin_add_overflow(name.n, value.n, &bytes) || __builtin_add_overflow(bytes, h->bytes, &bytes) ||
        bytes > max_bytes || h->n >= max_fields)
        return FB_HEADERS_FULL;
    struct fb_field f = {.name = fb_arena_dup(h->arena, name), .value = unfold(h->arena, value)};
    if (!f.name.p || !f.value.p)
        return fb_fail_memory(err);
    struct fb_field *v = fb_arena_grow(h->arena, h->v, h->n, &h->cap, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    h->v = v;
    h->v[h->n++] = f;
    h->bytes = bytes;
    return 0;
}

/* RFC 5322, 2.2: printable ASCII before the colon. Blanks before the colon are the obsolete syntax (4.5). */
static bool field_cut(struct fb_str line, struct fb_str *ret_name, struct fb_str *ret_value)
{
    struct fb_str name;
    if (!memchr(line.p, ':', line.n) || !fb_str_split(&line, ':', &name))
        return false;
    while (name.n && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
        name.n--;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~')
            return false;
    *ret_name = name;
    *ret_value = line;
    return name.n > 0;
}

/* The next line with the folded ones behind it. False at the end and at the empty line, which is used up. */
static bool folded_line(struct fb_str *rest, struct fb_str *ret)
{
    struct fb_str line;
    if (!fb_str_line(rest, &line) || !line.n)
        return false;
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
        struct fb_str more;
        fb_str_line(rest, &more);
        line.n = (size_t)(more.p + more.n - line.p);
    }
    *ret = line;
    return true;
}

int fb_headers_split(struct fb_headers *h, struct fb_str raw, size_t max_bytes, size_t max_fields, struct fb_str *ret_body, struct fb_err *err)
{
    struct fb_str line, name, value;
    *ret_body = FB_STR_NONE;
    while (folded_line(&raw, &line)) {
        if (!field_cut(line, &name, &value))
            continue;
        int r = fb_headers_add(h, name, value, max_bytes, max_fields, err);
        if (r)
            return r;
    }
    *ret_body = raw;
    return 0;
}

const struct fb_field *fb_headers_get(const struct fb_headers *h, const char *name, size_t nth)
{
    struct fb_str want = fb_str(name);
    for (size_t i = 0; i < h->n; i++)
        if (fb_str_ieq(h->v[i].name, want) && nth-- == 0)
            return &h->v[i];
    return NULL;
}
