/* A message, read for judging: who, to whom, when, about what, and the text. MIME is GMime's; what could make GMime (or
 * GLib under it, which aborts when malloc fails) work without bound is measured and refused before it sees it. */
#ifndef FB_MAIL_MESSAGE_H
#define FB_MAIL_MESSAGE_H

#include "mail/headers.h"

struct fb_address {
    struct fb_str addr;    /* lower case ASCII, no <>; UTF-8 stays as it is (RFC 6531) */
    struct fb_str display; /* decoded, UTF-8; may be empty */
};

struct fb_addresses {
    size_t n;
    struct fb_address *v;
};

struct fb_message {
    struct fb_addresses from, to, cc; /* groups are flattened */
    struct fb_str subject;            /* decoded, UTF-8, one line */
    struct fb_str message_id, in_reply_to; /* with <>; empty where absent */
    struct fb_str *references;        /* oldest first, with <> */
    size_t references_n;
    int64_t date_s;  /* of the Date field; INT64_MIN where there is none that can be read */
    int tz_min;      /* its offset, in minutes east of UTC */
    struct fb_str text;  /* the text a reader sees first, UTF-8, LF line ends; HTML as visible text, quotes marked by "> " */
    bool text_cut;       /* the message went on after what was read */
};

struct fb_message_limits {
    size_t parts, nesting, header_size, header_fields;
};

/* Once per process, before threads: GMime's and libxml2's own start. */
void fb_message_init(void);

/* Outcomes beside 0 */
enum fb_message_outcome {
    FB_MESSAGE_TOO_COMPLEX = 1, /* past a limit */
    FB_MESSAGE_ENCRYPTED,       /* multipart/encrypted, application/pkcs7-mime enveloped, or inline PGP */
    FB_MESSAGE_NO_TEXT,         /* nothing to read in it */
    FB_MESSAGE_CALENDAR,        /* an invitation or an answer to one: text/calendar is the message, or one form of it */
};
/* @raw: the message or its beginning (@cut). All of *ret lives in @arena. Broken MIME is read as a mail client would;
 * it fails for lack of memory alone. */
int fb_message_parse(struct fb_arena *arena, const struct fb_message_limits *limits, struct fb_str raw, bool cut,
                     struct fb_message *ret, struct fb_err *err);

/* The header alone: all of *ret but text. Outcome: FB_MESSAGE_TOO_COMPLEX. */
int fb_message_header(struct fb_arena *arena, const struct fb_headers *h, struct fb_message *ret, struct fb_err *err);

/* One header field's addresses: for From, before anything else is read. Outcome: FB_ADDRESSES_TOO_COMPLEX, and *ret is
 * empty. */
enum { FB_ADDRESSES_TOO_COMPLEX = 1 };
int fb_addresses_parse(struct fb_arena *arena, struct fb_str value, struct fb_addresses *ret, struct fb_err *err);

/* The part behind the last '@', or empty. */
struct fb_str fb_address_domain(struct fb_str addr);

#endif
