/* The desk that the running program asks: public keys on disk, and the keeper's socket. */
#ifndef FB_WEB_DESK_H
#define FB_WEB_DESK_H

#include "conf/conf.h"
#include "web/page.h"

/* Proves that there are public keys to read. *ret refers to @conf. */
int web_desk_open(const struct fb_conf *conf, struct web_desk *ret, struct fb_err *err);

#endif
