/* The withdrawn message on its way back: the original as an attachment, byte for byte but for its line ends and the Bcc
 * field, which the MTA took out and which nobody but its author reads here, and a field that makes mail programs open it as a draft. It must
 * never change the original otherwise: a draft that has the smallest change done comes beside it.
 *
 * DIAGNOSTICS: fails where the template is missing or faulty and for lack of memory. A header too large to be read is no
 * fault: what could be read says who is named. */
#include "facts/tell.h"
#include "mail/message.h"
#include "notice/draft.h"
#include "notice/fill.h"
#include "notice/language.h"
#include "notice/mime.h"
#include "notice/notice.h"
#include "template/template.h"

enum { HEADER_MAX = 4 << 20, FIELDS_MAX = 100000 };

struct named {
    struct fb_addresses *v; /* one a field */
    size_t n;
};

/* Whom To, Cc and Bcc name. A field that is too complex to be read names nobody. */
static int read_named(const struct fb_headers *h, struct fb_arena *arena, struct named *ret, struct fb_err *err)
{
    *ret = (struct named){.v = fb_arena_array(arena, h->n, sizeof *ret->v)};
    for (size_t i = 0; i < h->n; i++) {
        struct fb_str name = h->v[i].name;
        if (!fb_str_ieq(name, FB_STR("To")) && !fb_str_ieq(name, FB_STR("Cc")) && !fb_str_ieq(name, FB_STR("Bcc")))
            continue;
        if (!ret->v)
            return fb_fail_memory(err);
        if (fb_addresses_parse(arena, h->v[i].value, &ret->v[ret->n++], err) < 0)
            return -1;
    }
    return 0;
}

static bool is_named(const struct named *named, struct fb_str addr)
{
    for (size_t i = 0; i < named->n; i++)
        for (size_t k = 0; k < named->v[i].n; k++)
            if (fb_str_ieq(named->v[i].v[k].addr, addr))
                return true;
    return false;
}

/* "Bcc: a,\r\n b\r\n" of the recipients that no field names; empty where all are named. */
static int bcc_field(const struct fb_returned *r, const struct fb_headers *h, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct named named;
    struct fb_buf b = FB_BUF(arena);
    struct fb_str rest = r->recipients, addr;
    if (read_named(h, arena, &named, err))
        return -1;
    while (rest.n && fb_str_split(&rest, '\0', &addr))
        if (addr.n && !is_named(&named, addr))
            fb_buf_printf(&b, "%s%.*s", b.n ? ",\r\n " : "Bcc: ", FB_FMT(addr));
    if (b.n)
        fb_buf_add(&b, FB_STR("\r\n"));
    *ret = fb_buf_str(&b);
    return ret->p ? 0 : fb_fail_memory(err);
}

/* Where the empty line begins that ends the header; the end where there is none. */
static size_t header_end(struct fb_str original)
{
    struct fb_str rest = original, line;
    size_t at = 0;
    while (fb_str_line(&rest, &line) && line.n)
        at = original.n - rest.n;
    return at;
}

/* Outlook and Thunderbird open what has it straight in a window to write in; others have it edited anew by a command. */
static const struct fb_str unsent = FB_STR_INIT("X-Unsent: 1\r\n");

static int as_draft(const struct fb_returned *r, struct fb_str bcc, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    size_t at = header_end(r->original), n = unsent.n + r->original.n + bcc.n;
    char *p = fb_arena_alloc(arena, n + 1);
    if (!p)
        return fb_fail_memory(err);
    memcpy(p, unsent.p, unsent.n);
    memcpy(p + unsent.n, r->original.p, at);
    memcpy(p + unsent.n + at, bcc.p, bcc.n);
    memcpy(p + unsent.n + at + bcc.n, r->original.p + at, r->original.n - at);
    *ret = (struct fb_str){p, n};
    return 0;
}

static bool is_ascii(struct fb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* A plain part that says it is a message: as a message part, GMime would write the header anew. */
static GMimePart *attachment(struct fb_str original, bool smtputf8, const char *name)
{
    FB_GOBJECT(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(original.p, original.n);
    GMimeContentEncoding encoding = is_ascii(original) ? GMIME_CONTENT_ENCODING_7BIT : GMIME_CONTENT_ENCODING_8BIT;
    FB_GOBJECT(GMimeDataWrapper) content = g_mime_data_wrapper_new_with_stream(stream, encoding);
    GMimePart *part = g_mime_part_new_with_type("message", smtputf8 ? "global" : "rfc822");
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, encoding);
    g_mime_object_set_disposition(GMIME_OBJECT(part), "attachment");
    g_mime_part_set_filename(part, name);
    return part;
}

static void attach(GMimeMultipart *to, struct fb_str message, bool smtputf8, const char *name)
{
    FB_GOBJECT(GMimePart) part = attachment(message, smtputf8, name);
    g_mime_multipart_add(to, GMIME_OBJECT(part));
}

static struct fb_str field_value(const struct fb_headers *h, const char *name)
{
    const struct fb_field *f = fb_headers_get(h, name, 0);
    return f ? f->value : FB_STR_NONE;
}

static int put_subject(const struct fb_headers *h, struct fb_arena *arena, json_t *values, struct fb_err *err)
{
    struct fb_str raw = fb_arena_dup(arena, field_value(h, "Subject"));
    if (!raw.p)
        return fb_fail_memory(err);
    char *subject = g_mime_utils_header_decode_text(NULL, raw.p);
    struct fb_str line = fb_mime_one_line(arena, fb_str(subject));
    g_free(subject);
    json_object_set_new(values, "subject", json_string(line.p)); /* not there where it is no UTF-8: then it is empty */
    return 0;
}

/* The covering text: what became of it, and where it is known why and what could be done instead. */
static int render(const struct fb_returned *r, const struct fb_headers *h, bool drafted, struct fb_arena *arena, struct fb_str *ret_subject,
                  struct fb_str *ret, struct fb_err *err)
{
    struct fb_language language;
    struct fb_str text;
    json_auto_t *values = r->facts ? json_deep_copy(r->facts) : json_object();
    if (!values)
        return fb_fail_memory(err);
    if (fb_language_open(r->data_dir, r->wanted, r->language, arena, &language, err) || fb_facts_tell(values, language.rules, arena, err) ||
        put_subject(h, arena, values, err) || fb_template_read(r->data_dir, language.name, "returned.txt", arena, &text, err))
        return -1;
    json_object_set_new(values, "drafted", json_boolean(drafted));
    if (fb_template_render("returned.txt", text, values, FB_ESCAPE_NONE, arena, &text, err) || fb_mime_subject("returned.txt", &text, ret_subject, err))
        return -1;
    return fb_fill_flowed(text, arena, ret, err);
}

int fb_returned_make(const struct fb_returned *r, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct fb_headers h = {.arena = arena};
    struct fb_str body, bcc, text, draft = FB_STR_NONE, original = FB_STR_NONE;
    if (fb_headers_split(&h, r->original, HEADER_MAX, FIELDS_MAX, &body, err) < 0 || bcc_field(r, &h, arena, &bcc, err) ||
        as_draft(r, bcc, arena, &original, err))
        return -1;
    if (!r->smtputf8 && fb_draft_make(original, json_object_get(r->facts, "change"), arena, &draft, err)) /* GMime would rewrite an address that is no ASCII */
        return -1;
    struct fb_mime_head head = {.from = r->from, .to = r->to, .message_id = r->message_id, .now_s = r->now_s,
                                .answers = field_value(&h, "Message-ID")};
    if (render(r, &h, draft.n > 0, arena, &head.subject, &text, err))
        return -1;
    FB_GOBJECT(GMimePart) first = fb_mime_text("plain", text);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(first), "format", "flowed");
    FB_GOBJECT(GMimeMultipart) both = g_mime_multipart_new_with_subtype("mixed");
    g_mime_multipart_add(both, GMIME_OBJECT(first));
    if (draft.n)
        attach(both, draft, r->smtputf8, "draft.eml");
    attach(both, original, r->smtputf8, "message.eml");
    return fb_mime_write(&head, GMIME_OBJECT(both), arena, ret, err);
}
