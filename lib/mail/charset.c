/* Charsets. It decides what the bytes of a part say: the charset named where that can be, UTF-8 where the bytes are UTF-8,
 * windows-1252 (which every byte is in, save five) for the rest. It must never drop text because of a bad byte.
 *
 * DIAGNOSTICS: the only failure is lack of memory. */
#include "mail/charset.h"

#include <errno.h>
#include <glib.h>
#include <iconv.h>

#define REPLACEMENT FB_STR("\xEF\xBF\xBD")

static inline void iconv_cleanup(iconv_t *cd)
{
    if (*cd != (iconv_t)-1)
        iconv_close(*cd);
}

/* Charsets that are a subset of another in every mail that is found to break them (WHATWG Encoding, 4.2). */
static const char *superset(const char *charset)
{
    static const struct {
        const char *name, *in;
    } map[] = {
        {"iso-8859-1", "WINDOWS-1252"}, {"latin1", "WINDOWS-1252"}, {"us-ascii", "WINDOWS-1252"}, {"ascii", "WINDOWS-1252"},
        {"iso-8859-9", "WINDOWS-1254"}, {"gb2312", "GB18030"}, {"gbk", "GB18030"}, {"ks_c_5601-1987", "CP949"},
        {"euc-kr", "CP949"}, {"shift_jis", "CP932"}, {"iso-8859-8-i", "ISO-8859-8"}, {"unicode-1-1-utf-7", "UTF-7"},
    };
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (fb_str_ieq(fb_str(charset), fb_str(map[i].name)))
            return map[i].in;
    return charset;
}

/* '/' would be an instruction to iconv. */
static bool is_name(const char *charset)
{
    return charset && charset[0] && strlen(charset) < 64 && !strchr(charset, '/');
}

static iconv_t converter(const char *charset)
{
    iconv_t cd = is_name(charset) ? iconv_open("UTF-8", superset(charset)) : (iconv_t)-1;
    return cd == (iconv_t)-1 ? iconv_open("UTF-8", "WINDOWS-1252") : cd;
}

static void convert(iconv_t cd, struct fb_str bytes, struct fb_buf *out)
{
    char *in = (char *)bytes.p;
    size_t left = bytes.n;
    while (left) {
        char room[4096], *to = room;
        size_t room_n = sizeof room;
        size_t r = iconv(cd, &in, &left, &to, &room_n);
        int why = errno;
        fb_buf_add(out, (struct fb_str){room, (size_t)(to - room)});
        if (r != (size_t)-1 || out->failed)
            break;
        if (why == E2BIG)
            continue;
        fb_buf_add(out, REPLACEMENT);
        if (why != EILSEQ)
            break; /* the last character is cut */
        in++, left--;
    }
}

/* iconv(3) itself passes what is beyond U+10FFFF. */
static void mend(struct fb_str s, struct fb_buf *out)
{
    while (s.n) {
        size_t n = fb_utf8_length(s);
        fb_buf_add(out, n ? (struct fb_str){s.p, n} : REPLACEMENT);
        n += n == 0;
        s.p += n, s.n -= n;
    }
}

static bool is_utf8_name(const char *charset)
{
    return charset && (fb_str_ieq(fb_str(charset), FB_STR("utf-8")) || fb_str_ieq(fb_str(charset), FB_STR("utf8")));
}

/* Bytes beyond ASCII that are UTF-8 by chance are next to unknown, whatever a single-byte charset is named; a charset of
 * seven bits or of several bytes is believed. */
static bool may_be_utf8(const char *charset)
{
    return !is_name(charset) || is_utf8_name(charset) || superset(charset) != charset;
}

/* Seven bits, and no NUL. A NUL is left to who validates. */
static bool is_ascii(struct fb_str s)
{
    unsigned char high = 0;
    for (size_t i = 0; i < s.n; i++)
        high |= (unsigned char)s.p[i];
    return high < 0x80 && !(s.n && memchr(s.p, 0, s.n));
}

int fb_charset_utf8(struct fb_arena *arena, struct fb_str bytes, const char *charset, struct fb_str *ret, struct fb_err *err)
{
    if (may_be_utf8(charset) && (is_ascii(bytes) || g_utf8_validate_len(bytes.p, bytes.n, NULL))) {
        *ret = bytes;
        return 0;
    }
    struct fb_buf out = FB_BUF(arena);
    if (!is_utf8_name(charset)) {
        __attribute__((cleanup(iconv_cleanup))) iconv_t cd = converter(charset);
        if (cd == (iconv_t)-1)
            return fb_fail_errno(err, "converting from a charset");
        struct fb_buf converted = FB_BUF(arena);
        convert(cd, bytes, &converted);
        bytes = fb_buf_str(&converted);
        if (!bytes.p)
            return fb_fail_memory(err);
    }
    mend(bytes, &out);
    *ret = fb_buf_str(&out);
    return ret->p ? 0 : fb_fail_memory(err);
}

/* How many bytes at @p are a character without width, or 0: soft hyphen, U+200B, U+200C, U+2060, U+FEFF (not U+200D, which joins emoji),
 * and what only sets the direction: U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
static size_t widthless(const char *p, size_t n)
{
    unsigned char a = (unsigned char)p[0], b = n >= 2 ? (unsigned char)p[1] : 0, c = n >= 3 ? (unsigned char)p[2] : 0;
    if (a == 0xC2)
        return b == 0xAD ? 2 : 0;
    bool general = a == 0xE2 && b == 0x80 && (c == 0x8B || c == 0x8C || c == 0x8E || c == 0x8F || (c >= 0xAA && c <= 0xAE));
    bool more = a == 0xE2 && b == 0x81 && (c == 0xA0 || (c >= 0xA6 && c <= 0xA9));
    return general || more || (a == 0xEF && b == 0xBB && c == 0xBF) ? 3 : 0;
}

/* How many bytes at @p are a blank of another width, or 0: U+00A0, U+2002 to U+200A, U+202F (before "AM" in attributions). */
static size_t blank(const char *p, size_t n)
{
    if (n >= 2 && memcmp(p, "\xC2\xA0", 2) == 0)
        return 2;
    return n >= 3 && (memcmp(p, "\xE2\x80\xAF", 3) == 0 || (memcmp(p, "\xE2\x80", 2) == 0 && p[2] >= '\x82' && p[2] <= '\x8A')) ? 3 : 0;
}

/* One character, or what stands for it; how many bytes it took. */
static size_t tidy_one(const char *p, size_t n, char **to)
{
    unsigned char c = (unsigned char)*p;
    if (c >= 0x80) {
        size_t drop = widthless(p, n), wide = drop ? 0 : blank(p, n);
        if (wide)
            *(*to)++ = ' ';
        if (drop || wide)
            return drop + wide;
    }
    if (c == '\r') {
        *(*to)++ = '\n';
        return n >= 2 && p[1] == '\n' ? 2 : 1;
    }
    *(*to)++ = (c < ' ' && c != '\t' && c != '\n') || c == 0x7f ? ' ' : *p;
    return 1;
}

/* How many bytes at @p stay as they are: most of all text. */
static size_t plain_run(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && ((p[i] >= ' ' && p[i] < 0x7f) || p[i] == '\n' || p[i] == '\t'))
        i++;
    return i;
}

int fb_charset_tidy(struct fb_arena *arena, struct fb_str s, struct fb_str *ret, struct fb_err *err)
{
    char *p = fb_arena_alloc(arena, s.n + 1), *to = p;
    if (!p)
        return fb_fail_memory(err);
    for (size_t i = 0; i < s.n;) {
        size_t n = plain_run(s.p + i, s.n - i);
        memcpy(to, s.p + i, n);
        to += n, i += n;
        if (i < s.n)
            i += tidy_one(s.p + i, s.n - i, &to);
    }
    *ret = (struct fb_str){p, (size_t)(to - p)};
    return 0;
}
