/* What libmilter calls. */
#ifndef FB_MILTER_CALLBACKS_H
#define FB_MILTER_CALLBACKS_H

#include "session.h"

/* Registers the callbacks and opens the socket of @conf, replacing a stale one. @m outlives smfi_main. */
int callbacks_open(struct milter *m, const struct fb_conf *conf, struct fb_err *err);

#endif
