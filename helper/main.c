/* forbear-helper: the only program of forbear that runs as root. It serves one connection, handed over by the service
 * manager, and ends with it. Decides who may ask and which operation a request is; the work is the MTA's table. Must
 * never act on a frame that did not decode whole, nor for anybody but the user it was told and root.
 *
 * DIAGNOSTICS: a fault of the peer is refused with its reason, logged, and ends the connection. Exit codes: daemon.h. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "mta.h"

enum { IDLE_MS = 60000, REQUEST_BYTES = 96 << 20, STATE_BYTES = 1 << 20 };

static const struct mta_ops *const mtas[] = {&mta_postfix};

struct helper {
    const struct mta_ops *ops;
    struct mta *mta;
    int fd;
};

static const char *outcome_name(enum fb_queue_outcome o)
{
    static const char *const names[] = {
        [FB_QUEUE_DONE] = "done", [FB_QUEUE_ABSENT] = "absent", [FB_QUEUE_ELSEWHERE] = "elsewhere",
        [FB_QUEUE_DIFFERENT] = "different", [FB_QUEUE_FAILED] = "failed",
    };
    return names[o];
}

static void log_outcomes(const char *event, const struct fb_queue_request *req, const struct fb_queue_reply *reply)
{
    for (size_t i = 0; i < req->n; i++)
        fb_log(reply->outcome[i] == FB_QUEUE_FAILED ? FB_LOG_ERROR : FB_LOG_INFO, event, "queue_id=%.*s outcome=%s",
               FB_FMT(req->v[i].queue_id), outcome_name(reply->outcome[i]));
}

static int piece_send(void *ctx, struct fb_str piece, struct fb_err *err)
{
    return fb_queue_chunk_send(*(const int *)ctx, FB_QUEUE_DATA, piece, err);
}

static int fetch(struct helper *h, const struct fb_queue_request *req, struct fb_queue_reply *reply, struct fb_arena *arena, struct fb_err *err)
{
    FB_FD file = -1;
    struct fb_err why;
    if (h->ops->message_open(h->mta, req, arena, &reply->outcome[0], &file, err))
        return -1;
    if (fb_frame_send(h->fd, fb_queue_reply_encode(arena, reply), err))
        return -1;
    if (reply->outcome[0] != FB_QUEUE_DONE)
        return 0;
    if (h->ops->message_read(h->mta, file, piece_send, &h->fd, &why) == 0)
        return fb_queue_chunk_send(h->fd, FB_QUEUE_END, FB_STR_NONE, err);
    fb_log(FB_LOG_ERROR, "fetch_failed", "queue_id=%.*s why=%s", FB_FMT(req->v[0].queue_id), fb_log_quote(fb_str(why.text)));
    return fb_queue_chunk_send(h->fd, FB_QUEUE_BROKEN, FB_STR_NONE, err);
}

/* All but FETCH: one reply frame. */
static int answer(struct helper *h, const struct fb_queue_request *req, struct fb_queue_reply *reply, struct fb_arena *arena, struct fb_err *err)
{
    bool release = req->op == FB_QUEUE_RELEASE, look_up = req->op == FB_QUEUE_LOOK_UP;
    int rc = look_up ? h->ops->look_up(h->mta, req, arena, reply, err)
             : release ? h->ops->release(h->mta, req, arena, reply, err)
                       : h->ops->remove(h->mta, req, arena, reply, err);
    if (rc)
        return rc;
    if (!look_up)
        log_outcomes(release ? "release" : "delete", req, reply);
    return fb_frame_send(h->fd, fb_queue_reply_encode(arena, reply), err);
}

static int dispatch(struct helper *h, struct fb_str frame, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_queue_request req;
    if (fb_queue_request_decode(arena, frame, &req, err))
        return -1;
    struct fb_queue_reply reply = {.op = req.op, .n = req.n};
    reply.outcome = fb_arena_array(arena, req.n, sizeof *reply.outcome);
    reply.mail = req.op == FB_QUEUE_LOOK_UP ? fb_arena_array(arena, req.n, sizeof *reply.mail) : NULL;
    if (!reply.outcome || (req.op == FB_QUEUE_LOOK_UP && !reply.mail))
        return fb_fail_memory(err);
    return req.op == FB_QUEUE_FETCH ? fetch(h, &req, &reply, arena, err) : answer(h, &req, &reply, arena, err);
}

/* One request. Outcome FB_IO_END: the peer is done. */
static int serve_one(struct helper *h, struct fb_err *err)
{
    struct fb_str frame;
    FB_ARENA arena = fb_arena_new(REQUEST_BYTES);
    if (!arena)
        return fb_fail_memory(err);
    int rc = fb_frame_recv(h->fd, arena, &frame, err);
    if (rc || dispatch(h, frame, arena, err) == 0)
        return rc;
    FB_ARENA small = fb_arena_new(4096);
    if (small)
        fb_frame_send(h->fd, fb_queue_refusal_encode(small, err->text), NULL);
    return -1;
}

static int serve(struct helper *h, struct fb_err *err)
{
    struct pollfd p = {.fd = h->fd, .events = POLLIN};
    for (;;) {
        int n = poll(&p, 1, IDLE_MS);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? fb_fail_errno(err, "poll") : 0;
        int rc = serve_one(h, err);
        if (rc)
            return rc < 0 ? rc : 0;
    }
}

static int peer_check(int fd, const char *allow_user, struct fb_err *err)
{
    uid_t uid;
    if (fb_unix_peer(fd, &uid, err))
        return -1;
    const struct passwd *pw = getpwnam(allow_user);
    if (!pw)
        return fb_fail(err, "there is no user %s", allow_user);
    return uid == 0 || uid == pw->pw_uid ? 0 : fb_fail(err, "uid %u may not ask", (unsigned)uid);
}

static const struct mta_ops *mta_find(const char *name)
{
    for (size_t i = 0; i < sizeof mtas / sizeof *mtas; i++)
        if (strcmp(mtas[i]->name, name) == 0)
            return mtas[i];
    return NULL;
}

struct options {
    const struct mta_ops *ops;
    const char *allow_user;
    struct mta_options mta;
};

static bool options_read(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"mta", required_argument, NULL, 'm'}, {"allow-user", required_argument, NULL, 'u'}, {"queue-directory", required_argument, NULL, 'q'}, {0}};
    *o = (struct options){.mta.tools = "/usr/sbin"};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'm')
            o->ops = mta_find(optarg);
        else if (c == 'u')
            o->allow_user = optarg;
        else if (c == 'q')
            o->mta.queue_directory = optarg;
        else
            return false;
    }
    return o->ops && o->allow_user && optind == argc;
}

static int connection_take(const char *allow_user, int *ret_fd, struct fb_err *err)
{
    int fd;
    if (fb_listen_handed(1, &fd, err))
        return -1;
    if (fd < 0)
        return fb_fail(err, "no connection was handed over (LISTEN_FDS)");
    *ret_fd = fd;
    return peer_check(fd, allow_user, err) || fb_socket_timeout(fd, IDLE_MS, err) ? -1 : 0;
}

static int helper_run(const struct options *o, struct fb_arena *arena, struct fb_err *err)
{
    struct helper h = {.ops = o->ops};
    if (connection_take(o->allow_user, &h.fd, err) || o->ops->open(&o->mta, arena, &h.mta, err))
        return -1;
    return serve(&h, err);
}

int main(int argc, char **argv)
{
    struct options o;
    struct fb_err err;
    fb_log_init("forbear-helper", FB_LOG_INFO);
    if (!options_read(argc, argv, &o)) {
        fputs("usage: forbear-helper --mta postfix --allow-user USER [--queue-directory DIR]\n", stderr);
        return FB_EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    FB_ARENA arena = fb_arena_new(STATE_BYTES);
    int rc = arena ? helper_run(&o, arena, &err) : fb_fail_memory(&err);
    if (rc)
        fb_log(FB_LOG_ERROR, "connection_failed", "why=%s", fb_log_quote(fb_str(err.text)));
    return rc ? FB_EXIT_FAILED : FB_EXIT_OK;
}
