/* A helper for unit tests: a queue in memory, asked on a UNIX socket as the real one is. */
#ifndef FB_TESTS_FAKE_HELPER_H
#define FB_TESTS_FAKE_HELPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/queue.h"

enum { HELPER_FILES = 1024 };

struct queued {
    char queue_id[FB_QUEUE_ID_MAX + 1];
    _Atomic(enum fb_queue_outcome) is; /* DONE: in hold/; ELSEWHERE; ABSENT */
    const char *_Atomic sender, *_Atomic message_id, *_Atomic message;
    struct fb_str recipients;
    atomic_bool stuck; /* the MTA's tool does nothing with it */
    atomic_uint asked, released, deleted, fetched;
};

struct helper {
    char path[108];
    int fd;
    pthread_t thread;
    pthread_mutex_t lock;
    atomic_size_t n;
    struct queued v[HELPER_FILES];
    atomic_uint calls[FB_QUEUE_DELETE + 1];
    atomic_uint unanswered; /* such a call is done, and the caller never hears of it */
};

static struct queued *helper_file(struct helper *h, struct fb_str queue_id)
{
    for (size_t i = 0; i < h->n; i++)
        if (fb_str_eq(fb_str(h->v[i].queue_id), queue_id))
            return &h->v[i];
    return NULL;
}

static enum fb_queue_outcome helper_act(struct queued *q, enum fb_queue_op op)
{
    if (!q)
        return FB_QUEUE_ABSENT;
    if (q->is != FB_QUEUE_DONE || q->stuck)
        return q->stuck ? FB_QUEUE_FAILED : q->is;
    q->fetched += op == FB_QUEUE_FETCH;
    q->released += op == FB_QUEUE_RELEASE;
    q->deleted += op == FB_QUEUE_DELETE;
    if (op != FB_QUEUE_FETCH)
        q->is = op == FB_QUEUE_RELEASE ? FB_QUEUE_ELSEWHERE : FB_QUEUE_ABSENT;
    return FB_QUEUE_DONE;
}

static void helper_mail(const struct queued *q, struct fb_queue_mail *ret)
{
    *ret = (struct fb_queue_mail){.file = {fb_str(q->queue_id), 7, (int64_t)strlen(q->message), 1}, .sender = fb_str(q->sender),
                                  .message_id = fb_str(q->message_id), .recipients = q->recipients};
}

static void helper_fetched(int fd, struct fb_arena *arena, const struct queued *q)
{
    struct fb_buf b = FB_BUF(arena), end = FB_BUF(arena);
    fb_put_u8(&b, 0);
    fb_put_bytes(&b, fb_str(q->message));
    fb_put_u8(&end, 1);
    fb_put_bytes(&end, FB_STR(""));
    fb_frame_send(fd, fb_buf_str(&b), NULL);
    fb_frame_send(fd, fb_buf_str(&end), NULL);
}

static void helper_answer(struct helper *h, int fd)
{
    FB_ARENA arena = fb_arena_new(16 << 20);
    struct fb_str frame;
    struct fb_queue_request req;
    struct fb_err err;
    if (fb_frame_recv(fd, arena, &frame, &err))
        return;
    if (fb_queue_request_decode(arena, frame, &req, &err)) {
        fb_frame_send(fd, fb_queue_refusal_encode(arena, err.text), &err);
        return;
    }
    struct fb_queue_reply reply = {.op = req.op, .n = req.n, .outcome = fb_arena_array(arena, req.n, sizeof *reply.outcome),
                                   .mail = fb_arena_array(arena, req.n, sizeof *reply.mail)};
    pthread_mutex_lock(&h->lock);
    h->calls[req.op]++;
    for (size_t i = 0; i < req.n; i++) {
        struct queued *q = helper_file(h, req.v[i].queue_id);
        if (q)
            q->asked++;
        reply.outcome[i] = req.op == FB_QUEUE_LOOK_UP ? (q ? q->is : FB_QUEUE_ABSENT) : helper_act(q, req.op);
        if (req.op == FB_QUEUE_LOOK_UP && reply.outcome[i] == FB_QUEUE_DONE)
            helper_mail(q, &reply.mail[i]);
    }
    pthread_mutex_unlock(&h->lock);
    if (req.op == h->unanswered)
        return;
    fb_frame_send(fd, fb_queue_reply_encode(arena, &reply), &err);
    if (req.op == FB_QUEUE_FETCH && reply.outcome[0] == FB_QUEUE_DONE)
        helper_fetched(fd, arena, helper_file(h, req.v[0].queue_id));
}

static void *helper_run(void *arg)
{
    struct helper *h = arg;
    int fd;
    while ((fd = accept(h->fd, NULL, NULL)) >= 0) {
        helper_answer(h, fd);
        close(fd);
    }
    return NULL;
}

static void helper_start(struct helper *h, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(h->path, sizeof h->path, "%s", path);
    memcpy(at.sun_path, h->path, sizeof at.sun_path);
    pthread_mutex_init(&h->lock, NULL);
    h->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(h->path);
    if (bind(h->fd, (struct sockaddr *)&at, sizeof at) || listen(h->fd, 16))
        abort();
    pthread_create(&h->thread, NULL, helper_run, h);
}

static void helper_stop(struct helper *h)
{
    shutdown(h->fd, SHUT_RDWR);
    pthread_join(h->thread, NULL);
    close(h->fd);
}

#endif
