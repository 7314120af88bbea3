/* Reads a time out of an attribution: numbers, names of months in the languages of mail clients, AM and PM, an offset. It must
 * never guess a day where none is written. */
#include "mail/when.h"

#include <time.h>

#define SLACK_S 86400 /* clocks and zones may be wrong by so much before a day is taken to lie in the future */
#define NUMBERS_MAX 3

struct word {
    struct fb_str s;
    enum { NUMBER, CLOCK, OFFSET, MONTH, HALF, UTC, TEXT } kind;
    int value; /* a number; a month; minutes of an offset or a clock; 12 of PM */
    int second;
};

static const struct {
    const char *prefix;
    int month;
} months[] = {
    {"jan", 1}, {"ene", 1}, {"gen", 1}, {"oca", 1}, {"sty", 1}, {"янв", 1}, {"feb", 2}, {"fév", 2}, {"fev", 2}, {"şub", 2}, {"lut", 2}, {"фев", 2},
    {"mar", 3}, {"mär", 3}, {"maa", 3}, {"mrt", 3}, {"мар", 3}, {"apr", 4}, {"avr", 4}, {"abr", 4}, {"nis", 4}, {"kwi", 4}, {"апр", 4},
    {"may", 5}, {"mai", 5}, {"mag", 5}, {"mei", 5}, {"maj", 5}, {"мая", 5}, {"jun", 6}, {"juin", 6}, {"giu", 6}, {"haz", 6}, {"cze", 6}, {"июн", 6},
    {"jul", 7}, {"juil", 7}, {"lug", 7}, {"tem", 7}, {"lip", 7}, {"июл", 7}, {"aug", 8}, {"aoû", 8}, {"ago", 8}, {"ağu", 8}, {"sie", 8}, {"авг", 8},
    {"sep", 9}, {"set", 9}, {"eyl", 9}, {"wrz", 9}, {"сен", 9}, {"oct", 10}, {"okt", 10}, {"ott", 10}, {"out", 10}, {"eki", 10}, {"paź", 10}, {"окт", 10},
    {"nov", 11}, {"kas", 11}, {"lis", 11}, {"ноя", 11}, {"dec", 12}, {"déc", 12}, {"dez", 12}, {"dic", 12}, {"ara", 12}, {"gru", 12}, {"дек", 12},
};

static int month_of(struct fb_str s)
{
    for (size_t i = 0; s.n > 2 && i < sizeof months / sizeof *months; i++)
        if (fb_lower(s.p[0]) == months[i].prefix[0] && fb_str_istarts(s, fb_str(months[i].prefix)))
            return months[i].month;
    return 0;
}

static size_t number_read(struct fb_str s, size_t at, int *ret)
{
    size_t i = at;
    *ret = 0;
    for (; i < s.n && i < at + 6 && fb_is_digit(s.p[i]); i++)
        *ret = *ret * 10 + (s.p[i] - '0');
    return i - at;
}

/* "7:52", "07:52:10", "7h52": how many bytes it takes at @s, or 0. */
static size_t clock_read(struct fb_str s, struct word *ret)
{
    int hour, minute, second = 0;
    size_t n = number_read(s, 0, &hour), more;
    if (!n || n > 2 || n >= s.n || (s.p[n] != ':' && s.p[n] != 'h') || number_read(s, n + 1, &minute) != 2 || hour > 24 || minute > 59)
        return 0;
    n += 3;
    if (n < s.n && s.p[n] == ':' && (more = number_read(s, n + 1, &second)) == 2)
        n += 1 + more;
    *ret = (struct word){.kind = CLOCK, .value = hour * 60 + minute, .second = second};
    return n;
}

/* "+0100", "-08:00" */
static size_t offset_read(struct fb_str s, struct word *ret)
{
    int hour, minute;
    size_t n = s.n ? number_read(s, 1, &hour) : 0;
    if (!n || (s.p[0] != '+' && s.p[0] != '-'))
        return 0;
    if (n == 4)
        minute = hour % 100, hour /= 100;
    else if (n != 2 || n + 1 >= s.n || s.p[n + 1] != ':' || number_read(s, n + 2, &minute) != 2)
        return 0;
    if (hour > 14 || minute > 59)
        return 0;
    *ret = (struct word){.kind = OFFSET, .value = (s.p[0] == '-' ? -1 : 1) * (hour * 60 + minute)};
    return n == 4 ? 5 : 6;
}

static bool is_letter(char c)
{
    return fb_is_alpha(c) || (unsigned char)c >= 0x80;
}

/* "AM", "p.m.", "p. m." */
static size_t half_read(struct fb_str s, struct word *ret)
{
    char c = s.n ? fb_lower(s.p[0]) : 0;
    size_t i = 1;
    if (c != 'a' && c != 'p')
        return 0;
    i += i < s.n && s.p[i] == '.';
    i += i > 1 && i < s.n && s.p[i] == ' ';
    if (i >= s.n || fb_lower(s.p[i]) != 'm' || (i + 1 < s.n && is_letter(s.p[i + 1])))
        return 0;
    *ret = (struct word){.kind = HALF, .value = c == 'p' ? 12 : 0};
    return i + 1 < s.n && i > 1 && s.p[i + 1] == '.' ? i + 2 : i + 1;
}

static size_t text_read(struct fb_str s, struct word *ret)
{
    size_t n = 0;
    while (n < s.n && is_letter(s.p[n]))
        n++;
    struct fb_str word = {s.p, n};
    int month = month_of(word);
    bool utc = fb_str_ieq(word, FB_STR("gmt")) || fb_str_ieq(word, FB_STR("utc"));
    *ret = (struct word){.kind = month ? MONTH : utc ? UTC : TEXT, .value = month};
    return n;
}

/* The next word of *rest; false at the end. What stands between words is skipped. */
static bool word_next(struct fb_str *rest, struct word *ret)
{
    size_t n = 0;
    for (; rest->n; rest->p++, rest->n--) {
        if ((n = clock_read(*rest, ret)) || (n = offset_read(*rest, ret)) || (n = half_read(*rest, ret)) || (n = text_read(*rest, ret)))
            break;
        *ret = (struct word){.kind = NUMBER};
        if ((n = number_read(*rest, 0, &ret->value)))
            break;
    }
    ret->s = (struct fb_str){rest->p, n};
    rest->p += n;
    rest->n -= n;
    return n > 0;
}

struct fb_str fb_when_find(struct fb_str s)
{
    struct fb_str rest = s;
    struct word w;
    const char *from = NULL, *to = NULL, *month = NULL;
    bool clock = false, day = false;
    while (word_next(&rest, &w)) {
        bool zone = clock && (w.kind == HALF || w.kind == UTC || w.kind == OFFSET);
        if (w.kind == NUMBER || w.kind == CLOCK) {
            from = from ? from : month ? month : w.s.p;
            to = w.s.p + w.s.n;
        } else if (zone || (from && w.kind == MONTH && !clock))
            to = w.s.p + w.s.n;
        month = w.kind == MONTH ? w.s.p : NULL;
        clock |= w.kind == CLOCK;
        day |= w.kind == NUMBER;
    }
    return clock && day ? (struct fb_str){from, (size_t)(to - from)} : FB_STR_NONE;
}

struct moment {
    int numbers[NUMBERS_MAX], month, clock, second, offset;
    size_t numbers_n;
    bool has_clock, has_offset, slashes;
};

static bool moment_read(struct fb_str when, struct moment *m)
{
    *m = (struct moment){.slashes = when.n && (memchr(when.p, '/', when.n) || memchr(when.p, '-', when.n))};
    for (struct word w; word_next(&when, &w);)
        switch (w.kind) {
        case NUMBER:
            if (m->numbers_n < NUMBERS_MAX)
                m->numbers[m->numbers_n++] = w.value;
            break;
        case CLOCK: m->clock = w.value, m->second = w.second, m->has_clock = true; break;
        case OFFSET: m->offset = w.value, m->has_offset = true; break;
        case UTC: m->has_offset = true; break;
        case MONTH: m->month = w.value; break;
        case HALF: m->clock = m->clock % 720 + w.value * 60; break;
        case TEXT: break;
        }
    return m->has_clock && m->numbers_n >= (m->month ? 2 : 3);
}

/* INT64_MIN where there is no such day. */
static int64_t seconds(const struct moment *m, int year, int month, int day)
{
    if (year < 100)
        year += year < 70 ? 2000 : 1900;
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31)
        return INT64_MIN;
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_min = m->clock, .tm_sec = m->second};
    return (int64_t)timegm(&tm) - (int64_t)m->offset * 60;
}

/* Of two readings the later one that is not after @before_s. */
static int64_t likelier(int64_t a, int64_t b, int64_t before_s)
{
    bool a_may = a != INT64_MIN && a - SLACK_S <= before_s, b_may = b != INT64_MIN && b - SLACK_S <= before_s;
    if (a_may != b_may)
        return a_may ? a : b;
    return a > b ? a : b;
}

bool fb_when_read(struct fb_str when, int64_t before_s, int tz_min, int64_t *ret_s)
{
    struct moment m;
    if (!moment_read(when, &m))
        return false;
    if (!m.has_offset)
        m.offset = tz_min;
    const int *n = m.numbers;
    if (m.month)
        *ret_s = n[0] > 31 ? seconds(&m, n[0], m.month, n[1]) : seconds(&m, n[1], m.month, n[0]);
    else if (n[0] > 31)
        *ret_s = seconds(&m, n[0], n[1], n[2]);
    else if (!m.slashes)
        *ret_s = seconds(&m, n[2], n[1], n[0]);
    else
        *ret_s = likelier(seconds(&m, n[2], n[0], n[1]), seconds(&m, n[2], n[1], n[0]), before_s);
    return *ret_s != INT64_MIN;
}
