/* What all long-running programs share: options, signals, sockets. */
#ifndef FB_DAEMON_DAEMON_H
#define FB_DAEMON_DAEMON_H

#include <sys/types.h>

#include "base/sock.h"
#include "base/str.h"

#define FB_CONF_PATH "/etc/forbear/forbear.conf"

/* Exit codes of every program (sysexits.h where it has one). */
enum { FB_EXIT_OK = 0, FB_EXIT_FAILED = 1, FB_EXIT_USAGE = 64, FB_EXIT_CONFIG = 78 };

/* Wall clock in seconds; milliseconds of a clock that never jumps. */
int64_t fb_now_s(void);
int64_t fb_clock_ms(void);

/* Blocks SIGTERM, SIGINT and SIGUSR1 in all threads to come, ignores SIGPIPE, and returns a signalfd for them (close-on-exec). */
int fb_signals_open(int *ret_fd, struct fb_err *err);

/* The listening sockets that the service manager handed over (sd_listen_fds(3)): *ret_fd is the first, or -1 where
 * there are none. More than @max is a failure. */
int fb_listen_handed(int max, int *ret_fd, struct fb_err *err);

/* A listening UNIX stream socket at @path with @mode and, where @group is not NULL, that group. A stale socket is replaced. */
int fb_unix_listen(const char *path, mode_t mode, const char *group, int *ret_fd, struct fb_err *err);
/* Who is at the other end (SO_PEERCRED). */
int fb_unix_peer(int fd, uid_t *ret_uid, struct fb_err *err);

/* A listening TCP socket at "host:port" or "[v6]:port". */
int fb_tcp_listen(const char *host_port, int *ret_fd, struct fb_err *err);

/* Tells systemd that the service is ready, where it listens (sd_notify(3), "READY=1"). */
void fb_notify_ready(void);

#endif
