/* What is quoted: lines marked by '>', and what follows an introduction (introductions.c) to the end where its lines are not
 * marked. Between marked lines, what is not marked is an answer. It must never take the sender's own text for a quote. */
#include "mail/introductions.h"

#define WRAPPED 76 /* bytes of a marked line that may have been wrapped */
#define WRAPPED_BETWEEN 62

/* "> ", ">>", also behind a blank or two. mbox writes ">From " for a line that began with "From ". */
static bool is_marked(struct fb_str raw)
{
    size_t i = 0;
    while (i < raw.n && i < 3 && raw.p[i] == ' ')
        i++;
    return i < raw.n && raw.p[i] == '>' && !fb_str_istarts(raw, FB_STR(">From "));
}

/* Marked lines that were wrapped on their way go on without a mark: directly below one that is as wide as lines are
 * wrapped at, and not as a sentence begins. Before another marked line less width will do. */
static size_t wrapped_end(const struct fb_lines *lines, size_t i)
{
    size_t end = i + 1;
    while (end < lines->n && end < i + 10 && lines->v[end].text.n && !lines->v[end].marked)
        end++;
    bool between = end < lines->n && lines->v[end].marked, closed = between || end == lines->n || !lines->v[end].text.n;
    if (end == i + 1 || !closed || lines->v[i].raw.n < (between ? WRAPPED_BETWEEN : WRAPPED))
        return i + 1;
    char c = lines->v[i + 1].text.p[0];
    return c >= 'A' && c <= 'Z' ? i + 1 : end;
}

static void marks_find(struct fb_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        lines->v[i].marked = is_marked(lines->v[i].raw) && !fb_introduces_only(lines, i);
    for (size_t i = 0; i < lines->n; i++)
        if (lines->v[i].marked)
            fb_lines_out(lines, i, wrapped_end(lines, i));
}

/* The first introduction is that of the newest mail; so is the first marked line, where nothing introduces it. */
static void quote_note(struct fb_quote *first, const struct fb_introduction *at)
{
    if (first->body == SIZE_MAX)
        *first = (struct fb_quote){at->begin, at->end};
}

void fb_quotes_find(struct fb_lines *lines, struct fb_quote *ret)
{
    *ret = (struct fb_quote){SIZE_MAX, SIZE_MAX};
    marks_find(lines);
    for (size_t i = 0; i < lines->n; i++) {
        struct fb_introduction at = {i, i};
        if (!lines->v[i].text.n)
            continue;
        if (lines->v[i].marked) {
            fb_introduces_inside(lines, i, &at);
            quote_note(ret, &at);
            continue;
        }
        size_t next = fb_lines_next(lines, i + 1);
        if (next < lines->n && next <= i + 3 && lines->v[next].marked) {
            if (fb_introduces_marked(lines, i, &at)) {
                fb_lines_out(lines, at.begin, at.end);
                quote_note(ret, &at);
            }
        } else if (fb_introduces_rest(lines, i, &at)) {
            fb_lines_out(lines, at.begin, lines->n);
            quote_note(ret, &at);
            return;
        }
    }
}
