/* The server as a whole, libmicrohttpd included: the bytes are sent to it on a connection of their own, with enough behind
 * them to end any header and fill any body, and all that it answers is read. Every answer of ours has our header fields,
 * and nothing is decided but by a POST that has the token of the path in its body. */
#include "fuzz.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "hold/seal.h"
#include "web/server.h"

static struct web_site site;
static struct fb_arena *site_arena;
enum { PATIENCE_MS = 200 };

static struct web_server *server;
static atomic_int decided;
static char path[64];

/* Every token is good: what the server makes of them is what is tried here. */
static int verify(void *arg, struct fb_str token, int64_t now_s, struct fb_arena *arena, struct fb_err *err)
{
    (void)arg, (void)token, (void)now_s, (void)arena, (void)err;
    return 0;
}

static int call(void *arg, struct fb_arena *arena, const struct fb_desk_request *req, enum fb_desk_outcome *ret,
                struct fb_desk_view *ret_view, struct fb_err *err)
{
    (void)arg, (void)arena, (void)err;
    atomic_fetch_add(&decided, req->op == FB_DESK_DECIDE);
    *ret = FB_DESK_DONE;
    *ret_view = (struct fb_desk_view){.state = FB_STATE_held, .sealed = FB_STR("sealed with something else, surely")};
    return 0;
}

static void remove_socket(void)
{
    unlink(path);
}

static void server_start(void)
{
    static const struct web_desk desk = {verify, call, NULL};
    struct fb_err err;
    struct fb_conf *conf;
    int fd;
    fb_log_init("fuzz", FB_LOG_ERROR);
    FUZZ_CHECK(snprintf(path, sizeof path, "/tmp/fuzz-server-%d.sock", (int)getpid()) > 0);
    site_arena = fb_arena_new(4 << 20);
    FUZZ_CHECK(web_site_open("https://f.example/p", false, CONF_DIR, "en", site_arena, &site, &err) == 0);
    FUZZ_CHECK(fb_crypto_init(&err) == 0 && fb_conf_load(NULL, &conf, &err) == 0 && fb_unix_listen(path, 0600, NULL, &fd, &err) == 0);
    conf->web_rate_hold = 0;
    conf->web_timeout = 0; /* whatever is there when it reaps is too old */
    FUZZ_CHECK(web_server_open(fd, conf, NULL, &site, &desk, &server, &err) == 0);
    atexit(remove_socket);
}

static bool send_all(int fd, const uint8_t *p, size_t n)
{
    for (ssize_t sent; n && (sent = send(fd, p, n, MSG_NOSIGNAL)) > 0; p += sent)
        n -= (size_t)sent;
    return n == 0;
}

/* All that is answered; what is longer than @room is read and left out. The server may answer and close before it has
 * read all. One that is left waiting for more is cut off, as the program would after a while. */
static size_t exchange(const uint8_t *data, size_t n, char *answer, size_t room)
{
    static const uint8_t end[] = "\r\n\r\n", fill[WEB_BODY_MAX];
    char rest[4096];
    size_t got = 0;
    struct fb_err err;
    FB_FD fd = -1;
    FUZZ_CHECK(fb_unix_connect(path, 10000, &fd, &err) == 0);
    if (send_all(fd, data, n) && send_all(fd, end, sizeof end - 1) && send_all(fd, fill, sizeof fill) && send_all(fd, end, sizeof end - 1))
        shutdown(fd, SHUT_WR);
    if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PATIENCE_MS) == 0)
        web_server_reap(server);
    for (ssize_t more; (more = got < room ? read(fd, answer + got, room - got) : read(fd, rest, sizeof rest)) > 0;)
        got += got < room ? (size_t)more : 0;
    return got;
}

static bool has(const char *answer, size_t n, const char *what)
{
    return memmem(answer, n, what, strlen(what)) != NULL;
}

/* What it refuses itself has none of our fields, and a fixed text where it has any. */
static bool refused_by_libmicrohttpd(const char *answer, size_t n)
{
    return answer[9] >= '4' && !has(answer, n, "\r\nContent-Type:") && !has(answer, n, "\r\nLocation:");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char answer[16384];
    if (!site_arena)
        server_start();
    int before = atomic_load(&decided);
    size_t got = exchange(data, n, answer, sizeof answer);
    bool acted = atomic_load(&decided) != before;
    FUZZ_CHECK(got == 0 || (got > 12 && memcmp(answer, "HTTP/1.", 7) == 0));
    FUZZ_CHECK(!acted || (n > 5 && memcmp(data, "POST ", 5) == 0 && has((const char *)data, n, "token")));
    FUZZ_CHECK(got == 0 || has(answer, got, "Content-Security-Policy: ") || refused_by_libmicrohttpd(answer, got));
    return 0;
}
