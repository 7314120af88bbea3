/* The desk. Decides whether a visitor may see a hold and decide about it, by the token alone. A token that is bad, foreign or expired and
 * a hold that is not there are refused alike. It records decisions; it never carries them out.
 *
 * One request a connection, at most DESK_MAX connections, each for at most DESK_MS: the oldest gives way to a new one. A
 * request is read only once all of it has come in, so that a slow visitor holds up nobody.
 *
 * DIAGNOSTICS: logs decided (queue id, rule, by whom); refused, at verbose level, with the reason; desk_store_away. */
#include "desk.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/io.h"
#include "crash.h"
#include "daemon/daemon.h"
#include "daemon/log.h"

enum { DESK_MAX = 64, DESK_MS = 5000, REQUEST_MAX = 1024, DESK_ARENA = 1 << 20 };

/* --- one request --- */

static struct fb_str reply(struct fb_arena *arena, enum fb_desk_outcome outcome, const struct fb_hold *h)
{
    struct fb_desk_view view = {.sealed = FB_STR_NONE};
    if (h)
        view = (struct fb_desk_view){.state = (uint8_t)h->state, .created_s = h->created_s, .deadline_s = h->deadline_s,
                                     .changed_s = h->changed_s, .sealed = h->sealed, .opens_s = h->opens_s, .wrong = h->wrong,
                                     .talked = h->action == FB_DESK_TALKED, .language = h->language};
    return fb_desk_reply_encode(arena, outcome, &view);
}

static struct fb_str refuse(struct fb_arena *arena, const char *why)
{
    fb_log(FB_LOG_VERBOSE, "refused", "reason=%s", fb_log_quote(fb_str(why)));
    return reply(arena, FB_DESK_REFUSED, NULL);
}

/* A connection that failed is not used again. */
static struct fb_str busy(struct fb_desk *d, struct fb_arena *arena, const struct fb_err *err)
{
    fb_log(FB_LOG_ERROR, "desk_store_away", "reason=%s", fb_log_quote(fb_str(err->text)));
    fb_store_close(d->store);
    d->store = NULL;
    return reply(arena, FB_DESK_BUSY, NULL);
}

static int get(struct fb_desk *d, struct fb_hold_id id, struct fb_arena *arena, struct fb_hold *ret, struct fb_err *err)
{
    if (!d->store) {
        int rc = fb_store_open(d->k->conf->forbear_state_dir, FB_STORE_BUSY_MS, &d->store, err);
        if (rc) /* a damaged one is the work's to set aside */
            return rc < 0 ? rc : fb_fail(err, "the store is damaged");
    }
    return fb_store_get(d->store, id, arena, ret, err);
}

/* The visitor's key, sealed to ourselves until the draft is made; empty where it does not open the page. */
static struct fb_str key_to_keep(const struct fb_desk *d, const struct fb_desk_request *req, const struct fb_hold *hold, struct fb_arena *arena)
{
    struct fb_str plain, box = {NULL, 0};
    if (req->key.n == FB_PAGE_KEY && fb_page_open(arena, (const uint8_t *)req->key.p, hold->sealed, &plain, NULL) == 0)
        box = fb_box_seal(arena, d->k->box_public, req->key);
    return box.p ? box : FB_STR_NONE;
}

static const char *why_of(const struct fb_desk_request *req, const char *by, struct fb_arena *arena)
{
    static const char *const sentences[] = {[FB_DESK_RELEASE] = "release was decided", [FB_DESK_WITHDRAW] = "withdrawal was decided",
                                            [FB_DESK_TALKED] = "they have talked; release was decided"};
    if (req->why.n && strncmp(by, "admin:", 6) == 0) /* a reason is an admin's to give */
        return fb_arena_dup(arena, req->why).p;
    return sentences[req->action];
}

static struct fb_str decide(struct fb_desk *d, const struct fb_desk_request *req, const struct fb_hold *hold, const char *by, int64_t now_s,
                            struct fb_arena *arena)
{
    static const char *const names[] = {[FB_DESK_RELEASE] = "release", [FB_DESK_WITHDRAW] = "withdraw", [FB_DESK_TALKED] = "talked"};
    struct fb_err err;
    struct fb_hold after;
    const char *why = why_of(req, by, arena);
    if (!why || hold->state == FB_STATE_pending) /* the MTA has not been seen to hold it yet */
        return reply(arena, FB_DESK_BUSY, NULL);
    int rc = fb_store_decide(d->store, hold->id, (int)req->action, req->token, key_to_keep(d, req, hold, arena), now_s, by, why, &err);
    if (rc < 0 || get(d, hold->id, arena, &after, &err))
        return busy(d, arena, &err);
    if (rc)
        return reply(arena, FB_DESK_CLOSED, &after);
    FB_CRASH_POINT("decided");
    fb_log(FB_LOG_INFO, "decided", "queue_id=%s rule=%s action=%s by=%s", hold->queue_id.p, hold->rule.p, names[req->action],
           fb_log_quote(fb_str(by)));
    fb_keeper_ring(d->k->wake_fd);
    return reply(arena, FB_DESK_DONE, &after);
}

/* Counted, and nothing else: neither log nor event says which hold it was. */
static struct fb_str wrong(struct fb_desk *d, const struct fb_hold *hold, int64_t now_s, struct fb_arena *arena)
{
    struct fb_err err;
    struct fb_hold after;
    int rc = fb_store_wrong(d->store, hold->id, now_s, &err);
    if (rc < 0 || get(d, hold->id, arena, &after, &err))
        return busy(d, arena, &err);
    return reply(arena, rc ? FB_DESK_CLOSED : FB_DESK_DONE, &after);
}

static struct fb_str act(struct fb_desk *d, const struct fb_desk_request *req, const struct fb_hold *hold, int64_t now_s, struct fb_arena *arena)
{
    struct fb_err err;
    const char *by;
    int rc = fb_keeper_allows(d->k, hold, req->token, (int)req->action, now_s, arena, &by, &err);
    if (rc < 0)
        return refuse(arena, err.text);
    if (req->action == FB_DESK_WRONG)
        return wrong(d, hold, now_s, arena);
    if (rc == FB_KEEPER_EARLY && (hold->state == FB_STATE_held || hold->state == FB_STATE_pending))
        return reply(arena, FB_DESK_EARLY, hold);
    return decide(d, req, hold, by, now_s, arena);
}

/* Any good token shows its hold; what it allows beside that is asked when it wants it. */
struct fb_str fb_desk_answer(struct fb_desk *d, struct fb_str frame, int64_t now_s, struct fb_arena *arena)
{
    struct fb_err err;
    struct fb_desk_request req;
    struct fb_token token;
    struct fb_hold hold;
    if (fb_desk_request_decode(frame, &req, &err) ||
        fb_token_verify(d->k->verifier, req.token, fb_str(d->k->conf->forbear_node), now_s, arena, &token, &err))
        return refuse(arena, err.text);
    int rc = get(d, token.hold, arena, &hold, &err);
    if (rc < 0)
        return busy(d, arena, &err);
    if (rc == FB_STORE_NONE)
        return refuse(arena, "no such hold");
    return req.op == FB_DESK_SHOW ? reply(arena, FB_DESK_DONE, &hold) : act(d, &req, &hold, now_s, arena);
}

/* --- connections --- */

struct visitor {
    int fd; /* -1: free */
    int64_t since_ms;
};

struct room {
    struct fb_desk *desk;
    int epoll_fd;
    struct visitor v[DESK_MAX];
};

static void leave(struct visitor *v)
{
    close(v->fd); /* which takes it out of the epoll set */
    v->fd = -1;
}

static void serve(struct room *r, struct visitor *v)
{
    FB_ARENA arena = fb_arena_new(DESK_ARENA);
    struct fb_err err;
    struct fb_str frame;
    if (arena && fb_frame_recv(v->fd, arena, &frame, &err) == 0) {
        pthread_mutex_lock(&r->desk->k->lock);
        struct fb_str answer = fb_desk_answer(r->desk, frame, fb_now_s(), arena);
        pthread_mutex_unlock(&r->desk->k->lock);
        if (answer.p && fb_frame_send(v->fd, answer, &err))
            fb_log(FB_LOG_VERBOSE, "visitor_gone", "reason=%s", fb_log_quote(fb_str(err.text)));
    }
    leave(v);
}

/* Has all of the frame come in? -1: it never will. */
static int is_whole(int fd)
{
    uint8_t head[4];
    int there;
    ssize_t n = recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    if (n < (ssize_t)sizeof head)
        return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ? -1 : 0;
    uint32_t size = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    if (size > REQUEST_MAX || ioctl(fd, FIONREAD, &there) < 0)
        return -1;
    return (size_t)there >= sizeof head + size;
}

static void hear(struct room *r, struct visitor *v, uint32_t events)
{
    int whole = is_whole(v->fd);
    if (whole > 0)
        serve(r, v);
    else if (whole < 0 || events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR))
        leave(v);
}

static struct visitor *oldest(struct room *r)
{
    struct visitor *old = &r->v[0];
    for (size_t i = 0; i < DESK_MAX; i++) {
        if (r->v[i].fd < 0)
            return &r->v[i];
        if (r->v[i].since_ms < old->since_ms)
            old = &r->v[i];
    }
    return old;
}

static void welcome(struct room *r)
{
    int fd = accept4(r->desk->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct visitor *v = oldest(r);
    if (v->fd >= 0)
        leave(v);
    *v = (struct visitor){fd, fb_clock_ms()};
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = v};
    if (fb_socket_timeout(fd, DESK_MS, NULL) || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
        leave(v);
}

/* Sends those away whose time is over. How long until the next one's is: -1 where nobody is there. */
static int clear(struct room *r, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < DESK_MAX; i++) {
        if (r->v[i].fd < 0)
            continue;
        int64_t left = r->v[i].since_ms + DESK_MS - now_ms;
        if (left <= 0)
            leave(&r->v[i]);
        else if (left < next)
            next = left;
    }
    return next == INT64_MAX ? -1 : (int)next;
}

static int open_room(struct room *r, struct fb_desk *d)
{
    *r = (struct room){.desk = d, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    for (size_t i = 0; i < DESK_MAX; i++)
        r->v[i].fd = -1;
    struct epoll_event in = {.events = EPOLLIN, .data.ptr = r}, stop = {.events = EPOLLIN, .data.ptr = NULL};
    if (r->epoll_fd < 0 || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, d->listen_fd, &in) < 0)
        return -1;
    return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, d->k->stop_fd, &stop);
}

static void close_room(struct room *r)
{
    for (size_t i = 0; i < DESK_MAX; i++)
        if (r->v[i].fd >= 0)
            leave(&r->v[i]);
    fb_fd_cleanup(&r->epoll_fd);
    fb_store_close(r->desk->store);
}

/* One event at a time, so that none is of a visitor who was sent away meanwhile. */
void *fb_desk_run(void *arg)
{
    struct room r;
    struct epoll_event e;
    bool stop = open_room(&r, arg) < 0;
    if (stop)
        fb_log(FB_LOG_ERROR, "desk_closed", "reason=%s", "\"no epoll\"");
    while (!stop) {
        int n = epoll_wait(r.epoll_fd, &e, 1, clear(&r, fb_clock_ms()));
        if (n == 1 && e.data.ptr == &r)
            welcome(&r);
        else if (n == 1 && e.data.ptr)
            hear(&r, e.data.ptr, e.events);
        else
            stop = n == 1 || (n < 0 && errno != EINTR);
    }
    close_room(&r);
    return NULL;
}
