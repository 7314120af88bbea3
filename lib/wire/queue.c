/* The keeper's questions to the root helper, as bytes, and the keeper's side of a call. Decides what a well-formed
 * request is, before anything as root looks at it: every queue id is checked for its alphabet and length, and none may
 * stand twice. Must never let anything else through as an id, for the tools of the MTA read lines of ids.
 *
 * DIAGNOSTICS: a malformed frame is refused as a whole; a refusal by the helper is a failure with the helper's text;
 * failures of the socket name it. */
#include "wire/queue.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/sock.h"

enum { VERSION = 1, ANSWERED = 0, REFUSED = 1, TEXT_MAX = 1024 };

/* Seconds (six digits to base 52 until the year 2596) and microseconds (four), before the 'z' that ends them. */
enum { TIME_DIGITS = 10 };

bool fb_queue_id_valid(struct fb_str id)
{
    if (id.n < FB_QUEUE_ID_MIN || id.n > FB_QUEUE_ID_MAX)
        return false;
    size_t z = 0;
    for (size_t i = 0; i < id.n; i++) {
        if (!fb_is_alpha(id.p[i]) && !fb_is_digit(id.p[i]))
            return false;
        if (id.p[i] == 'z')
            z = i;
    }
    return z >= TIME_DIGITS && z + 1 < id.n;
}

static int by_id(const void *a, const void *b)
{
    const struct fb_str *x = a, *y = b;
    int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* Outcome 1 where an id stands twice. */
static int ids_twice(struct fb_arena *arena, const struct fb_queue_request *req, struct fb_err *err)
{
    struct fb_str *ids = fb_arena_array(arena, req->n, sizeof *ids);
    if (!ids)
        return fb_fail_memory(err);
    for (size_t i = 0; i < req->n; i++)
        ids[i] = req->v[i].queue_id;
    qsort(ids, req->n, sizeof *ids, by_id);
    for (size_t i = 1; i < req->n; i++)
        if (fb_str_eq(ids[i - 1], ids[i]))
            return 1;
    return 0;
}

static void put_file(struct fb_buf *b, const struct fb_queue_file *f)
{
    fb_put_bytes(b, f->queue_id);
    fb_put_i64(b, f->inode);
    fb_put_i64(b, f->size);
    fb_put_i64(b, f->arrival_s);
}

static struct fb_str get_id(struct fb_reader *r)
{
    struct fb_str id = fb_get_bytes(r, FB_QUEUE_ID_MAX);
    r->failed |= !fb_queue_id_valid(id);
    return id;
}

static struct fb_queue_file get_file(struct fb_reader *r)
{
    struct fb_queue_file f = {.queue_id = get_id(r)};
    f.inode = fb_get_i64(r);
    f.size = fb_get_i64(r);
    f.arrival_s = fb_get_i64(r);
    r->failed |= f.inode <= 0 || f.size < 0 || f.arrival_s < 0;
    return f;
}

struct fb_str fb_queue_request_encode(struct fb_arena *arena, const struct fb_queue_request *req)
{
    struct fb_buf b = FB_BUF(arena);
    fb_put_u8(&b, VERSION);
    fb_put_u8(&b, (uint8_t)req->op);
    fb_put_u32(&b, (uint32_t)req->n);
    for (size_t i = 0; i < req->n; i++)
        if (req->op == FB_QUEUE_LOOK_UP)
            fb_put_bytes(&b, req->v[i].queue_id);
        else
            put_file(&b, &req->v[i]);
    return fb_buf_str(&b);
}

static bool request_head_ok(uint8_t version, uint8_t op, size_t n)
{
    if (version != VERSION || op < FB_QUEUE_LOOK_UP || op > FB_QUEUE_DELETE)
        return false;
    return n >= 1 && n <= (op == FB_QUEUE_FETCH ? 1 : FB_QUEUE_BATCH);
}

int fb_queue_request_decode(struct fb_arena *arena, struct fb_str frame, struct fb_queue_request *ret, struct fb_err *err)
{
    struct fb_reader r = {.rest = frame};
    uint8_t version = fb_get_u8(&r), op = fb_get_u8(&r);
    struct fb_queue_request req = {.op = op, .n = fb_get_u32(&r)};
    if (!request_head_ok(version, op, req.n))
        return fb_fail(err, "a malformed request");
    req.v = fb_arena_array(arena, req.n, sizeof *req.v);
    if (!req.v)
        return fb_fail_memory(err);
    for (size_t i = 0; i < req.n && !r.failed; i++)
        req.v[i] = op == FB_QUEUE_LOOK_UP ? (struct fb_queue_file){.queue_id = get_id(&r)} : get_file(&r);
    if (!fb_get_done(&r))
        return fb_fail(err, "a malformed request");
    int rc = ids_twice(arena, &req, err);
    if (rc)
        return rc > 0 ? fb_fail(err, "a request that names a queue id twice") : rc;
    *ret = req;
    return 0;
}

static void put_mail(struct fb_buf *b, const struct fb_queue_mail *m)
{
    put_file(b, &m->file);
    fb_put_bytes(b, m->sender);
    fb_put_bytes(b, m->message_id);
    fb_put_bytes(b, m->recipients);
    fb_put_u8(b, m->smtputf8);
}

/* Addresses with a NUL between each two: none is empty. */
static struct fb_str get_list(struct fb_reader *r)
{
    struct fb_str s = fb_get_bytes(r, FB_FRAME_MAX);
    char before = '\0';
    for (size_t i = 0; i < s.n; before = s.p[i++])
        r->failed |= s.p[i] == '\0' && before == '\0';
    r->failed |= s.n && before == '\0';
    return s;
}

static struct fb_queue_mail get_mail(struct fb_reader *r)
{
    struct fb_queue_mail m = {.file = get_file(r)};
    m.sender = fb_get_bytes(r, FB_QUEUE_SENDER_MAX);
    m.message_id = fb_get_bytes(r, FB_QUEUE_MESSAGE_ID_MAX);
    m.recipients = get_list(r);
    uint8_t utf8 = fb_get_u8(r);
    r->failed |= utf8 > 1;
    m.smtputf8 = utf8;
    return m;
}

struct fb_str fb_queue_reply_encode(struct fb_arena *arena, const struct fb_queue_reply *reply)
{
    struct fb_buf b = FB_BUF(arena);
    fb_put_u8(&b, VERSION);
    fb_put_u8(&b, ANSWERED);
    fb_put_bytes(&b, FB_STR_NONE);
    fb_put_u32(&b, (uint32_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        fb_put_u8(&b, (uint8_t)reply->outcome[i]);
        if (reply->op == FB_QUEUE_LOOK_UP && reply->outcome[i] == FB_QUEUE_DONE)
            put_mail(&b, &reply->mail[i]);
    }
    return fb_buf_str(&b);
}

struct fb_str fb_queue_refusal_encode(struct fb_arena *arena, const char *text)
{
    struct fb_str s = fb_str(text);
    if (s.n > TEXT_MAX)
        s.n = TEXT_MAX;
    struct fb_buf b = FB_BUF(arena);
    fb_put_u8(&b, VERSION);
    fb_put_u8(&b, REFUSED);
    fb_put_bytes(&b, s);
    fb_put_u32(&b, 0);
    return fb_buf_str(&b);
}

static int reply_items(struct fb_arena *arena, struct fb_reader *r, struct fb_queue_reply *reply, struct fb_err *err)
{
    bool look_up = reply->op == FB_QUEUE_LOOK_UP;
    reply->outcome = fb_arena_array(arena, reply->n, sizeof *reply->outcome);
    reply->mail = look_up ? fb_arena_array(arena, reply->n, sizeof *reply->mail) : NULL;
    if (!reply->outcome || (look_up && !reply->mail))
        return fb_fail_memory(err);
    for (size_t i = 0; i < reply->n && !r->failed; i++) {
        uint8_t outcome = fb_get_u8(r);
        r->failed |= outcome > FB_QUEUE_FAILED;
        reply->outcome[i] = outcome;
        if (look_up && outcome == FB_QUEUE_DONE)
            reply->mail[i] = get_mail(r);
    }
    return 0;
}

int fb_queue_reply_decode(struct fb_arena *arena, struct fb_str frame, enum fb_queue_op op, struct fb_queue_reply *ret, struct fb_err *err)
{
    struct fb_reader r = {.rest = frame};
    uint8_t version = fb_get_u8(&r), status = fb_get_u8(&r);
    struct fb_str text = fb_get_bytes(&r, TEXT_MAX);
    struct fb_queue_reply reply = {.op = op, .n = fb_get_u32(&r)};
    if (r.failed || version != VERSION || reply.n > FB_QUEUE_BATCH)
        return fb_fail(err, "a malformed reply");
    if (status != ANSWERED)
        return fb_fail(err, "refused: %.*s", FB_FMT(text));
    if (reply_items(arena, &r, &reply, err))
        return -1;
    if (!fb_get_done(&r) || text.n)
        return fb_fail(err, "a malformed reply");
    *ret = reply;
    return 0;
}

/* Whether the answer is about what was asked. */
static bool answers(const struct fb_queue_request *req, const struct fb_queue_reply *reply)
{
    if (reply->n != req->n)
        return false;
    for (size_t i = 0; i < reply->n; i++)
        if (reply->mail && reply->outcome[i] == FB_QUEUE_DONE && !fb_str_eq(reply->mail[i].file.queue_id, req->v[i].queue_id))
            return false;
    return true;
}

static int ask(int fd, struct fb_arena *arena, const struct fb_queue_request *req, struct fb_queue_reply *ret, struct fb_err *err)
{
    struct fb_str frame;
    if (fb_frame_send(fd, fb_queue_request_encode(arena, req), err))
        return -1;
    int rc = fb_frame_recv(fd, arena, &frame, err);
    if (rc)
        return rc > 0 ? fb_fail(err, "it closed without an answer") : rc;
    if (fb_queue_reply_decode(arena, frame, req->op, ret, err))
        return -1;
    return answers(req, ret) ? 0 : fb_fail(err, "an answer to another question");
}

int fb_queue_call(const char *socket_path, int timeout_ms, struct fb_arena *arena, const struct fb_queue_request *req,
                  struct fb_queue_reply *ret, struct fb_err *err)
{
    assert(req->op != FB_QUEUE_FETCH);
    FB_FD fd = -1;
    if (fb_unix_connect(socket_path, timeout_ms, &fd, err))
        return -1;
    return ask(fd, arena, req, ret, err) ? fb_fail_in(err, "helper at %s", socket_path) : 0;
}

/* length(u32) kind(u8) length(u32): a frame whose head is built by hand, so that a large message needs no large buffer. */
enum { CHUNK_HEAD = 9 };

int fb_queue_chunk_send(int fd, enum fb_queue_chunk kind, struct fb_str bytes, struct fb_err *err)
{
    assert(bytes.n <= FB_QUEUE_CHUNK_MAX);
    uint32_t n = (uint32_t)bytes.n, len = htobe32(n), frame = htobe32(n + 5);
    uint8_t head[CHUNK_HEAD] = {[4] = (uint8_t)kind};
    memcpy(head, &frame, 4);
    memcpy(head + 5, &len, 4);
    return fb_io_write_all(fd, head, sizeof head, err) || fb_io_write_all(fd, bytes.p, bytes.n, err) ? -1 : 0;
}

/* One chunk to @to, where @room bytes are free. Outcomes: CHUNK_LAST, CHUNK_BROKEN. */
enum { CHUNK_LAST = 1, CHUNK_BROKEN };

static int chunk_recv(int fd, char *to, size_t room, size_t *ret_n, struct fb_err *err)
{
    char head[CHUNK_HEAD];
    int rc = fb_io_read_all(fd, head, sizeof head, err);
    if (rc)
        return rc > 0 ? fb_fail(err, "it closed in the middle of a message") : rc;
    struct fb_reader r = {.rest = {head, sizeof head}};
    uint32_t frame = fb_get_u32(&r);
    uint8_t kind = fb_get_u8(&r);
    uint32_t n = fb_get_u32(&r);
    if (n > FB_QUEUE_CHUNK_MAX || frame != n + 5 || kind > FB_QUEUE_BROKEN || (kind != FB_QUEUE_DATA && n))
        return fb_fail(err, "a malformed piece of a message");
    if (n > room)
        return fb_fail(err, "the message is larger than it may be");
    *ret_n = n;
    rc = n ? fb_io_read_all(fd, to, n, err) : 0;
    if (rc)
        return rc > 0 ? fb_fail(err, "it closed in the middle of a message") : rc;
    return kind == FB_QUEUE_DATA ? 0 : kind == FB_QUEUE_END ? CHUNK_LAST : CHUNK_BROKEN;
}

static int message_recv(int fd, struct fb_arena *arena, size_t max, struct fb_str *ret, struct fb_err *err)
{
    char *p = max < SIZE_MAX ? fb_arena_alloc(arena, max + 1) : NULL;
    if (!p)
        return fb_fail_memory(err);
    size_t at = 0, n = 0;
    int rc;
    while ((rc = chunk_recv(fd, p + at, max - at, &n, err)) == 0)
        at += n;
    if (rc == CHUNK_BROKEN)
        return fb_fail(err, "it could not read the message to its end");
    *ret = (struct fb_str){p, at};
    return rc < 0 ? rc : 0;
}

int fb_queue_fetch(const char *socket_path, int timeout_ms, struct fb_arena *arena, const struct fb_queue_file *file,
                   size_t max, enum fb_queue_outcome *ret, struct fb_str *ret_message, struct fb_err *err)
{
    struct fb_queue_file meant = *file;
    struct fb_queue_request req = {.op = FB_QUEUE_FETCH, .n = 1, .v = &meant};
    struct fb_queue_reply reply;
    FB_FD fd = -1;
    if (fb_unix_connect(socket_path, timeout_ms, &fd, err))
        return -1;
    if (ask(fd, arena, &req, &reply, err))
        return fb_fail_in(err, "helper at %s", socket_path);
    *ret = reply.outcome[0];
    if (*ret != FB_QUEUE_DONE)
        return 0;
    /* A queue file holds each line with its length, so a message is never longer than its file. */
    size_t bound = (uint64_t)file->size < max ? (size_t)file->size : max;
    return message_recv(fd, arena, bound, ret_message, err) ? fb_fail_in(err, "helper at %s", socket_path) : 0;
}
