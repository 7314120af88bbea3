/* Files of many messages, each behind a "From " line (RFC 4155). */
#ifndef FB_MAIL_MBOX_H
#define FB_MAIL_MBOX_H

#include "base/arena.h"

/* Cuts the next message off *rest, without its "From " line. False when none is left. */
bool fb_mbox_next(struct fb_str *rest, struct fb_str *ret);

/* A message as it was before it was put there: one '>' less before each ">From ", ">>From " and so on (mboxrd, as Qmail and
 * Dovecot write it). p is NULL where memory is out. */
struct fb_str fb_mbox_unquote(struct fb_arena *arena, struct fb_str message);

#endif
