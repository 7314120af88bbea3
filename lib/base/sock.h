/* The asking side of a UNIX stream socket, with bounded waits. The listening side is daemon/daemon.h's. */
#ifndef FB_BASE_SOCK_H
#define FB_BASE_SOCK_H

#include "base/err.h"

/* A connected socket, close-on-exec; connecting, and each read and write on it, fails after @timeout_ms. */
int fb_unix_connect(const char *path, int timeout_ms, int *ret_fd, struct fb_err *err);

/* Each read and write on @fd fails with EAGAIN after @timeout_ms. */
int fb_socket_timeout(int fd, int timeout_ms, struct fb_err *err);

#endif
