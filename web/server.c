/* The server: hands requests of libmicrohttpd to web_answer and its answers back. Everything has a bound: connections,
 * memory for each, bytes of header and body, seconds, requests a minute. A connection carries one request and lives no
 * longer than the timeout; when all connections are in use the oldest makes room, so that nobody can keep others out by
 * being slow, or many. It must never log a path: libmicrohttpd's own log, which would, stays off.
 *
 * DIAGNOSTICS: an answer of 500 or more is logged as an error with its reason, every other one at verbose level. What
 * libmicrohttpd refuses by itself (no HTTP, no Host, a header that is too large) is not heard of here: it has no hook for
 * that. Those answers are fixed texts that repeat nothing of the request, without the fields that ours have. */
#include "web/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "web/peer.h"
#include "web/rate.h"

enum {
    THREADS = 8,                   /* each may wait for the keeper */
    CONNECTION_MEMORY = 32 * 1024, /* header fields; a company's cookies may come along */
    ANSWER_MEMORY = 4 << 20,       /* sealed facts, opened, as JSON and as a page */
    ADDRESS_SHARE = 8,             /* so much of them an address may have where there is no proxy */
    DRAIN_MS = 2000, DRAIN_STEP_US = 10000,
};
static const char TLS_PRIORITIES[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct connection {
    TAILQ_ENTRY(connection) entry;
    int fd;
    int64_t since_ms;
    bool at_work; /* is being answered: others may wait so long */
    bool cut;     /* no longer in the list */
};

struct web_server {
    struct MHD_Daemon *daemon;
    const struct fb_conf *conf;
    const struct web_site *site;
    const struct web_desk *desk;
    atomic_uint requests; /* begun and not ended */
    pthread_mutex_t lock; /* of all below */
    TAILQ_HEAD(, connection) connections; /* the oldest first */
    unsigned connections_n;
    struct web_rate addresses, holds;
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

static bool add_headers(struct MHD_Response *r, const struct web_site *site, const struct web_answer *a)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", a->retry_after_s);
    const struct web_header more[] = {
        {"Content-Type", a->content_type},
        {"Connection", "close"},
        {"Allow", a->allow},
        {"Location", a->location.n ? a->location.p : NULL},
        {"Retry-After", a->retry_after_s ? seconds : NULL},
        {WEB_HEADER_HTTPS.name, site->https ? WEB_HEADER_HTTPS.value : NULL},
    };
    bool good = true;
    for (const struct web_header *h = WEB_HEADERS; h->name; h++)
        good = good && MHD_add_response_header(r, h->name, h->value) == MHD_YES;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        good = good && (!more[i].value || MHD_add_response_header(r, more[i].name, more[i].value) == MHD_YES);
    return good;
}

/* With all of its header fields, or not at all: then the connection is closed. */
static enum MHD_Result send_answer(struct MHD_Connection *c, const struct web_site *site, const struct web_answer *a)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(a->body.n, (void *)a->body.p, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    enum MHD_Result rc = add_headers(r, site, a) ? MHD_queue_response(c, a->status, r) : MHD_NO;
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

struct fields {
    const char *name;
    struct fb_buf all;
};

static enum MHD_Result fields_add(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct fields *f = arg;
    (void)kind;
    if (value && fb_str_ieq(fb_str(name), fb_str(f->name))) {
        fb_buf_add(&f->all, FB_STR(","));
        fb_buf_add(&f->all, fb_str(value));
    }
    return MHD_YES;
}

/* Every field of that name as one list, which is what they stand for (RFC 9110, 5.3). */
static struct fb_str header_list(struct MHD_Connection *c, const char *name, struct fb_arena *arena)
{
    struct fields f = {name, FB_BUF(arena)};
    MHD_get_connection_values(c, MHD_HEADER_KIND, fields_add, &f);
    return fb_buf_str(&f.all);
}

/* False where it is not told, by a proxy of ours or by a socket that has no addresses. */
static bool client_of(const struct web_server *s, struct MHD_Connection *c, struct fb_arena *arena, uint8_t ret[16])
{
    uint8_t peer[16];
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info && web_peer_address(info->client_addr, peer) &&
           web_peer_client(&s->conf->web_proxies, peer, header_list(c, "X-Forwarded-For", arena), ret);
}

/* The token of a hold's page, whatever key is behind it: the last part of the path up to its last dot. */
static struct fb_str token_of(struct fb_str url)
{
    const char *slash = memrchr(url.p, '/', url.n), *dot = memrchr(url.p, '.', url.n);
    return slash && dot > slash ? (struct fb_str){slash + 1, (size_t)(dot - slash) - 1} : FB_STR_NONE;
}

/* 0, or in how many seconds this request may be made. */
static unsigned too_many(struct web_server *s, struct MHD_Connection *c, struct fb_str url, struct fb_arena *arena)
{
    uint8_t client[16];
    struct fb_str token = token_of(url);
    int64_t now_us = fb_clock_ms() * 1000;
    bool known = client_of(s, c, arena, client);
    pthread_mutex_lock(&s->lock);
    unsigned wait_s = known ? web_rate_take(&s->addresses, web_peer_subscriber(client), now_us) : 0;
    if (!wait_s && token.n)
        wait_s = web_rate_take(&s->holds, token, now_us);
    pthread_mutex_unlock(&s->lock);
    return wait_s;
}

static struct connection *connection_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void set_at_work(struct web_server *s, struct MHD_Connection *c, bool at_work)
{
    struct connection *own = connection_of(c);
    pthread_mutex_lock(&s->lock);
    if (own)
        own->at_work = at_work;
    pthread_mutex_unlock(&s->lock);
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
        .accept_language = header(c, "Accept-Language"),
        .body = {r->body, r->n}, .body_too_large = r->too_large,
        .wait_s = too_many(s, c, fb_str(url), arena), .now_s = fb_now_s(),
    };
    set_at_work(s, c, true);
    web_answer(s->site, s->desk, &req, arena, &a);
    set_at_work(s, c, false);
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
    struct web_server *s = arg;
    struct request *r = *slot;
    (void)version;
    if (!r) {
        *slot = r = calloc(1, sizeof *r);
        if (!r)
            return MHD_NO;
        atomic_fetch_add(&s->requests, 1);
        r->too_large = body_declared_too_large(c);
        return r->too_large ? answer(s, c, url, method, r) : MHD_YES;
    }
    if (*data_n) {
        collect(r, data, *data_n);
        *data_n = 0;
        return MHD_YES;
    }
    return answer(s, c, url, method, r);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **slot, enum MHD_RequestTerminationCode why)
{
    struct web_server *s = arg;
    (void)c, (void)why;
    if (*slot)
        atomic_fetch_sub(&s->requests, 1);
    free(*slot);
    *slot = NULL;
}

/* Links hold nothing to decode; what has a '%' in it is no path of ours. */
static size_t on_unescape(void *arg, struct MHD_Connection *c, char *s)
{
    (void)arg, (void)c;
    return strlen(s);
}

/* It ends as soon as its thread hears of it. */
static void connection_cut(struct web_server *s, struct connection *c)
{
    shutdown(c->fd, SHUT_RDWR);
    TAILQ_REMOVE(&s->connections, c, entry);
    s->connections_n--;
    c->cut = true;
}

/* A browser's request is whole a moment after it connected; what is old and not whole can be spared first. */
static void make_room(struct web_server *s)
{
    struct connection *c;
    if (s->connections_n < s->conf->web_connections)
        return;
    TAILQ_FOREACH(c, &s->connections, entry)
        if (!c->at_work) {
            connection_cut(s, c);
            return;
        }
}

static void connection_add(struct web_server *s, struct MHD_Connection *c, void **slot)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *new = info ? malloc(sizeof *new) : NULL;
    *slot = new;
    if (!new)
        return;
    *new = (struct connection){.fd = info->connect_fd, .since_ms = fb_clock_ms()};
    make_room(s);
    TAILQ_INSERT_TAIL(&s->connections, new, entry);
    s->connections_n++;
}

static void connection_remove(struct web_server *s, void **slot)
{
    struct connection *old = *slot;
    if (old && !old->cut) {
        TAILQ_REMOVE(&s->connections, old, entry);
        s->connections_n--;
    }
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
    int64_t before_ms = fb_clock_ms() - s->conf->web_timeout * 1000;
    struct connection *c;
    pthread_mutex_lock(&s->lock);
    while ((c = TAILQ_FIRST(&s->connections)) && c->since_ms <= before_ms)
        connection_cut(s, c);
    pthread_mutex_unlock(&s->lock);
}

static struct web_server *server_new(const struct fb_conf *conf, const struct web_site *site, const struct web_desk *desk)
{
    uint8_t key[WEB_RATE_KEY];
    struct web_server *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct web_server){.conf = conf, .site = site, .desk = desk, .lock = PTHREAD_MUTEX_INITIALIZER};
    TAILQ_INIT(&s->connections);
    randombytes_buf(key, sizeof key);
    web_rate_init(&s->addresses, key, (unsigned)conf->web_rate_address);
    web_rate_init(&s->holds, key, (unsigned)conf->web_rate_hold);
    return s;
}

static struct MHD_Daemon *daemon_start(struct web_server *s, int listen_fd, const struct fb_tls *tls)
{
    unsigned connections = (unsigned)s->conf->web_connections;
    struct MHD_OptionItem https[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? (void *)tls->certificate.p : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)tls->key.p : NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, s,
                            MHD_OPTION_LISTEN_SOCKET, listen_fd,
                            MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
                            MHD_OPTION_CONNECTION_LIMIT, connections * THREADS, /* each thread any number: make_room bounds them all */
                            MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->conf->web_proxies.n ? 0 : connections / ADDRESS_SHARE,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->conf->web_timeout,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                            MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_ARRAY, tls ? https : https + 3,
                            MHD_OPTION_END);
}

int web_server_open(int listen_fd, const struct fb_conf *conf, const struct fb_tls *tls, const struct web_site *site, const struct web_desk *desk,
                    struct web_server **ret, struct fb_err *err)
{
    struct web_server *s = server_new(conf, site, desk);
    if (!s)
        return fb_fail_memory(err);
    s->daemon = daemon_start(s, listen_fd, tls);
    if (!s->daemon) {
        free(s);
        return fb_fail_errno(err, "libmicrohttpd does not start");
    }
    *ret = s;
    return 0;
}

/* Who is being answered may hear the end of it. */
static void drain(struct web_server *s)
{
    for (int64_t end_ms = fb_clock_ms() + DRAIN_MS; atomic_load(&s->requests) && fb_clock_ms() < end_ms;)
        usleep(DRAIN_STEP_US);
}

/* The listening socket may be the service manager's as well, and MHD_stop_daemon would shut it down for both: it is taken
 * away first (for which it must have been started with MHD_USE_ITC). */
void web_server_close(struct web_server *s)
{
    if (!s)
        return;
    int fd = MHD_quiesce_daemon(s->daemon);
    drain(s);
    MHD_stop_daemon(s->daemon);
    if (fd >= 0)
        close(fd);
    free(s);
}
