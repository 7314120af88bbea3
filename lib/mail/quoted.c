/* The newest quoted mail: where it stands, who wrote it and when, out of the attribution or the header lines above it. What it
 * cannot tell apart stays empty; it must never take the words of a mail for its introduction.
 *
 * DIAGNOSTICS: the only failure is lack of memory. */
#include "mail/quoted.h"

#include "mail/introductions.h"
#include "mail/when.h"

static struct fb_str between(const char *from, const char *to)
{
    return from < to ? (struct fb_str){from, (size_t)(to - from)} : FB_STR_NONE;
}

static struct fb_str lines_from(const struct fb_lines *lines, size_t from, size_t to)
{
    if (from >= to)
        return FB_STR_NONE;
    struct fb_str last = lines->v[to - 1].raw;
    return between(lines->v[from].raw.p, last.p + last.n);
}

/* As many lines as are whole within @max. */
static struct fb_str whole_lines(struct fb_str s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max && s.p[max - 1] != '\n')
        max--;
    return (struct fb_str){s.p, max};
}

static bool ends_address(char c)
{
    return fb_is_blank(c) || (c && strchr("<>()[]\",;:'*", c));
}

/* An address with a domain, wherever it stands in @s. */
static struct fb_str address_find(struct fb_str s)
{
    const char *end = s.p + s.n, *at = s.p;
    for (; at < end && (at = memchr(at, '@', (size_t)(end - at))); at++) {
        const char *from = at, *to = at + 1;
        while (from > s.p && !ends_address(from[-1]))
            from--;
        while (to < end && !ends_address(*to))
            to++;
        if (from < at && memchr(at, '.', (size_t)(to - at)))
            return between(from, to);
    }
    return FB_STR_NONE;
}

/* A time in @s, before the address or behind it: an address may hold numbers. */
static struct fb_str when_find(struct fb_str s, struct fb_str addr)
{
    if (!addr.n)
        return fb_when_find(s);
    struct fb_str when = fb_when_find(between(s.p, addr.p));
    return when.n ? when : fb_when_find(between(addr.p + addr.n, s.p + s.n));
}

/* Blanks, line ends with their quote marks, and punctuation at either end. */
static struct fb_str bare(struct fb_str s)
{
    static const char ends[] = " \t\r\n>,;:<([\"'*-_";
    while (s.n && strchr(ends, s.p[0]))
        s.p++, s.n--;
    while (s.n && (strchr(ends, s.p[s.n - 1]) || s.p[s.n - 1] == ']' || (s.p[s.n - 1] == ')' && !memchr(s.p, '(', s.n))))
        s.n--;
    return s;
}

/* @s as far as the first of @words, and what follows that word. */
static bool split_at(struct fb_str s, const char *const *words, struct fb_str *ret_before, struct fb_str *ret_behind)
{
    for (; *words; words++) {
        ptrdiff_t at = fb_str_ifind(s, fb_str(*words));
        if (at < 0)
            continue;
        const char *word = s.p + at, *behind = word + strlen(*words);
        *ret_before = between(s.p, word);
        *ret_behind = between(behind, s.p + s.n);
        return true;
    }
    return false;
}

/* A name in what is left of an attribution: before the verb, or behind it ("schrieb Ann"). "a", "ha" and "on" belong to verbs. */
static struct fb_str name_in(struct fb_str s)
{
    static const char *const helpers[] = {" a", " ha", " on", " hat", " am", NULL};
    struct fb_str before, behind;
    if (split_at(s, fb_wrote, &before, &behind))
        s = bare(before).n ? before : behind;
    s = bare(s);
    for (const char *const *h = helpers; *h; h++)
        if (fb_str_iends(s, fb_str(*h)))
            s.n -= strlen(*h);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '@' || s.p[i] == '/' || s.p[i] == '\n' || s.p[i] == '<' || s.p[i] == '[')
            s.n = i; /* "Ann Smith@EXAMPLE", "Ann Smith/HOU/EXAMPLE", "Ann <" */
    return s.n < 80 ? bare(s) : FB_STR_NONE;
}

/* "On 3 Nov 2026 at 07:52, Ann <ann@example.com> wrote", "Ann Smith@EXAMPLE on 02/15/2026 07:31 AM". */
static void attribution_read(struct fb_str s, struct fb_quoted *q)
{
    const char *end = s.p + s.n;
    q->addr = address_find(s);
    q->when = when_find(s, q->addr);
    bool dated_first = q->when.n && bare(between(s.p, q->when.p)).n < 24 && q->when.p + q->when.n < end && (!q->addr.n || q->when.p < q->addr.p);
    const char *from = dated_first ? q->when.p + q->when.n : s.p;
    const char *to = q->addr.n ? q->addr.p : q->when.n && !dated_first ? q->when.p : end;
    q->name = name_in(between(from, to));
}

/* Who wrote, of a value that may tell the time too. */
static void who_read(struct fb_str s, struct fb_quoted *q)
{
    struct fb_str when = q->when;
    attribution_read(s, q);
    q->when = q->when.n ? q->when : when;
}

/* Header lines, or what Lotus Notes writes above them: a name, and its date on the same line or the next. */
static void block_read(const struct fb_lines *lines, size_t from, size_t to, struct fb_quoted *q)
{
    struct fb_str value, above = FB_STR_NONE; /* a line without label or date */
    for (size_t i = from; i < to; i++) {
        struct fb_str s = lines->v[i].text;
        enum fb_label l = fb_label_of(s, &value);
        struct fb_str when = l == FB_LABEL_DATE || l == FB_LABELS ? when_find(s, address_find(s)) : FB_STR_NONE;
        bool stamp = l == FB_LABELS && when.n, known = q->name.n || q->addr.n;
        if (known && q->when.n)
            return;
        if (!known && (l == FB_LABEL_FROM || stamp))
            who_read(l == FB_LABEL_FROM ? value : bare(between(s.p, when.p)).n ? s : above, q);
        if (!q->when.n && (l == FB_LABEL_DATE || stamp))
            q->when = when;
        if (l == FB_LABELS && s.n && !stamp)
            above = s;
    }
}

/* "-----Original Message-----", and both lines of a folded "--- Forwarded by Ann on 02/15/2026 / 08:34 AM ---": it names who
 * forwards. */
static bool is_divider(struct fb_str s)
{
    return s.n >= 5 && (strchr("-_=*", s.p[0]) || s.p[s.n - 1] == '-') && (s.p[0] == s.p[1] || s.p[s.n - 1] == s.p[s.n - 2]);
}

static bool is_block(const struct fb_lines *lines, size_t from, size_t to)
{
    while (from < to && lines->v[from].label == FB_LABELS)
        from++;
    return from < to;
}

struct fb_quoted fb_quoted_read(const struct fb_lines *lines, const struct fb_quote *at)
{
    struct fb_quoted q = {FB_STR_NONE, FB_STR_NONE, FB_STR_NONE, FB_STR_NONE, FB_STR_NONE, false};
    if (at->body == SIZE_MAX)
        return q;
    q.intro = lines_from(lines, at->intro, at->body);
    q.body = whole_lines(lines_from(lines, at->body, lines->n), FB_QUOTED_MAX);
    q.forwarded = fb_introduction_forwards(q.intro);
    size_t from = at->intro;
    while (from < at->body && (is_divider(lines->v[from].text) || !lines->v[from].text.n))
        from++;
    if (is_block(lines, from, at->body))
        block_read(lines, from, at->body, &q);
    else
        attribution_read(lines_from(lines, from, at->body), &q);
    return q;
}

static bool is_marked(struct fb_str line)
{
    line = fb_str_trim(line);
    return line.n && line.p[0] == '>';
}

/* One mark less; of a body that is marked, only the lines that are. */
static struct fb_str unmarked(struct fb_arena *arena, struct fb_str body)
{
    struct fb_buf out = FB_BUF(arena);
    bool marked = is_marked(body);
    for (struct fb_str line; fb_str_line(&body, &line);) {
        if (marked && !is_marked(line))
            continue;
        if (marked) {
            line = fb_str_trim(line);
            line.p++, line.n--;
            if (line.n && line.p[0] == ' ')
                line.p++, line.n--;
        }
        fb_buf_add(&out, line);
        fb_buf_char(&out, '\n');
    }
    return fb_buf_str(&out);
}

int fb_quoted_words(struct fb_arena *arena, const struct fb_quoted *q, struct fb_own *ret, struct fb_err *err)
{
    struct fb_str text = unmarked(arena, q->body);
    return text.p ? fb_own_words(arena, text, ret, err) : fb_fail_memory(err);
}

bool fb_quoted_time(const struct fb_quoted *q, int64_t date_s, int tz_min, int64_t *ret_s)
{
    return q->when.n && fb_when_read(q->when, date_s, tz_min, ret_s);
}
