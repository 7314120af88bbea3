/* The mails that forbear writes: the notice, the advice of notify mode, the returned message. RFC 5322 text with CRLF line
 * ends, ready to be submitted. All carry Auto-Submitted: auto-generated (RFC 3834) and go out with a null sender. */
#ifndef FB_NOTICE_NOTICE_H
#define FB_NOTICE_NOTICE_H

#include <jansson.h>

#include "base/arena.h"

enum fb_notice_kind {
    FB_NOTICE_FIRST,    /* of one hold; where deadline_s is 0, the advice of notify mode */
    FB_NOTICE_GATHERED, /* of several */
    FB_NOTICE_REMINDER, /* its delay ends soon */
    FB_NOTICE_MOVED,    /* somebody has just written on its thread */
    FB_NOTICE_HELP,     /* how to answer a notice */
};

/* One hold, as a notice tells of it. */
struct fb_notice_hold {
    struct fb_str link; /* empty in notify mode */
    int64_t deadline_s;
    int64_t opens_s;    /* its sender may send it from then on; 0: at once */
    json_t *facts;      /* facts/facts.h; for REMINDER and MOVED only from, subject, message_id, to, cc, hidden and tz_min */
};

struct fb_notice {
    enum fb_notice_kind kind;
    const char *data_dir;
    const char *language;      /* of the configuration */
    struct fb_str wanted;      /* language of the sender, a tag; empty, or without templates: @language */
    const char *from;          /* address */
    struct fb_str to;          /* the sender of the held message */
    struct fb_str message_id;  /* of this mail, with <> */
    int64_t now_s, deadline_s; /* deadline_s 0: notify mode, nothing is held */
    bool withdraws;            /* what happens at the deadline: returned, not delivered */
    bool by_mail;              /* an answer to it would count */
    struct fb_str link;        /* empty in notify mode */
    json_t *facts;             /* as above; GATHERED and HELP: NULL */
    const struct fb_notice_hold *holds; /* GATHERED */
    size_t holds_n;
    struct fb_str who;         /* MOVED: has just written, as people see it; may be empty */
    struct fb_str answers;     /* HELP: Message-ID of the mail that asked, with <>; may be empty */
    int64_t opens_s;           /* as above; HELP: it asked to send a message before this; 0: it was not understood */
};
int fb_notice_make(const struct fb_notice *n, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

/* The withdrawn message, back to its sender as an attachment (message/rfc822, message/global where smtputf8) that opens as a draft
 * (X-Unsent), Bcc restored: those of @recipients that neither To nor Cc names. @original: LF or CRLF line ends. Where the smallest change is one of
 * addresses, a draft that has it done comes first. */
struct fb_returned {
    const char *data_dir, *language, *from;
    struct fb_str wanted; /* as in struct fb_notice */
    struct fb_str to, message_id;
    int64_t now_s;
    struct fb_str original;
    struct fb_str recipients; /* NUL-separated */
    bool smtputf8;
    json_t *facts; /* facts/facts.h: why it was held, and what could be done instead; NULL: not known */
};
int fb_returned_make(const struct fb_returned *r, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

/* "<random@host of from>" */
struct fb_str fb_message_id_new(struct fb_arena *arena, const char *from);

#endif
