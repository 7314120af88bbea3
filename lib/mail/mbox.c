/* Splits an mbox. A message ends where a line that begins with "From " follows an empty one, or the file ends; Content-Length is
 * not looked at, since nobody can tell where it is wrong. Bytes before the first "From " line belong to no message. */
#include "mail/mbox.h"

static const struct fb_str from_word = FB_STR_INIT("From ");

static bool begins(struct fb_str s, struct fb_str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

/* Leaves *rest at the next "From " line that follows an empty line, or at its end. What was passed is the result. */
static struct fb_str up_to_from(struct fb_str *rest, bool after_empty)
{
    const char *start = rest->p;
    struct fb_str line;
    while (rest->n && !(after_empty && begins(*rest, from_word))) {
        fb_str_line(rest, &line);
        after_empty = line.n == 0;
    }
    return (struct fb_str){start, (size_t)(rest->p - start)};
}

bool fb_mbox_next(struct fb_str *rest, struct fb_str *ret)
{
    struct fb_str line;
    up_to_from(rest, true);
    if (!rest->n)
        return false;
    fb_str_line(rest, &line);
    *ret = up_to_from(rest, true);
    return true;
}

struct fb_str fb_mbox_unquote(struct fb_arena *arena, struct fb_str message)
{
    struct fb_buf b = FB_BUF(arena);
    while (message.n) {
        const char *end = memchr(message.p, '\n', message.n);
        struct fb_str line = {message.p, end ? (size_t)(end - message.p) + 1 : message.n}, text = line;
        while (begins(text, FB_STR(">")))
            text = (struct fb_str){text.p + 1, text.n - 1};
        bool quoted = text.n < line.n && begins(text, from_word);
        fb_buf_add(&b, (struct fb_str){line.p + quoted, line.n - quoted});
        message = (struct fb_str){line.p + line.n, message.n - line.n};
    }
    return fb_buf_str(&b);
}
