/* Running the MTA's tools. Decides nothing about mail. Must never run a shell, search a path, or hand a tool more than
 * it needs: what only reads a stranger's bytes runs as nobody.
 *
 * DIAGNOSTICS: failures name the tool. A tool that cannot be executed ends with 127, which is RUN_NONZERO. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/io.h"
#include "daemon/daemon.h"

enum { PIECE_MAX = 65536, NOBODY = 65534, EXIT_NO_EXEC = 127 };

/* TZ, for postcat prints times as local ones. */
static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TZ=UTC", "LC_ALL=C", NULL};

static bool give_up_root(void)
{
    if (geteuid() != 0)
        return true;
    return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

/* In the child: standard input and output set, all else closed. Returns only on failure. */
static void child(const struct run *r, int in, int out)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, ~0u, 0) < 0 || chdir("/") < 0)
        return;
    if (r->unprivileged && !give_up_root())
        return;
    execve(r->argv[0], (char *const *)(uintptr_t)r->argv, (char *const *)(uintptr_t)environment);
}

static int start(const struct run *r, int *ret_out, pid_t *ret_pid, struct fb_err *err)
{
    int ends[2];
    FB_FD null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return fb_fail_errno(err, "cannot prepare to run %s", r->argv[0]);
    *ret_out = ends[0];
    FB_FD in = ends[1];
    if (r->stdin_fd >= 0 && lseek(r->stdin_fd, 0, SEEK_SET) < 0)
        return fb_fail_errno(err, "cannot rewind the input of %s", r->argv[0]);
    *ret_pid = fork();
    if (*ret_pid < 0)
        return fb_fail_errno(err, "cannot fork for %s", r->argv[0]);
    if (*ret_pid == 0) {
        child(r, r->stdin_fd >= 0 ? r->stdin_fd : null, in);
        _exit(EXIT_NO_EXEC);
    }
    return 0;
}

/* Waits until @fd is readable. Outcome 1: not before @end_ms. */
static int wait_readable(int fd, int64_t end_ms, struct fb_err *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t left;
    while ((left = end_ms - fb_clock_ms()) > 0) {
        int n = poll(&p, 1, (int)left);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return fb_fail_errno(err, "poll");
    }
    return 1;
}

/* All that comes out of @out, up to its end, to the sink. */
static int drain(const struct run *r, int out, int64_t end_ms, struct fb_err *err)
{
    char piece[PIECE_MAX];
    for (;;) {
        int rc = wait_readable(out, end_ms, err);
        if (rc)
            return rc > 0 ? fb_fail(err, "%s took more than %d ms", r->argv[0], r->timeout_ms) : rc;
        ssize_t n = read(out, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fb_fail_errno(err, "cannot read what %s writes", r->argv[0]);
        if (n == 0)
            return 0;
        rc = r->sink ? r->sink(r->ctx, (struct fb_str){piece, (size_t)n}, err) : 0;
        if (rc)
            return rc;
    }
}

/* Waits for the end of a child that closed its output; one that lingers past its time is killed. */
static int reap(const struct run *r, pid_t pid, int64_t end_ms, struct fb_err *err)
{
    int status;
    FB_FD pid_fd = pidfd_open(pid, 0);
    int rc = pid_fd < 0 ? fb_fail_errno(err, "pidfd_open") : wait_readable(pid_fd, end_ms, err);
    if (rc)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fb_fail_errno(err, "waitpid");
    if (rc)
        return rc > 0 ? fb_fail(err, "%s took more than %d ms", r->argv[0], r->timeout_ms) : rc;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : RUN_NONZERO;
}

int run(const struct run *r, struct fb_err *err)
{
    FB_FD out = -1;
    pid_t pid = -1;
    int64_t end_ms = fb_clock_ms() + r->timeout_ms;
    if (start(r, &out, &pid, err))
        return -1;
    int rc = drain(r, out, end_ms, err);
    int ended = reap(r, pid, rc ? 0 : end_ms, rc ? NULL : err);
    return rc ? rc : ended;
}

int run_keep(void *ctx, struct fb_str piece, struct fb_err *err)
{
    struct run_text *t = ctx;
    if (piece.n > t->max - t->buf.n)
        return fb_fail(err, "more output than the %zu bytes allowed for it", t->max);
    fb_buf_add(&t->buf, piece);
    return t->buf.failed ? fb_fail_memory(err) : 0;
}

int run_input(struct fb_str text, int *ret_fd, struct fb_err *err)
{
    FB_FD fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        return fb_fail_errno(err, "memfd_create");
    if (fb_io_write_all(fd, text.p, text.n, err))
        return -1;
    *ret_fd = fd;
    fd = -1;
    return 0;
}
