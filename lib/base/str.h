/* Strings as a pointer and a length: mail data has no terminator, may hold NUL, and is never cut silently. */
#ifndef FB_BASE_STR_H
#define FB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view: whoever made it says who owns the bytes. p may be NULL only where n is 0. */
struct fb_str {
    const char *p;
    size_t n;
};

#define FB_STR(literal) ((struct fb_str){"" literal, sizeof(literal) - 1})
/* The same for initialisers of static tables, which ISO C wants constant. */
#define FB_STR_INIT(literal) {"" literal, sizeof(literal) - 1}
#define FB_STR_NONE ((struct fb_str){"", 0})
/* For printf: "%.*s", FB_FMT(s) */
#define FB_FMT(s) (int)(s).n, (s).p

static inline struct fb_str fb_str(const char *cstr)
{
    return cstr ? (struct fb_str){cstr, strlen(cstr)} : FB_STR_NONE;
}

static inline bool fb_str_eq(struct fb_str a, struct fb_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
/* ASCII letters without regard to case; all other bytes as they are. */
bool fb_str_ieq(struct fb_str a, struct fb_str b);
bool fb_str_istarts(struct fb_str s, struct fb_str prefix);
bool fb_str_iends(struct fb_str s, struct fb_str suffix);
/* The first place of @needle (ASCII letters without regard to case), or -1. */
ptrdiff_t fb_str_ifind(struct fb_str s, struct fb_str needle);
/* Without blanks (space, tab, CR, LF) at either end. */
struct fb_str fb_str_trim(struct fb_str s);
/* Cuts *rest at the first @sep: the part before it is *ret_part, *rest is what follows. False when *rest was used up. */
bool fb_str_split(struct fb_str *rest, char sep, struct fb_str *ret_part);
/* The next word of *rest, words being separated by blanks and commas. False when none is left. */
bool fb_str_word(struct fb_str *rest, struct fb_str *ret_word);
/* The next line, without its LF or CRLF. False when none is left. */
bool fb_str_line(struct fb_str *rest, struct fb_str *ret_line);
/* A whole decimal number within [min, max]. False for anything else. */
bool fb_str_int(struct fb_str s, int64_t min, int64_t max, int64_t *ret);
/* How many bytes the UTF-8 character at the head of @s has (RFC 3629, 4); 0: there is none. */
size_t fb_utf8_length(struct fb_str s);

/* ASCII only, whatever the locale says. */
static inline bool fb_is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
static inline bool fb_is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool fb_is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static inline char fb_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

#endif
