/* The server: hands requests of libmicrohttpd to web_answer and its answers back. Everything has a bound: connections,
 * memory for each, bytes of header and body, seconds. A connection carries one request and lives no longer than the
 * timeout, so that nobody can hold the page by being slow. It must never log a path: libmicrohttpd's own log, which
 * would, stays off.
 *
 * DIAGNOSTICS: an answer of 500 or more is logged as an error with its reason, every other one at verbose level. */
#include "web/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

enum {
    THREADS = 8,                   /* each may wait for the keeper */
    CONNECTION_MEMORY = 32 * 1024, /* header fields; a company's cookies may come along */
    ANSWER_MEMORY = 4 << 20,       /* sealed facts, opened, as JSON and as a page */
};

struct connection {
    TAILQ_ENTRY(connection) entry;
    int fd;
    int64_t since_ms;
};

struct web_server {
    struct MHD_Daemon *daemon;
    const struct web_site *site;
    const struct web_desk *desk;
    int64_t timeout_ms;
    pthread_mutex_t lock; /* of the list */
    TAILQ_HEAD(, connection) connections; /* the oldest first */
};

struct request {
    size_t n;
    bool too_large;
    char body[WEB_BODY_MAX];
};

static struct fb_str header(struct MHD_Connection *c, const char *name)
{
    const char *v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    return v ? fb_str(v) : (struct fb_str){NULL, 0};
}

static void add_headers(struct MHD_Response *r, const struct web_site *site, const struct web_answer *a)
{
    char seconds[16];
    for (const struct web_header *h = WEB_HEADERS; h->name; h++)
        MHD_add_response_header(r, h->name, h->value);
    if (site->https)
        MHD_add_response_header(r, WEB_HEADER_HTTPS.name, WEB_HEADER_HTTPS.value);
    MHD_add_response_header(r, "Content-Type", a->content_type);
    MHD_add_response_header(r, "Connection", "close");
    if (a->allow)
        MHD_add_response_header(r, "Allow", a->allow);
    if (a->location.n)
        MHD_add_response_header(r, "Location", a->location.p);
    if (a->retry_after_s && snprintf(seconds, sizeof seconds, "%u", a->retry_after_s) > 0)
        MHD_add_response_header(r, "Retry-After", seconds);
}

static enum MHD_Result send_answer(struct MHD_Connection *c, const struct web_site *site, const struct web_answer *a)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(a->body.n, (void *)a->body.p, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    add_headers(r, site, a);
    enum MHD_Result rc = MHD_queue_response(c, a->status, r);
    MHD_destroy_response(r);
    return rc;
}

static void log_answer(const struct web_answer *a, const char *method, int64_t ms)
{
    if (a->status >= 500)
        fb_log(FB_LOG_ERROR, "answer_failed", "route=%s status=%u error=%s", a->route, a->status, fb_log_quote(fb_str(a->fault.text)));
    else
        fb_log(FB_LOG_VERBOSE, "answered", "route=%s method=%s status=%u ms=%lld", a->route, fb_log_quote(fb_str(method)), a->status, (long long)ms);
}

static enum MHD_Result answer(struct web_server *s, struct MHD_Connection *c, const char *url, const char *method, const struct request *r)
{
    int64_t from_ms = fb_clock_ms();
    struct web_answer a;
    FB_ARENA arena = fb_arena_new(ANSWER_MEMORY);
    if (!arena)
        return MHD_NO;
    struct web_request req = {
        .method = fb_str(method), .path = fb_str(url),
        .content_type = header(c, "Content-Type"), .origin = header(c, "Origin"), .fetch_site = header(c, "Sec-Fetch-Site"),
        .body = {r->body, r->n}, .body_too_large = r->too_large, .now_s = fb_now_s(),
    };
    web_answer(s->site, s->desk, &req, arena, &a);
    log_answer(&a, method, fb_clock_ms() - from_ms);
    return send_answer(c, s->site, &a);
}

static void collect(struct request *r, const char *p, size_t n)
{
    if (n > sizeof r->body - r->n) {
        r->too_large = true;
        return;
    }
    memcpy(r->body + r->n, p, n);
    r->n += n;
}

static bool body_declared_too_large(struct MHD_Connection *c)
{
    struct fb_str length = header(c, "Content-Length");
    int64_t n;
    return length.p && !fb_str_int(length, 0, WEB_BODY_MAX, &n);
}

/* Called with the header, then for each part of the body, then once more. A body that says it is too large is answered
 * without being read. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                                  const char *data, size_t *data_n, void **slot)
{
    struct request *r = *slot;
    (void)version;
    if (!r) {
        *slot = r = calloc(1, sizeof *r);
        if (!r)
            return MHD_NO;
        r->too_large = body_declared_too_large(c);
        return r->too_large ? answer(arg, c, url, method, r) : MHD_YES;
    }
    if (*data_n) {
        collect(r, data, *data_n);
        *data_n = 0;
        return MHD_YES;
    }
    return answer(arg, c, url, method, r);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **slot, enum MHD_RequestTerminationCode why)
{
    (void)arg, (void)c, (void)why;
    free(*slot);
    *slot = NULL;
}

/* Links hold nothing to decode; what has a '%' in it is no path of ours. */
static size_t on_unescape(void *arg, struct MHD_Connection *c, char *s)
{
    (void)arg, (void)c;
    return strlen(s);
}

static void connection_add(struct web_server *s, struct MHD_Connection *c, void **slot)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *new = info ? malloc(sizeof *new) : NULL;
    *slot = new;
    if (!new)
        return;
    *new = (struct connection){.fd = info->connect_fd, .since_ms = fb_clock_ms()};
    TAILQ_INSERT_TAIL(&s->connections, new, entry);
}

static void connection_remove(struct web_server *s, void **slot)
{
    struct connection *old = *slot;
    if (old)
        TAILQ_REMOVE(&s->connections, old, entry);
    free(old);
    *slot = NULL;
}

/* libmicrohttpd closes the descriptor after this call has said that the connection ends: what is in the list is open. */
static void on_connection(void *arg, struct MHD_Connection *c, void **slot, enum MHD_ConnectionNotificationCode what)
{
    struct web_server *s = arg;
    pthread_mutex_lock(&s->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        connection_add(s, c, slot);
    else
        connection_remove(s, slot);
    pthread_mutex_unlock(&s->lock);
}

void web_server_reap(struct web_server *s)
{
    int64_t before_ms = fb_clock_ms() - s->timeout_ms;
    struct connection *c;
    pthread_mutex_lock(&s->lock);
    TAILQ_FOREACH(c, &s->connections, entry) {
        if (c->since_ms > before_ms)
            break;
        shutdown(c->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&s->lock);
}

int web_server_open(int listen_fd, unsigned connections, unsigned timeout_s, const struct web_site *site, const struct web_desk *desk,
                    struct web_server **ret, struct fb_err *err)
{
    struct web_server *s = calloc(1, sizeof *s);
    if (!s)
        return fb_fail_memory(err);
    *s = (struct web_server){.site = site, .desk = desk, .timeout_ms = (int64_t)timeout_s * 1000, .lock = PTHREAD_MUTEX_INITIALIZER};
    TAILQ_INIT(&s->connections);
    s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, s,
                                 MHD_OPTION_LISTEN_SOCKET, listen_fd,
                                 MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
                                 MHD_OPTION_CONNECTION_LIMIT, connections,
                                 MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                                 MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                                 MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
                                 MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                 MHD_OPTION_END);
    if (!s->daemon) {
        free(s);
        return fb_fail_errno(err, "libmicrohttpd does not start");
    }
    *ret = s;
    return 0;
}

/* The listening socket may be the service manager's as well, and MHD_stop_daemon would shut it down for both: it is taken
 * away first (for which it must have been started with MHD_USE_ITC). */
void web_server_close(struct web_server *s)
{
    if (!s)
        return;
    int fd = MHD_quiesce_daemon(s->daemon);
    MHD_stop_daemon(s->daemon);
    if (fd >= 0)
        close(fd);
    free(s);
}
