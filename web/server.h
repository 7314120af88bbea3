/* The HTTP server: libmicrohttpd around web_answer. */
#ifndef FB_WEB_SERVER_H
#define FB_WEB_SERVER_H

#include "conf/conf.h"
#include "tls/tls.h"
#include "web/page.h"

struct web_server;

/* Serves on @listen_fd, which it owns once this returned 0, with threads of its own: HTTPS with @tls, which is copied, or
 * HTTP where that is NULL. @conf, @site and @desk must outlive it. */
int web_server_open(int listen_fd, const struct fb_conf *conf, const struct fb_tls *tls, const struct web_site *site, const struct web_desk *desk,
                    struct web_server **ret, struct fb_err *err);
/* Cuts off connections that are older than the timeout, whatever they still send or read. Call it every second or so. */
void web_server_reap(struct web_server *s);
/* Takes no more, lets those that are being answered go on for two seconds, and ends. */
void web_server_close(struct web_server *s);

#endif
