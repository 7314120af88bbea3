/* RFC 3676, 4: a line that ends in a blank goes on in the next one of the same quote depth; "-- " never does. It must
 * never join a quoted line with one that is not.
 *
 * DIAGNOSTICS: the only failure is lack of memory. */
#include "mail/flowed.h"

struct flowed_line {
    size_t depth;
    struct fb_str text; /* without quote marks and stuffing */
    bool soft;
};

static struct flowed_line line_read(struct fb_str line, bool delsp)
{
    struct flowed_line l = {0};
    while (l.depth < line.n && line.p[l.depth] == '>')
        l.depth++;
    l.text = (struct fb_str){line.p + l.depth, line.n - l.depth};
    if (l.text.n && l.text.p[0] == ' ')
        l.text.p++, l.text.n--;
    l.soft = l.text.n && l.text.p[l.text.n - 1] == ' ' && !fb_str_eq(l.text, FB_STR("-- "));
    if (l.soft && delsp)
        l.text.n--;
    return l;
}

static void marks_add(struct fb_buf *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        fb_buf_char(out, '>');
    if (depth)
        fb_buf_char(out, ' ');
}

int fb_flowed_join(struct fb_arena *arena, struct fb_str text, bool delsp, struct fb_str *ret, struct fb_err *err)
{
    struct fb_buf out = FB_BUF(arena);
    struct flowed_line before = {0};
    for (struct fb_str line; fb_str_line(&text, &line);) {
        struct flowed_line l = line_read(line, delsp);
        bool signature = fb_str_eq(l.text, FB_STR("-- "));
        if (!before.soft || before.depth != l.depth || signature) {
            if (out.n)
                fb_buf_char(&out, '\n');
            marks_add(&out, l.depth);
        }
        fb_buf_add(&out, l.text);
        before = l;
    }
    fb_buf_char(&out, '\n');
    *ret = fb_buf_str(&out);
    return ret->p ? 0 : fb_fail_memory(err);
}
