/* The sender's own words: the text without what is quoted (quotes.c) and what stands below it (signatures.c), wrapped lines
 * joined, cut into sentences. It must never judge; what is doubtful stays.
 *
 * DIAGNOSTICS: the only failure is lack of memory. */
#include "mail/own.h"

#include "mail/introductions.h"
#include "mail/lines.h"
#include "mail/quoted.h"

#define WRAP_MIN 50  /* a line this long, into which the next word would not have fitted, was wrapped ... */
#define WRAP_MAX 100 /* ... unless it is longer than any client wraps at */
#define WRAP_AT 66   /* narrower than any client wraps at by default */

/* Without blanks; at its beginning also without those of a quoted-printable that nobody decoded (RFC 2045, 6.7). */
static struct fb_str line_text(struct fb_str raw)
{
    struct fb_str s = fb_str_trim(raw);
    while (fb_str_istarts(s, FB_STR("=09")) || fb_str_istarts(s, FB_STR("=20"))) {
        s.p += 3, s.n -= 3;
        s = fb_str_trim(s);
    }
    return s;
}

static int lines_cut(struct fb_arena *arena, struct fb_str text, struct fb_lines *ret, struct fb_err *err)
{
    struct fb_str rest = text, line;
    size_t n = 0;
    while (fb_str_line(&rest, &line))
        n++;
    *ret = (struct fb_lines){.v = fb_arena_array(arena, n, sizeof *ret->v)};
    if (!ret->v)
        return fb_fail_memory(err);
    while (fb_str_line(&text, &line)) {
        struct fb_str s = line_text(line), value;
        ret->v[ret->n++] = (struct fb_line){.raw = line, .text = s, .label = fb_label_of(s, &value)};
    }
    return 0;
}

static bool is_list_item(struct fb_str s)
{
    size_t i = 0;
    while (i < s.n && (fb_is_digit(s.p[i]) || (i == 0 && fb_is_alpha(s.p[i]))))
        i++;
    return (i && i < s.n && (s.p[i] == '.' || s.p[i] == ')') && i + 1 < s.n && s.p[i + 1] == ' ') || strchr("-*+#|", s.p[0]) ||
           fb_str_istarts(s, FB_STR("•")) || fb_str_istarts(s, FB_STR("·"));
}

/* Did a mail client break the line between @a and @b? Then the first word of @b would not have fitted. */
static bool is_wrapped(struct fb_str a, struct fb_str b)
{
    size_t word = 0;
    while (word < b.n && !fb_is_blank(b.p[word]))
        word++;
    return b.n && a.n >= WRAP_MIN && a.n <= WRAP_MAX && a.n + 1 + word > WRAP_AT && !is_list_item(b);
}

/* The lines that are left, one a paragraph, an empty line between where there was one or something was left out. */
static struct fb_str lines_join(struct fb_arena *arena, const struct fb_lines *lines)
{
    struct fb_buf out = FB_BUF(arena);
    const struct fb_line *before = NULL;
    bool gap = false;
    for (size_t i = 0; i < lines->n; i++) {
        const struct fb_line *l = &lines->v[i];
        if (l->out || !l->text.n) {
            gap = true;
            continue;
        }
        if (before && !gap && is_wrapped(before->text, l->text))
            fb_buf_char(&out, ' ');
        else if (before)
            fb_buf_add(&out, gap ? FB_STR("\n\n") : FB_STR("\n"));
        fb_buf_add(&out, fb_str_trim(l->raw));
        before = l;
        gap = false;
    }
    return fb_buf_str(&out);
}

/* Closing quotes and brackets that belong to the sentence before them. */
static size_t closers(struct fb_str s)
{
    size_t n = 0;
    for (;;) {
        struct fb_str rest = {s.p + n, s.n - n};
        if (rest.n && strchr("\"')]*_.!?", rest.p[0]) && rest.p[0])
            n++;
        else if (fb_str_istarts(rest, FB_STR("”")) || fb_str_istarts(rest, FB_STR("’")) || fb_str_istarts(rest, FB_STR("…")))
            n += 3;
        else if (fb_str_istarts(rest, FB_STR("»")))
            n += 2;
        else
            return n;
    }
}

/* A full stop behind one of these, or behind a single letter, ends no sentence. */
static bool is_abbreviation(struct fb_str before)
{
    static const char *const known[] = {"mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "no", "nr", "approx", "inc", "ltd", "jr", "sr",
                                        "z.b", "d.h", "bzw", "ca", "usw", "hr", "fr", "sig", "sra", "att", NULL};
    size_t from = before.n;
    while (from && !fb_is_blank(before.p[from - 1]) && before.p[from - 1] != '(')
        from--;
    struct fb_str word = {before.p + from, before.n - from};
    if (word.n == 1 && fb_is_alpha(word.p[0]) && word.p[0] != 'I')
        return true;
    for (const char *const *w = known; *w; w++)
        if (fb_str_ieq(word, fb_str(*w)))
            return true;
    return false;
}

/* How many bytes of @line are its first sentence. */
static size_t sentence_length(struct fb_str line)
{
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        if (c != '.' && c != '!' && c != '?')
            continue;
        size_t end = i + 1 + closers((struct fb_str){line.p + i + 1, line.n - i - 1});
        if (end < line.n && !fb_is_blank(line.p[end])) {
            i = end - 1;
            continue;
        }
        if (c != '.' || end != i + 1 || !is_abbreviation((struct fb_str){line.p, i}))
            return end;
    }
    return line.n;
}

static bool sentence_next(struct fb_str *rest, struct fb_str *ret)
{
    *rest = fb_str_trim(*rest);
    if (!rest->n)
        return false;
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = sentence_length((struct fb_str){rest->p, end ? (size_t)(end - rest->p) : rest->n});
    *ret = fb_str_trim((struct fb_str){rest->p, n});
    rest->p += n;
    rest->n -= n;
    return true;
}

static int sentences_cut(struct fb_arena *arena, struct fb_own *own, struct fb_err *err)
{
    struct fb_str rest = own->text, sentence;
    size_t n = 0;
    while (sentence_next(&rest, &sentence))
        n++;
    own->sentences = fb_arena_array(arena, n, sizeof *own->sentences);
    if (!own->sentences)
        return fb_fail_memory(err);
    rest = own->text;
    while (sentence_next(&rest, &sentence))
        own->sentences[own->sentences_n++] = sentence;
    return 0;
}

int fb_own_words(struct fb_arena *arena, struct fb_str text, struct fb_own *ret, struct fb_err *err)
{
    struct fb_lines lines;
    struct fb_quote quote;
    *ret = (struct fb_own){.text = FB_STR_NONE};
    if (lines_cut(arena, text, &lines, err) < 0)
        return -1;
    fb_quotes_find(&lines, &quote);
    ret->quoted = fb_quoted_read(&lines, &quote);
    fb_signatures_find(&lines);
    ret->text = lines_join(arena, &lines);
    return ret->text.p ? sentences_cut(arena, ret, err) : fb_fail_memory(err);
}
