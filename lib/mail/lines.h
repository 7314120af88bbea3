/* A text as lines, while it is found out which of them are the sender's own. */
#ifndef FB_MAIL_LINES_H
#define FB_MAIL_LINES_H

#include "base/arena.h"

/* What a field of a header block is, as "From: Ann" or "*Von:* Ann" in a body. FB_LABELS: the line is none. */
enum fb_label { FB_LABEL_FROM, FB_LABEL_DATE, FB_LABEL_TO, FB_LABEL_COPY, FB_LABEL_SUBJECT, FB_LABEL_OTHER, FB_LABELS };

struct fb_line {
    struct fb_str raw;  /* without its LF */
    struct fb_str text; /* without blanks at its ends: what is looked at */
    enum fb_label label;
    bool marked;        /* by '>' as quoted */
    bool out;           /* not the sender's own words */
};

struct fb_lines {
    size_t n;
    struct fb_line *v;
};

/* Lines [intro, body) introduce the newest of the mails that are quoted; both are SIZE_MAX where none is. */
struct fb_quote {
    size_t intro, body;
};
/* Marks what is quoted or forwarded, with what introduces it. */
void fb_quotes_find(struct fb_lines *lines, struct fb_quote *ret);
/* Of what is left, marks signatures, cards below a sign-off, what phones add, disclaimers, list footers. */
void fb_signatures_find(struct fb_lines *lines);

/* The first line at or after @i that is not empty; n where there is none. */
static inline size_t fb_lines_next(const struct fb_lines *lines, size_t i)
{
    while (i < lines->n && !lines->v[i].text.n)
        i++;
    return i;
}

static inline void fb_lines_out(struct fb_lines *lines, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        lines->v[i].out = true;
}

/* Whether any of a list of words, ended by NULL, is in @s, begins it, or is all of it (ASCII letters without regard to case). */
bool fb_lines_has(struct fb_str s, const char *const *words);
bool fb_lines_begins(struct fb_str s, const char *const *words);
bool fb_lines_is(struct fb_str s, const char *const *words);

#endif
