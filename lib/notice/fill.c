/* Filling: texts come from templates and values of any length, and are read at 80 columns. A character is taken for one column, one of the
 * wide scripts of East Asia for two, and what only combines with the one before it for none.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "notice/fill.h"

struct filling {
    struct fb_buf out;
    size_t column, indent; /* of what is written; what a new line begins with */
    bool open;             /* a line is, and may be gone on with */
    bool paragraph;        /* what follows without an indent belongs to it */
    bool empty;            /* the last line was */
    bool flowed;
};

static uint32_t code_point(struct fb_str s, size_t n)
{
    uint32_t c = (unsigned char)s.p[0];
    if (n > 1)
        c &= 0xFFu >> (n + 1);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s.p[i] & 0x3F);
    return c;
}

static size_t columns_of(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F))
        return 0;
    return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD) ? 2 : 1;
}

static size_t width(struct fb_str s)
{
    size_t n = 0, len;
    for (; s.n; s.p += len, s.n -= len) {
        len = fb_utf8_length(s);
        n += len ? columns_of(code_point(s, len)) : 1;
        len = len ? len : 1;
    }
    return n;
}

static void end_line(struct filling *f)
{
    if (f->open)
        fb_buf_char(&f->out, '\n');
    f->open = false;
    f->column = 0;
}

static void put_blanks(struct filling *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fb_buf_char(&f->out, ' ');
    f->column += n;
}

/* Where the reader may take the break out again, which the blank says (RFC 3676, 4.1). */
static void break_line(struct filling *f)
{
    if (f->flowed && !f->indent)
        fb_buf_char(&f->out, ' ');
    end_line(f);
}

/* What could be taken for another thing has a blank before it that is none of its own (RFC 3676, 4.4). */
static void begin_line(struct filling *f, struct fb_str word)
{
    if (f->flowed && (f->indent || word.p[0] == '>' || fb_str_eq(word, FB_STR("From"))))
        fb_buf_char(&f->out, ' ');
    put_blanks(f, f->indent);
}

/* @gap: blanks before it, where it does not begin a line. */
static void put_word(struct filling *f, struct fb_str word, size_t gap)
{
    size_t n = width(word);
    if (f->open && f->column > f->indent && f->column + gap + n > FB_FILL_COLUMNS)
        break_line(f);
    if (f->open && f->column > f->indent)
        put_blanks(f, gap);
    else if (!f->open)
        begin_line(f, word);
    fb_buf_add(&f->out, word);
    f->column += n;
    f->open = true;
}

static size_t blanks(struct fb_str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] == ' ')
        n++;
    return n;
}

static bool next_word(struct fb_str *rest, struct fb_str *ret)
{
    size_t from = blanks(*rest), to = from;
    while (to < rest->n && rest->p[to] != ' ')
        to++;
    *ret = (struct fb_str){rest->p + from, to - from};
    *rest = (struct fb_str){rest->p + to, rest->n - to};
    return ret->n > 0;
}

/* "  Name:  value": the blanks behind the first word are kept, and what follows hangs under the value. */
static void put_indented(struct filling *f, struct fb_str line)
{
    struct fb_str word;
    end_line(f);
    f->indent = blanks(line);
    for (bool first = true; next_word(&line, &word); first = false) {
        put_word(f, word, 1);
        size_t gap = blanks(line);
        if (!first || word.p[word.n - 1] != ':' || gap < 2 || gap == line.n)
            continue;
        put_blanks(f, gap);
        f->indent = f->column;
    }
    end_line(f);
}

/* Of a signature's mark the blank belongs to it, and says nothing of a break (RFC 3676, 4.3). */
static void put_mark(struct filling *f, struct fb_str line)
{
    struct fb_str mark = f->flowed ? fb_str_trim(line) : line;
    fb_buf_add(&f->out, mark);
    if (f->flowed && fb_str_eq(mark, FB_STR("--")))
        fb_buf_char(&f->out, ' ');
    fb_buf_char(&f->out, '\n');
}

static void put_line(struct filling *f, struct fb_str line)
{
    struct fb_str word;
    bool indented = line.p[0] == ' ', mark = fb_str_istarts(line, FB_STR("--"));
    if (indented || mark || !f->paragraph)
        end_line(f);
    f->paragraph = !indented && !mark;
    f->empty = false;
    if (indented)
        put_indented(f, line);
    else if (mark)
        put_mark(f, line);
    for (f->indent = 0; f->paragraph && next_word(&line, &word);)
        put_word(f, word, 1);
}

static void put_empty(struct filling *f)
{
    end_line(f);
    if (!f->empty)
        fb_buf_char(&f->out, '\n');
    f->empty = true;
    f->paragraph = false;
}

static int fill(struct fb_str text, bool flowed, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct filling f = {.out = FB_BUF(arena), .empty = true, .flowed = flowed};
    for (struct fb_str line; fb_str_line(&text, &line);) {
        if (blanks(line) == line.n)
            put_empty(&f);
        else
            put_line(&f, line);
    }
    end_line(&f);
    *ret = fb_buf_str(&f.out);
    return ret->p ? 0 : fb_fail_memory(err);
}

int fb_fill(struct fb_str text, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    return fill(text, false, arena, ret, err);
}

int fb_fill_flowed(struct fb_str text, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    return fill(text, true, arena, ret, err);
}
