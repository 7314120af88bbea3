/* Which parts of a MIME tree are the text of the message: of alternatives the plain one that is not empty, else what comes
 * next; all inline text of the others, in order. Attachments and forwarded messages are never text.
 *
 * DIAGNOSTICS: the only failure is lack of memory. */
#include "mail/body.h"

#include "mail/charset.h"
#include "mail/flowed.h"
#include "mail/gobject.h"
#include "mail/html.h"

struct body {
    struct fb_arena *arena;
    size_t parts, parts_max, nesting_max;
    bool encrypted, calendar;
    struct fb_err *err;
};

static bool type_is(GMimeObject *o, const char *type, const char *subtype)
{
    GMimeContentType *t = g_mime_object_get_content_type(o);
    return t && g_mime_content_type_is_type(t, type, subtype);
}

static const char *type_parameter(GMimeObject *o, const char *name)
{
    GMimeContentType *t = g_mime_object_get_content_type(o);
    const char *value = t ? g_mime_content_type_get_parameter(t, name) : NULL;
    return value ? value : "";
}

/* Past the exact limits? */
static bool too_complex(struct body *b, GMimeObject *o, size_t depth)
{
    if (++b->parts > b->parts_max || depth > b->nesting_max)
        return true;
    if (GMIME_IS_MESSAGE_PART(o)) {
        GMimeMessage *m = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
        GMimeObject *inner = m ? g_mime_message_get_mime_part(m) : NULL;
        return inner && too_complex(b, inner, depth + 1);
    }
    if (!GMIME_IS_MULTIPART(o))
        return false;
    for (int i = 0, n = g_mime_multipart_get_count(GMIME_MULTIPART(o)); i < n; i++)
        if (too_complex(b, g_mime_multipart_get_part(GMIME_MULTIPART(o), i), depth + 1))
            return true;
    return false;
}

static bool is_blank(struct fb_str s)
{
    return fb_str_trim(s).n == 0;
}

static bool is_attachment(GMimeObject *o)
{
    GMimeContentDisposition *d = g_mime_object_get_content_disposition(o);
    return d && g_mime_content_disposition_is_attachment(d);
}

/* The bytes of a part, its transfer encoding undone; they live as long as *ret_stream. */
static struct fb_str content(GMimeObject *o, GMimeStream **ret_stream)
{
    GMimeDataWrapper *data = g_mime_part_get_content(GMIME_PART(o));
    if (!data)
        return FB_STR_NONE;
    *ret_stream = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(data, *ret_stream);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(*ret_stream));
    return bytes && bytes->len ? (struct fb_str){(const char *)bytes->data, bytes->len} : FB_STR_NONE;
}

/* The charset that an HTML text names itself, where its part names none: in a meta element, early. */
static const char *html_charset(struct fb_arena *arena, struct fb_str html)
{
    struct fb_str head = {html.p, html.n < 1024 ? html.n : 1024};
    ptrdiff_t at = fb_str_ifind(head, FB_STR("charset="));
    if (at < 0)
        return NULL;
    size_t from = (size_t)at + strlen("charset=");
    while (from < head.n && (head.p[from] == '"' || head.p[from] == '\'' || head.p[from] == ' '))
        from++;
    size_t to = from;
    while (to < head.n && (fb_is_alpha(head.p[to]) || fb_is_digit(head.p[to]) || head.p[to] == '-' || head.p[to] == '_'))
        to++;
    return fb_arena_dup(arena, (struct fb_str){head.p + from, to - from}).p;
}

static int plain_text(struct body *b, GMimeObject *o, struct fb_str *text)
{
    if (g_ascii_strcasecmp(type_parameter(o, "format"), "flowed") != 0)
        return 0;
    bool delsp = g_ascii_strcasecmp(type_parameter(o, "delsp"), "yes") == 0;
    return fb_flowed_join(b->arena, *text, delsp, text, b->err);
}

static int part_text(struct body *b, GMimeObject *o, bool html, struct fb_str *ret)
{
    FB_GOBJECT(GMimeStream) stream = NULL;
    struct fb_str bytes = content(o, &stream);
    const char *charset = g_mime_object_get_content_type_parameter(o, "charset");
    if (html && !charset)
        charset = html_charset(b->arena, bytes);
    int r = fb_charset_utf8(b->arena, bytes, charset, ret, b->err);
    if (!r && html)
        r = fb_html_text(b->arena, *ret, ret, b->err);
    if (!r)
        r = fb_charset_tidy(b->arena, *ret, ret, b->err);
    return r || html ? r : plain_text(b, o, ret);
}

/* RFC 8551, 3.2.2; RFC 3156, 4. A second file of text is an attachment, whatever its disposition says. */
static int leaf_text(struct body *b, GMimeObject *o, bool first, struct fb_str *ret)
{
    bool html = type_is(o, "text", "html");
    if (type_is(o, "application", "pgp-encrypted") ||
        ((type_is(o, "application", "pkcs7-mime") || type_is(o, "application", "x-pkcs7-mime")) &&
         g_ascii_strcasecmp(type_parameter(o, "smime-type"), "signed-data") != 0))
        b->encrypted = true;
    if ((!html && !type_is(o, "text", "plain")) || is_attachment(o) || (!first && g_mime_part_get_filename(GMIME_PART(o))))
        return 0;
    return part_text(b, o, html, ret);
}

static int object_text(struct body *b, GMimeObject *o, bool first, struct fb_str *ret);

static int alternative_text(struct body *b, GMimeMultipart *m, struct fb_str *ret)
{
    int n = g_mime_multipart_get_count(m), r = 0;
    for (int i = 0; i < n; i++)
        b->calendar |= type_is(g_mime_multipart_get_part(m, i), "text", "calendar");
    for (int plain = 1; plain >= 0; plain--)
        for (int i = 0; !r && is_blank(*ret) && i < n; i++) {
            GMimeObject *o = g_mime_multipart_get_part(m, i);
            if (type_is(o, "text", "plain") == plain)
                r = object_text(b, o, true, ret);
        }
    return r;
}

static int mixed_text(struct body *b, GMimeMultipart *m, bool first, struct fb_str *ret)
{
    struct fb_buf all = FB_BUF(b->arena);
    for (int i = 0, n = g_mime_multipart_get_count(m); i < n; i++) {
        struct fb_str one = FB_STR_NONE;
        int r = object_text(b, g_mime_multipart_get_part(m, i), first && !all.n, &one);
        if (r)
            return r;
        if (all.n && !is_blank(one))
            fb_buf_char(&all, '\n');
        if (!is_blank(one))
            fb_buf_add(&all, one);
    }
    *ret = fb_buf_str(&all);
    return ret->p ? 0 : fb_fail_memory(b->err);
}

/* Its first part is the message, the others belong to it: signatures (RFC 1847), images (RFC 2387), reports (RFC 6522). */
static bool is_led_by_first(GMimeObject *o)
{
    return GMIME_IS_MULTIPART_SIGNED(o) || type_is(o, "multipart", "related") || type_is(o, "multipart", "report");
}

/* @first: no text was found before it. *ret stays empty where there is none. Its depth was looked at before. */
static int object_text(struct body *b, GMimeObject *o, bool first, struct fb_str *ret)
{
    if (GMIME_IS_MULTIPART_ENCRYPTED(o) || type_is(o, "multipart", "encrypted")) {
        b->encrypted = true;
        return 0;
    }
    if (GMIME_IS_PART(o))
        return leaf_text(b, o, first, ret);
    if (!GMIME_IS_MULTIPART(o) || is_attachment(o))
        return 0;
    GMimeMultipart *m = GMIME_MULTIPART(o);
    if (type_is(o, "multipart", "alternative"))
        return alternative_text(b, m, ret);
    if (!is_led_by_first(o))
        return mixed_text(b, m, first, ret);
    return g_mime_multipart_get_count(m) ? object_text(b, g_mime_multipart_get_part(m, 0), first, ret) : 0;
}

/* RFC 9580, 6.2: the armor of a message that is nothing but an encrypted block. */
static bool is_inline_pgp(struct fb_str text)
{
    return fb_str_istarts(fb_str_trim(text), FB_STR("-----BEGIN PGP MESSAGE-----"));
}

int fb_body_text(struct fb_arena *arena, const struct fb_message_limits *limits, GMimeObject *root, struct fb_str *ret, struct fb_err *err)
{
    struct body b = {.arena = arena, .parts_max = limits->parts, .nesting_max = limits->nesting, .err = err};
    *ret = FB_STR_NONE;
    if (too_complex(&b, root, 0))
        return FB_MESSAGE_TOO_COMPLEX;
    int r = object_text(&b, root, true, ret);
    if (r)
        return r;
    if (b.calendar || type_is(root, "text", "calendar"))
        return FB_MESSAGE_CALENDAR;
    if (is_inline_pgp(*ret) || (b.encrypted && is_blank(*ret)))
        return FB_MESSAGE_ENCRYPTED;
    return is_blank(*ret) ? FB_MESSAGE_NO_TEXT : 0;
}
