/* A message, read for judging. Of the header it gives GMime only the fields that say what the body is, so that both read
 * the same header and garbage in the rest cannot move the beginning of the body; and it measures what GMime would build
 * before it lets it. Nothing of GMime or GLib outlives a call.
 *
 * DIAGNOSTICS: broken MIME is no failure; lack of memory is the only one. */
#include "mail/message.h"

#include <gmime/gmime.h>
#include <libxml/parser.h>

#include "mail/body.h"
#include "mail/bounds.h"
#include "mail/charset.h"
#include "mail/gobject.h"

#define SUBJECT_MAX 16384 /* each encoded word may open a charset: a longer subject is refused as too complex */

void fb_message_init(void)
{
    g_mime_init();
    xmlInitParser();
}

static struct fb_str field(const struct fb_headers *h, const char *name)
{
    const struct fb_field *f = fb_headers_get(h, name, 0);
    return f ? f->value : FB_STR_NONE;
}

/* "<...>" from the front of *rest. False when there is none. */
static bool id_next(struct fb_str *rest, struct fb_str *ret)
{
    const char *from = rest->n ? memchr(rest->p, '<', rest->n) : NULL;
    const char *to = from ? memchr(from, '>', (size_t)(rest->p + rest->n - from)) : NULL;
    if (!to)
        return false;
    *ret = (struct fb_str){from, (size_t)(to + 1 - from)};
    rest->n -= (size_t)(to + 1 - rest->p);
    rest->p = to + 1;
    return true;
}

static int references_read(struct fb_arena *arena, struct fb_str value, struct fb_message *m, struct fb_err *err)
{
    struct fb_str rest = value, id;
    size_t n = 0;
    while (id_next(&rest, &id))
        n++;
    m->references = fb_arena_array(arena, n, sizeof *m->references);
    if (!m->references)
        return fb_fail_memory(err);
    while (id_next(&value, &id))
        m->references[m->references_n++] = id;
    return 0;
}

static void date_read(struct fb_str value, struct fb_message *m)
{
    m->date_s = INT64_MIN;
    GDateTime *t = value.n ? g_mime_utils_header_decode_date(value.p) : NULL;
    if (!t)
        return;
    m->date_s = g_date_time_to_unix(t);
    m->tz_min = (int)(g_date_time_get_utc_offset(t) / G_TIME_SPAN_MINUTE);
    g_date_time_unref(t);
}

static int subject_read(struct fb_arena *arena, struct fb_str value, struct fb_str *ret, struct fb_err *err)
{
    FB_GSTRING decoded = g_mime_utils_header_decode_text(NULL, value.p);
    int r = fb_charset_utf8(arena, fb_str(decoded), NULL, ret, err);
    if (!r)
        r = fb_charset_tidy(arena, *ret, ret, err);
    if (r)
        return r;
    *ret = fb_arena_dup(arena, fb_str_trim(*ret));
    for (size_t i = 0; i < ret->n; i++)
        if (ret->p[i] == '\n')
            ((char *)ret->p)[i] = ' ';
    return ret->p ? 0 : fb_fail_memory(err);
}

static int addresses_read(struct fb_arena *arena, const struct fb_headers *h, struct fb_message *m, struct fb_err *err)
{
    int r = fb_addresses_parse(arena, field(h, "From"), &m->from, err);
    if (!r)
        r = fb_addresses_parse(arena, field(h, "To"), &m->to, err);
    if (!r)
        r = fb_addresses_parse(arena, field(h, "Cc"), &m->cc, err);
    return r == FB_ADDRESSES_TOO_COMPLEX ? FB_MESSAGE_TOO_COMPLEX : r;
}

int fb_message_header(struct fb_arena *arena, const struct fb_headers *h, struct fb_message *m, struct fb_err *err)
{
    *m = (struct fb_message){.subject = FB_STR_NONE, .text = FB_STR_NONE};
    if (field(h, "Subject").n > SUBJECT_MAX)
        return FB_MESSAGE_TOO_COMPLEX;
    struct fb_str in_reply_to = field(h, "In-Reply-To"), message_id = field(h, "Message-ID");
    if (!id_next(&in_reply_to, &m->in_reply_to))
        m->in_reply_to = FB_STR_NONE;
    if (!id_next(&message_id, &m->message_id))
        m->message_id = FB_STR_NONE;
    date_read(field(h, "Date"), m);
    int r = references_read(arena, field(h, "References"), m, err);
    if (!r)
        r = subject_read(arena, field(h, "Subject"), &m->subject, err);
    if (!r)
        r = addresses_read(arena, h, m, err);
    return r;
}

/* The body under the fields that say what it is. */
static int entity(struct fb_arena *arena, const struct fb_headers *h, struct fb_str body, struct fb_str *ret, struct fb_err *err)
{
    static const char *const names[] = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"};
    struct fb_buf b = FB_BUF(arena);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fb_str value = field(h, names[i]);
        if (value.n)
            fb_buf_printf(&b, "%s: %.*s\n", names[i], FB_FMT(value));
    }
    fb_buf_char(&b, '\n');
    fb_buf_add(&b, body);
    *ret = fb_buf_str(&b);
    return ret->p ? 0 : fb_fail_memory(err);
}

static GMimeObject *mime_parse(struct fb_str text)
{
    GByteArray *bytes = g_byte_array_sized_new((guint)text.n);
    g_byte_array_append(bytes, (const guint8 *)text.p, (guint)text.n);
    FB_GOBJECT(GMimeStream) stream = g_mime_stream_mem_new_with_byte_array(bytes); /* which owns them now */
    FB_GOBJECT(GMimeParser) parser = g_mime_parser_new_with_stream(stream);
    return g_mime_parser_construct_part(parser, NULL);
}

static int body_read(struct fb_arena *arena, const struct fb_message_limits *limits, const struct fb_headers *h, struct fb_str body,
                     struct fb_message *m, struct fb_err *err)
{
    struct fb_str text;
    int r = entity(arena, h, body, &text, err);
    if (r)
        return r;
    if (text.n > INT32_MAX || !fb_bounds_hold(text, limits))
        return FB_MESSAGE_TOO_COMPLEX;
    FB_GOBJECT(GMimeObject) root = mime_parse(text);
    return root ? fb_body_text(arena, limits, root, &m->text, err) : FB_MESSAGE_NO_TEXT;
}

int fb_message_parse(struct fb_arena *arena, const struct fb_message_limits *limits, struct fb_str raw, bool cut,
                     struct fb_message *ret, struct fb_err *err)
{
    *ret = (struct fb_message){.subject = FB_STR_NONE, .text = FB_STR_NONE};
    struct fb_headers h = {.arena = arena};
    struct fb_str body;
    int r = fb_headers_split(&h, raw, limits->header_size, limits->header_fields, &body, err);
    if (r < 0)
        return r;
    if (r)
        return FB_MESSAGE_TOO_COMPLEX;
    r = fb_message_header(arena, &h, ret, err);
    ret->text_cut = cut;
    return r ? r : body_read(arena, limits, &h, body, ret, err);
}
