/* What programs share: log lines that nobody can forge, sockets that replace only the dead. */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/log.h"

static char dir[] = "/tmp/forbear-daemon-XXXXXX";
static char path[sizeof dir + 16];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/s", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* What @how writes to standard error. */
static const char *logged(void (*how)(void))
{
    static char text[8192];
    int p[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(p), 0);
    dup2(p[1], STDERR_FILENO);
    how();
    dup2(saved, STDERR_FILENO);
    close(p[1]);
    close(saved);
    ssize_t n = read(p[0], text, sizeof text - 1);
    close(p[0]);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void log_one(void)
{
    fb_log(FB_LOG_INFO, "held", "queue_id=%s rule=%s", "4jbs", "heated");
}

static void log_verbose(void)
{
    fb_log(FB_LOG_VERBOSE, "not_judged", "why=%s", "bulk");
}

static void log_forged(void)
{
    fb_log(FB_LOG_ERROR, "bad", "x=%s y=%s", fb_log_quote(FB_STR("a\n<3>forged\"")), "raw\nline");
}

static void log_long(void)
{
    char text[6000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fb_log(FB_LOG_INFO, "long", "x=%s", text);
}

static void a_line_is_an_event_and_its_values(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    fb_log_init("forbear-test", FB_LOG_INFO);
    assert_string_equal(logged(log_one), "forbear-test: held queue_id=4jbs rule=heated\n");
    setenv("JOURNAL_STREAM", "8:1", 1);
    fb_log_init("forbear-test", FB_LOG_INFO);
    assert_string_equal(logged(log_one), "<6>held queue_id=4jbs rule=heated\n");
    unsetenv("JOURNAL_STREAM");
}

static void the_level_says_what_is_logged(void **state)
{
    (void)state;
    fb_log_init("t", FB_LOG_INFO);
    assert_string_equal(logged(log_verbose), "");
    fb_log_level(FB_LOG_VERBOSE);
    assert_string_equal(logged(log_verbose), "t: not_judged why=bulk\n");
    fb_log_level(FB_LOG_ERROR);
    assert_string_equal(logged(log_one), "");
}

static void nobody_can_forge_a_line(void **state)
{
    (void)state;
    fb_log_init("t", FB_LOG_INFO);
    assert_string_equal(logged(log_forged), "t: bad x=\"a\\x0a<3>forged\\x22\" y=raw?line\n");
}

static void a_line_has_an_end(void **state)
{
    (void)state;
    fb_log_init("t", FB_LOG_INFO);
    const char *line = logged(log_long);
    assert_int_equal(strlen(line), 4095);
    assert_int_equal(line[4094], '\n');
}

static void quoting_keeps_what_is_printable(void **state)
{
    (void)state;
    assert_string_equal(fb_log_quote(FB_STR("caf\xc3\xa9 \xe2\x82\xac")), "\"caf\xc3\xa9 \xe2\x82\xac\"");
    assert_string_equal(fb_log_quote(FB_STR("\xe9\x00\\\x1b\x7f")), "\"\\xe9\\x00\\x5c\\x1b\\x7f\"");
    assert_string_equal(fb_log_quote(FB_STR("\xc2\x9b")), "\"\\xc2\\x9b\""); /* a control character of C1 */
    assert_string_equal(fb_log_quote(FB_STR_NONE), "\"\"");
}

static void a_long_value_is_cut_and_says_so(void **state)
{
    (void)state;
    char text[300];
    memset(text, '\1', sizeof text);
    const char *q = fb_log_quote((struct fb_str){text, sizeof text});
    assert_true(strlen(q) <= 210);
    assert_string_equal(q + strlen(q) - 8, "\\x01...\"");
}

static void eight_values_fit_in_one_line(void **state)
{
    (void)state;
    const char *first = fb_log_quote(FB_STR("1"));
    for (int i = 2; i <= 8; i++)
        fb_log_quote(FB_STR("x"));
    assert_string_equal(first, "\"1\"");
}

static void a_socket_is_made_with_its_mode(void **state)
{
    (void)state;
    struct fb_err err = {""};
    struct stat st;
    FB_FD fd = -1, client = -1;
    assert_int_equal(fb_unix_listen(path, 0660, NULL, &fd, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(fb_unix_connect(path, 1000, &client, &err), 0);
    uid_t uid = (uid_t)-1;
    assert_int_equal(fb_unix_peer(client, &uid, &err), 0);
    assert_int_equal(uid, getuid());
}

static void only_a_dead_socket_is_replaced(void **state)
{
    (void)state;
    struct fb_err err = {""};
    int fd = -1, second = -1;
    assert_int_equal(fb_unix_listen(path, 0600, NULL, &fd, &err), 0); /* over what the last test left */
    assert_true(fb_unix_listen(path, 0600, NULL, &second, &err) < 0);
    assert_non_null(strstr(err.text, "something listens at"));
    close(fd);
    assert_int_equal(fb_unix_listen(path, 0600, NULL, &second, &err), 0);
    close(second);
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    assert_true(fb_unix_listen(path, 0600, NULL, &fd, &err) < 0);
    assert_non_null(strstr(err.text, "is no socket"));
}

static void a_path_that_no_socket_can_have_is_refused(void **state)
{
    (void)state;
    struct fb_err err = {""};
    char deep[200];
    int fd = -1;
    memset(deep, '/', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    assert_true(fb_unix_listen(deep, 0600, NULL, &fd, &err) < 0);
    assert_true(fb_unix_listen("", 0600, NULL, &fd, &err) < 0);
    assert_true(fb_unix_connect(deep, 10, &fd, &err) < 0);
    unlink(path);
    assert_true(fb_unix_listen(path, 0600, "no-such-group", &fd, &err) < 0);
    assert_non_null(strstr(err.text, "there is no group no-such-group"));
}

static void a_tcp_address_is_host_and_port(void **state)
{
    (void)state;
    static const char *const bad[] = {"127.0.0.1", ":80", "127.0.0.1:", "", "[::1]"};
    struct fb_err err = {""};
    FB_FD fd = -1;
    int other = -1;
    assert_int_equal(fb_tcp_listen("127.0.0.1:0", &fd, &err), 0);
    struct sockaddr_in at = {0};
    socklen_t n = sizeof at;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    assert_int_equal(ntohl(at.sin_addr.s_addr), INADDR_LOOPBACK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_true(fb_tcp_listen(bad[i], &other, &err) < 0);
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", ntohs(at.sin_port));
    assert_true(fb_tcp_listen(taken, &other, &err) < 0);
    assert_non_null(strstr(err.text, taken));
}

static void sockets_are_handed_over_to_this_process_alone(void **state)
{
    (void)state;
    struct fb_err err = {""};
    char pid[16];
    int fd = 0;
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    unsetenv("LISTEN_FDS");
    assert_int_equal(fb_listen_handed(1, &fd, &err), 0);
    assert_int_equal(fd, -1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", "1", 1);
    assert_int_equal(fb_listen_handed(1, &fd, &err), 0);
    assert_int_equal(fd, -1);
    setenv("LISTEN_PID", pid, 1);
    assert_true(fb_listen_handed(1, &fd, &err) < 0);
    unsetenv("LISTEN_FDS");
}

static void a_signal_is_read_and_kills_nobody(void **state)
{
    (void)state;
    struct fb_err err = {""};
    struct signalfd_siginfo got;
    FB_FD fd = -1;
    assert_int_equal(fb_signals_open(&fd, &err), 0);
    raise(SIGTERM);
    assert_int_equal(read(fd, &got, sizeof got), sizeof got);
    assert_int_equal(got.ssi_signo, SIGTERM);
}

static void readiness_is_told(void **state)
{
    (void)state;
    struct fb_err err = {""};
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    char got[16] = "", name[64];
    FB_FD fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr family = {.sa_family = AF_UNIX}; /* the kernel picks an abstract name: unix(7), autobind */
    assert_int_equal(bind(fd, &family, sizeof family.sa_family), 0);
    assert_int_equal(fb_socket_timeout(fd, 2000, &err), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    size_t length = n - sizeof family.sa_family;
    memcpy(name, (const char *)&at + sizeof family.sa_family, length);
    name[0] = '@';
    name[length] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    fb_notify_ready();
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(recv(fd, got, sizeof got, 0), 7);
    assert_string_equal(got, "READY=1");
    fb_notify_ready();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_an_event_and_its_values),
        cmocka_unit_test(the_level_says_what_is_logged),
        cmocka_unit_test(nobody_can_forge_a_line),
        cmocka_unit_test(a_line_has_an_end),
        cmocka_unit_test(quoting_keeps_what_is_printable),
        cmocka_unit_test(a_long_value_is_cut_and_says_so),
        cmocka_unit_test(eight_values_fit_in_one_line),
        cmocka_unit_test(a_socket_is_made_with_its_mode),
        cmocka_unit_test(only_a_dead_socket_is_replaced),
        cmocka_unit_test(a_path_that_no_socket_can_have_is_refused),
        cmocka_unit_test(a_tcp_address_is_host_and_port),
        cmocka_unit_test(sockets_are_handed_over_to_this_process_alone),
        cmocka_unit_test(a_signal_is_read_and_kills_nobody),
        cmocka_unit_test(readiness_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
