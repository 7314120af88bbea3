/* Connecting to a UNIX socket. The timeout is set before connecting, for Linux bounds the wait for a full backlog by it.
 *
 * DIAGNOSTICS: every failure names the socket's path. */
#include "base/sock.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/io.h"

int fb_socket_timeout(int fd, int timeout_ms, struct fb_err *err)
{
    struct timeval tv = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) < 0)
        return fb_fail_errno(err, "cannot set the timeout of a socket");
    return 0;
}

int fb_unix_connect(const char *path, int timeout_ms, int *ret_fd, struct fb_err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct fb_str name = fb_str(path);
    if (!name.n || name.n >= sizeof to.sun_path)
        return fb_fail(err, "%s is no path that a socket can have", path);
    memcpy(to.sun_path, name.p, name.n);
    FB_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fb_fail_errno(err, "cannot make a socket");
    if (fb_socket_timeout(fd, timeout_ms, err))
        return -1;
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
        return fb_fail_errno(err, "cannot reach %s", path);
    *ret_fd = fd;
    fd = -1;
    return 0;
}
