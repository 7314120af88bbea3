/* The frame of our own mail: which header fields it carries. What comes from a message (a subject, an address) must never
 * become a header field of its own: it goes in through GMime, without control characters.
 *
 * DIAGNOSTICS: fails for lack of memory, and where a template does not begin with its subject. */
#include "notice/mime.h"

GMimePart *fb_mime_text(const char *subtype, struct fb_str text)
{
    FB_GOBJECT(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(text.p, text.n);
    FB_GOBJECT(GMimeDataWrapper) content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    GMimePart *part = g_mime_part_new_with_type("text", subtype);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    return part;
}

struct fb_str fb_mime_one_line(struct fb_arena *arena, struct fb_str s)
{
    struct fb_str copy = fb_arena_dup(arena, s);
    char *p = (char *)copy.p; /* our own copy */
    for (size_t i = 0; p && i < copy.n; i++)
        if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
            p[i] = ' ';
    return copy;
}

static void set(GMimeMessage *m, const char *name, const char *value)
{
    g_mime_object_set_header(GMIME_OBJECT(m), name, value, "utf-8");
}

static int set_head(GMimeMessage *m, const struct fb_mime_head *head, struct fb_arena *arena, struct fb_err *err)
{
    const char *to = fb_mime_one_line(arena, head->to).p, *subject = fb_mime_one_line(arena, head->subject).p;
    const char *id = fb_mime_one_line(arena, head->message_id).p, *answers = fb_mime_one_line(arena, head->answers).p;
    if (!to || !subject || !id || !answers)
        return fb_fail_memory(err);
    g_mime_message_add_mailbox(m, GMIME_ADDRESS_TYPE_FROM, "forbear", head->from);
    g_mime_message_add_mailbox(m, GMIME_ADDRESS_TYPE_TO, NULL, to);
    g_mime_message_set_subject(m, subject, "utf-8");
    GDateTime *date = g_date_time_new_from_unix_utc(head->now_s);
    g_mime_message_set_date(m, date);
    g_date_time_unref(date);
    set(m, "Message-ID", id);
    if (*answers) {
        set(m, "In-Reply-To", answers);
        set(m, "References", answers);
    }
    set(m, "Auto-Submitted", "auto-generated");
    return 0;
}

int fb_mime_write(const struct fb_mime_head *head, GMimeObject *body, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    FB_GOBJECT(GMimeMessage) m = g_mime_message_new(TRUE);
    if (set_head(m, head, arena, err))
        return -1;
    g_mime_message_set_mime_part(m, body);
    FB_GOBJECT(GMimeStream) out = g_mime_stream_mem_new();
    GMimeFormatOptions *options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    g_mime_object_write_to_stream(GMIME_OBJECT(m), options, out);
    g_mime_format_options_free(options);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out));
    *ret = fb_arena_dup(arena, (struct fb_str){(const char *)bytes->data, bytes->len});
    return ret->p ? 0 : fb_fail_memory(err);
}

int fb_mime_subject(const char *name, struct fb_str *text, struct fb_str *ret_subject, struct fb_err *err)
{
    struct fb_str line, empty;
    if (!fb_str_line(text, &line) || !fb_str_istarts(line, FB_STR("Subject:")) || !fb_str_line(text, &empty) || empty.n)
        return fb_fail(err, "the template %s does not begin with its subject and an empty line", name);
    *ret_subject = fb_str_trim((struct fb_str){line.p + 8, line.n - 8});
    return 0;
}
