/* What the notice and the returned message share: a GMime message with the header fields that all our mail has. */
#ifndef FB_NOTICE_MIME_H
#define FB_NOTICE_MIME_H

#include <gmime/gmime.h>

#include "base/arena.h"

static inline void fb_gobject_cleanup(void *at)
{
    GObject *o = *(GObject **)at;
    if (o)
        g_object_unref(o);
}
#define FB_GOBJECT(type) __attribute__((cleanup(fb_gobject_cleanup))) type *

struct fb_mime_head {
    const char *from; /* address */
    struct fb_str to, message_id, subject;
    struct fb_str answers; /* Message-ID of the mail that this is about, with <>; may be empty */
    int64_t now_s;
};

/* A text part, UTF-8, quoted-printable. Caller: g_object_unref. */
GMimePart *fb_mime_text(const char *subtype, struct fb_str text);

/* @body under the header fields of @head, with CRLF line ends, in @arena. */
int fb_mime_write(const struct fb_mime_head *head, GMimeObject *body, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

/* A copy in which control characters are blanks; p is NULL when memory is out. */
struct fb_str fb_mime_one_line(struct fb_arena *arena, struct fb_str s);

/* Cuts the rendered template's first line, "Subject: ...", and the empty line behind it off *text. */
int fb_mime_subject(const char *name, struct fb_str *text, struct fb_str *ret_subject, struct fb_err *err);

#endif
