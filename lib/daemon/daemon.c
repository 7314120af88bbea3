/* What all long-running programs share. Decides nothing about mail: it hands out clocks, signals and sockets.
 *
 * DIAGNOSTICS: every failure names the socket or the call. A stale socket file is replaced only when nobody answers on
 * it; one that answers belongs to another instance, and that is a failure. */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/io.h"

enum { HANDED_FIRST = 3, BACKLOG = 256 };

int64_t fb_now_s(void)
{
    return (int64_t)time(NULL);
}

int64_t fb_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int fb_signals_open(int *ret_fd, struct fb_err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return fb_fail_errno(err, "cannot block signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        return fb_fail_errno(err, "signalfd");
    *ret_fd = fd;
    return 0;
}

static int64_t env_int(const char *name)
{
    int64_t v = 0;
    return fb_str_int(fb_str(getenv(name)), 0, INT32_MAX, &v) ? v : 0;
}

int fb_listen_handed(int max, int *ret_fd, struct fb_err *err)
{
    int64_t n = env_int("LISTEN_FDS");
    *ret_fd = -1;
    if (n == 0 || env_int("LISTEN_PID") != getpid())
        return 0;
    if (n > max)
        return fb_fail(err, "%lld sockets were handed over, but only %d are wanted", (long long)n, max);
    for (int fd = HANDED_FIRST; fd < HANDED_FIRST + n; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return fb_fail_errno(err, "descriptor %d, said to be a socket handed over", fd);
    *ret_fd = HANDED_FIRST;
    return 0;
}

/* Removes the socket file of an instance that is gone. */
static int stale_remove(const char *path, struct fb_err *err)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : fb_fail_errno(err, "cannot look at %s", path);
    if (!S_ISSOCK(st.st_mode))
        return fb_fail(err, "%s is there and is no socket", path);
    FB_FD fd = -1;
    if (fb_unix_connect(path, 1000, &fd, NULL) == 0)
        return fb_fail(err, "something listens at %s already", path);
    return unlink(path) < 0 ? fb_fail_errno(err, "cannot remove %s", path) : 0;
}

static int group_give(const char *path, const char *group, struct fb_err *err)
{
    if (!group)
        return 0;
    struct group *g = getgrnam(group);
    if (!g)
        return fb_fail(err, "there is no group %s to give %s to", group, path);
    return chown(path, (uid_t)-1, g->gr_gid) < 0 ? fb_fail_errno(err, "cannot give %s to the group %s", path, group) : 0;
}

int fb_unix_listen(const char *path, mode_t mode, const char *group, int *ret_fd, struct fb_err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct fb_str name = fb_str(path);
    if (!name.n || name.n >= sizeof at.sun_path)
        return fb_fail(err, "%s is no path that a socket can have", path);
    memcpy(at.sun_path, name.p, name.n);
    if (stale_remove(path, err))
        return -1;
    FB_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fb_fail_errno(err, "cannot make a socket");
    /* Nobody else may connect before group and mode are right: until listen(2), connecting is refused. */
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) < 0)
        return fb_fail_errno(err, "cannot make %s", path);
    if (group_give(path, group, err))
        return -1;
    if (chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0)
        return fb_fail_errno(err, "cannot listen at %s", path);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int fb_unix_peer(int fd, uid_t *ret_uid, struct fb_err *err)
{
    struct ucred who;
    socklen_t n = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
        return fb_fail_errno(err, "cannot tell who is at the other end of a socket");
    *ret_uid = who.uid;
    return 0;
}

/* "host:port" or "[v6]:port" in @copy, cut in place. */
static bool host_port_cut(char *copy, char **ret_host, char **ret_port)
{
    char *colon = strrchr(copy, ':');
    if (!colon || colon == copy || !colon[1])
        return false;
    *colon = '\0';
    *ret_port = colon + 1;
    *ret_host = copy;
    size_t n = strlen(copy);
    if (copy[0] == '[' && copy[n - 1] == ']') {
        copy[n - 1] = '\0';
        *ret_host = copy + 1;
    }
    return true;
}

static int tcp_bind(const struct addrinfo *ai)
{
    FB_FD fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return -1;
    int good = fd;
    fd = -1;
    return good;
}

int fb_tcp_listen(const char *host_port, int *ret_fd, struct fb_err *err)
{
    char copy[300], *host, *port;
    if (snprintf(copy, sizeof copy, "%s", host_port) >= (int)sizeof copy || !host_port_cut(copy, &host, &port))
        return fb_fail(err, "%s is no host:port", host_port);
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    int rc = getaddrinfo(host, port, &want, &found);
    if (rc)
        return fb_fail(err, "cannot resolve %s: %s", host_port, gai_strerror(rc));
    int fd = tcp_bind(found);
    freeaddrinfo(found);
    if (fd < 0)
        return fb_fail_errno(err, "cannot listen at %s", host_port);
    *ret_fd = fd;
    return 0;
}

void fb_notify_ready(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct fb_str name = fb_str(getenv("NOTIFY_SOCKET"));
    if (!name.n || name.n >= sizeof to.sun_path || (name.p[0] != '/' && name.p[0] != '@'))
        return;
    memcpy(to.sun_path, name.p, name.n);
    if (name.p[0] == '@')
        to.sun_path[0] = '\0';
    FB_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name.n);
    sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr *)&to, len);
}
