/* A mail to the address that notices come from: what it asks for, and of which message. */
#ifndef FB_MILTER_WISH_H
#define FB_MILTER_WISH_H

#include "mail/message.h"
#include "words.h"

/* Of the mails that it refers to, as many are looked for. */
enum { WISH_IDS = 20 };

struct wish {
    int action;               /* enum fb_desk_action: release or withdraw; 0: it cannot be told */
    struct fb_str message_id; /* its own, with <>; may be empty */
    size_t ids_n;
    struct fb_str ids[WISH_IDS]; /* of the mails that it answers, the nearest first */
};

/* A program wrote it (RFC 3834; Precedence; a report, RFC 6522): nobody is to be answered. */
bool wish_by_program(const struct fb_headers *h);
/* @raw: header and body, or their beginning (@cut). All of *ret lives in @arena. Fails for lack of memory alone. */
int wish_read(struct fb_arena *arena, const struct words *words, const struct fb_message_limits *limits, const struct fb_headers *h,
              struct fb_str raw, bool cut, struct wish *ret, struct fb_err *err);

#endif
