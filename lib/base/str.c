/* Strings: comparison, cutting and numbers, all on ASCII and independent of the locale. */
#include "base/str.h"

bool fb_str_ieq(struct fb_str a, struct fb_str b)
{
    return a.n == b.n && fb_str_istarts(a, b);
}

bool fb_str_istarts(struct fb_str s, struct fb_str prefix)
{
    if (s.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++)
        if (fb_lower(s.p[i]) != fb_lower(prefix.p[i]))
            return false;
    return true;
}

bool fb_str_iends(struct fb_str s, struct fb_str suffix)
{
    return s.n >= suffix.n && fb_str_istarts((struct fb_str){s.p + (s.n - suffix.n), suffix.n}, suffix);
}

/* The first @c in [p, end), or @end. */
static const char *find_byte(const char *p, const char *end, char c)
{
    const char *at = memchr(p, c, (size_t)(end - p));
    return at ? at : end;
}

/* memchr(3) looks at many bytes at once, so it finds the places where the needle may begin, in either case of its first letter. */
ptrdiff_t fb_str_ifind(struct fb_str s, struct fb_str needle)
{
    if (!needle.n || needle.n > s.n)
        return needle.n ? -1 : 0;
    char lower = fb_lower(needle.p[0]), upper = fb_is_alpha(lower) ? (char)(lower - ('a' - 'A')) : lower;
    const char *end = s.p + (s.n - needle.n + 1);
    const char *low = find_byte(s.p, end, lower), *up = find_byte(s.p, end, upper);
    for (const char *p; (p = low < up ? low : up) < end;) {
        if (fb_str_istarts((struct fb_str){p, needle.n}, needle))
            return p - s.p;
        low = low == p ? find_byte(p + 1, end, lower) : low;
        up = up == p ? find_byte(p + 1, end, upper) : up;
    }
    return -1;
}

struct fb_str fb_str_trim(struct fb_str s)
{
    while (s.n && fb_is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n && fb_is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool fb_str_split(struct fb_str *rest, char sep, struct fb_str *ret_part)
{
    if (!rest->p)
        return false;
    const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
    if (!at) {
        *ret_part = *rest;
        *rest = (struct fb_str){NULL, 0};
        return true;
    }
    *ret_part = (struct fb_str){rest->p, (size_t)(at - rest->p)};
    rest->n -= ret_part->n + 1;
    rest->p = at + 1;
    return true;
}

bool fb_str_word(struct fb_str *rest, struct fb_str *ret_word)
{
    size_t i = 0;
    while (i < rest->n && (fb_is_blank(rest->p[i]) || rest->p[i] == ','))
        i++;
    size_t from = i;
    while (i < rest->n && !fb_is_blank(rest->p[i]) && rest->p[i] != ',')
        i++;
    *ret_word = (struct fb_str){rest->p + from, i - from};
    rest->p += i;
    rest->n -= i;
    return ret_word->n > 0;
}

bool fb_str_line(struct fb_str *rest, struct fb_str *ret_line)
{
    if (!rest->n)
        return false;
    const char *at = memchr(rest->p, '\n', rest->n);
    size_t n = at ? (size_t)(at - rest->p) : rest->n, used = at ? n + 1 : n;
    *ret_line = (struct fb_str){rest->p, n && rest->p[n - 1] == '\r' ? n - 1 : n};
    rest->p += used;
    rest->n -= used;
    return true;
}

bool fb_str_int(struct fb_str s, int64_t min, int64_t max, int64_t *ret)
{
    bool minus = s.n && s.p[0] == '-';
    size_t i = minus;
    if (i == s.n)
        return false;
    int64_t v = 0;
    for (; i < s.n; i++) {
        if (!fb_is_digit(s.p[i]) || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, s.p[i] - '0', &v)) /* negative, so that INT64_MIN fits */
            return false;
    }
    if (!minus && __builtin_sub_overflow(0, v, &v))
        return false;
    if (v < min || v > max)
        return false;
    *ret = v;
    return true;
}

size_t fb_utf8_length(struct fb_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (!s.n || p[0] < 0x80)
        return s.n > 0;
    size_t len = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
    if (!len || len > s.n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f); /* surrogates; past U+10FFFF */
    return overlong || outside ? 0 : len;
}
