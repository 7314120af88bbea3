/* Submitting our own mail (libcurl's SMTP), null sender, one recipient, bounded time. */
#ifndef FB_NOTICE_SMTP_H
#define FB_NOTICE_SMTP_H

#include "base/arena.h"

enum fb_smtp_outcome {
    FB_SMTP_LATER = 1,   /* 4xx, no connection, timeout: try again */
    FB_SMTP_REFUSED = 2, /* 5xx: for good */
};

/* 0 after the 250 to the end of DATA. With an outcome, *err has the server's reason too. @host_port: "127.0.0.1:25". */
int fb_smtp_submit(const char *host_port, int timeout_s, struct fb_str to, struct fb_str mail, struct fb_err *err);

/* Whether the server takes mail to @to: asks it as above, and breaks off before a mail is sent. Outcomes as above. */
int fb_smtp_accepts(const char *host_port, int timeout_s, struct fb_str to, struct fb_err *err);

#endif
