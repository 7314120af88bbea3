/* Log lines. Decides how a line looks: whole, on one line, written at once, so that lines of several threads do not mix.
 * Must never let a peer's bytes forge a line: values go through fb_log_quote, and what is left of control characters is
 * replaced here. A line that cannot be written is lost; nothing waits for it. */
#include "daemon/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, QUOTE_MAX = 200, QUOTE_RING = 8 };

static const char *program = "forbear";
static bool journal;
static atomic_int level = FB_LOG_INFO;

void fb_log_init(const char *name, enum fb_log at)
{
    program = name;
    journal = getenv("JOURNAL_STREAM") != NULL;
    fb_log_level(at);
}

void fb_log_level(enum fb_log at)
{
    atomic_store(&level, (int)at);
}

/* syslog(3)'s numbers: err, info, debug. */
static const char *priority(enum fb_log what)
{
    return what == FB_LOG_ERROR ? "<3>" : what == FB_LOG_INFO ? "<6>" : "<7>";
}

/* Appends within @size; what does not fit is cut. Returns the new length. */
static size_t append(char *line, size_t at, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(line + at, size - at, fmt, ap);
    if (n < 0)
        return at;
    return (size_t)n < size - at ? at + (size_t)n : size - 1;
}

static size_t head(char *line, size_t size, enum fb_log what, const char *event)
{
    int n = journal ? snprintf(line, size, "%s%s ", priority(what), event) : snprintf(line, size, "%s: %s ", program, event);
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

void fb_log(enum fb_log what, const char *event, const char *fmt, ...)
{
    if ((int)what > atomic_load(&level))
        return;
    char line[LINE_MAX_BYTES];
    size_t n = head(line, sizeof line - 1, what, event);
    va_list ap;
    va_start(ap, fmt);
    n = append(line, n, sizeof line - 1, fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == '\x7f')
            line[i] = '?';
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written;
}

/* How many bytes at the head of @s stand for themselves; 0: the first must be escaped. */
static size_t plain_length(struct fb_str s)
{
    unsigned char c = (unsigned char)s.p[0];
    if (c < ' ' || c == 0x7f || c == '"' || c == '\\')
        return 0;
    bool control = c == 0xc2 && s.n > 1 && (unsigned char)s.p[1] < 0xa0; /* U+0080 to U+009F */
    return control ? 0 : fb_utf8_length(s);
}

const char *fb_log_quote(struct fb_str s)
{
    static _Thread_local char ring[QUOTE_RING][QUOTE_MAX + 16];
    static _Thread_local unsigned next;
    char *out = ring[next++ % QUOTE_RING];
    size_t at = 0, i = 0;
    out[at++] = '"';
    while (i < s.n && at < QUOTE_MAX) {
        size_t len = plain_length((struct fb_str){s.p + i, s.n - i});
        if (len)
            memcpy(out + at, s.p + i, len);
        else
            snprintf(out + at, 5, "\\x%02x", (unsigned char)s.p[i]);
        at += len ? len : 4;
        i += len ? len : 1;
    }
    memcpy(out + at, i < s.n ? "...\"" : "\"", i < s.n ? 5 : 2);
    return out;
}
