/* The root helper as a program: who may ask, what ends a connection. Its queue is empty, so no tool is run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "wire/queue.h"

#define ID "4jbsVs3zVZz1ShMx"

enum { NOBODY = 65534 };

static char dir[] = "/tmp/forbear-helper-XXXXXX";
static char path[sizeof dir + 16];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/s", dir);
    return chmod(dir, 0755);
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir);
}

/* The child that becomes the helper, with @fd as its connection. */
static void become_helper(int fd, const char *user)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", pid, 1);
    if (dup2(fd, 3) == 3)
        execl(HELPER, HELPER, "--mta", "postfix", "--allow-user", user, "--queue-directory", dir, (char *)NULL);
    _exit(127);
}

/* Starts a helper on a connection that @uid made. */
static pid_t start(uid_t uid, const char *user, int *ret_fd)
{
    struct fb_err err;
    FB_FD listener = -1;
    assert_int_equal(fb_unix_listen(path, 0666, NULL, &listener, &err), 0);
    if (uid != geteuid())
        assert_int_equal(seteuid(uid), 0);
    int rc = fb_unix_connect(path, 5000, ret_fd, &err);
    if (uid != getuid())
        assert_int_equal(seteuid(getuid()), 0);
    assert_int_equal(rc, 0);
    FB_FD accepted = accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    pid_t pid = fork();
    if (pid == 0)
        become_helper(accepted, user);
    unlink(path);
    return pid;
}

static int ended(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int ask(int fd, struct fb_arena *a, struct fb_str request, struct fb_queue_reply *ret, struct fb_err *err)
{
    struct fb_str frame;
    if (fb_frame_send(fd, request, err))
        return -1;
    int rc = fb_frame_recv(fd, a, &frame, err);
    return rc ? rc : fb_queue_reply_decode(a, frame, FB_QUEUE_LOOK_UP, ret, err);
}

static struct fb_str look_up(struct fb_arena *a)
{
    struct fb_queue_file v = {.queue_id = FB_STR(ID)};
    return fb_queue_request_encode(a, &(struct fb_queue_request){FB_QUEUE_LOOK_UP, 1, &v});
}

static void one_connection_serves_many_requests(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_err err = {""};
    struct fb_queue_reply reply;
    FB_FD fd = -1;
    pid_t pid = start(geteuid(), "root", &fd);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(fd, a, look_up(a), &reply, &err), 0);
        assert_int_equal(reply.outcome[0], FB_QUEUE_ABSENT);
    }
    shutdown(fd, SHUT_WR);
    assert_int_equal(ended(pid), FB_EXIT_OK);
}

static void a_malformed_request_is_refused_and_ends_it(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_err err = {""};
    struct fb_queue_reply reply;
    FB_FD fd = -1;
    pid_t pid = start(geteuid(), "root", &fd);
    assert_int_equal(ask(fd, a, FB_STR("\1\11\0\0\0\1"), &reply, &err), -1);
    assert_string_equal(err.text, "refused: a malformed request");
    char byte;
    assert_int_equal(fb_io_read_all(fd, &byte, 1, &err), FB_IO_END);
    assert_int_equal(ended(pid), FB_EXIT_FAILED);
}

static void a_stranger_is_turned_away(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_err err = {""};
    struct fb_queue_reply reply;
    FB_FD fd = -1, allowed = -1;
    pid_t pid = start(NOBODY, "daemon", &fd);
    assert_true(ask(fd, a, look_up(a), &reply, &err) != 0);
    assert_int_equal(ended(pid), FB_EXIT_FAILED);
    pid = start(NOBODY, "nobody", &allowed);
    assert_int_equal(ask(allowed, a, look_up(a), &reply, &err), 0);
    shutdown(allowed, SHUT_WR);
    assert_int_equal(ended(pid), FB_EXIT_OK);
}

static int run(const char *a, const char *b, const char *c, const char *d)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(HELPER, HELPER, a, b, c, d, (char *)NULL);
        _exit(127);
    }
    return ended(pid);
}

static void it_wants_an_mta_it_knows_a_user_and_a_connection(void **state)
{
    (void)state;
    assert_int_equal(run("--mta", "postfix", NULL, NULL), FB_EXIT_USAGE);
    assert_int_equal(run("--mta", "exim", "--allow-user", "root"), FB_EXIT_USAGE);
    assert_int_equal(run("--tools", "/tmp", NULL, NULL), FB_EXIT_USAGE);
    assert_int_equal(run("--mta", "postfix", "--allow-user", "root"), FB_EXIT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_serves_many_requests),
        cmocka_unit_test(a_malformed_request_is_refused_and_ends_it),
        cmocka_unit_test(a_stranger_is_turned_away),
        cmocka_unit_test(it_wants_an_mta_it_knows_a_user_and_a_connection),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
