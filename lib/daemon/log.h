/* What programs log: one line per event, `event key=value ...`, untrusted values quoted. Only programs log, lib/ otherwise
 * never does. Lines go to standard error, with a <priority> before them (sd-daemon(3)) where the journal reads it.
 * Never logged: link paths, tokens, keys, words or senders (save for volunteers). */
#ifndef FB_DAEMON_LOG_H
#define FB_DAEMON_LOG_H

#include "base/arena.h"

enum fb_log { FB_LOG_ERROR, FB_LOG_INFO, FB_LOG_VERBOSE };

/* Once at start. @program stands at the head of each line where no journal adds it. */
void fb_log_init(const char *program, enum fb_log level);
void fb_log_level(enum fb_log level);

/* fb_log(FB_LOG_INFO, "held", "queue_id=%s rule=%s", ...): @event is a stable lower_snake name. */
void fb_log(enum fb_log what, const char *event, const char *fmt, ...) FB_PRINTF(3, 4);

/* @s in double quotes, with '"', '\' and all that is not printable UTF-8 escaped as \xNN, cut with "..." at 200 bytes.
 * Lives in a ring of 8 buffers of this thread: use it within the call to fb_log. */
const char *fb_log_quote(struct fb_str s);

#endif
