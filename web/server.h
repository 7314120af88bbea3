/* The HTTP server: libmicrohttpd around web_answer. */
#ifndef FB_WEB_SERVER_H
#define FB_WEB_SERVER_H

#include "web/page.h"

struct web_server;

/* Serves on @listen_fd, which it owns from here on, with threads of its own. @site and @desk must outlive it. */
int web_server_open(int listen_fd, unsigned connections, unsigned timeout_s, const struct web_site *site, const struct web_desk *desk,
                    struct web_server **ret, struct fb_err *err);
/* Cuts off connections that are older than the timeout, whatever they still send or read. Call it every second or so. */
void web_server_reap(struct web_server *s);
void web_server_close(struct web_server *s);

#endif
