/* The page's and the command line's questions to the keeper, as bytes. Decides what a well-formed question and answer
 * are; must never look into the token, which is the keeper's to verify.
 *
 * DIAGNOSTICS: a malformed frame is refused as a whole, without saying what was in it; failures of the socket name the
 * keeper's socket. */
#include "wire/desk.h"

#include "base/io.h"
#include "base/sock.h"

enum { VERSION = 1, TOKEN_MAX = 400 };

struct fb_str fb_desk_request_encode(struct fb_arena *arena, const struct fb_desk_request *req)
{
    struct fb_buf b = FB_BUF(arena);
    fb_put_u8(&b, VERSION);
    fb_put_u8(&b, (uint8_t)req->op);
    fb_put_bytes(&b, req->token);
    if (req->op == FB_DESK_DECIDE)
        fb_put_u8(&b, (uint8_t)req->action);
    if (req->op == FB_DESK_DECIDE && (req->why.n || req->key.n))
        fb_put_bytes(&b, req->why);
    if (req->op == FB_DESK_DECIDE && req->key.n)
        fb_put_bytes(&b, req->key);
    return fb_buf_str(&b);
}

/* A reason goes into the record of events, and to the terminal of whoever reads it. */
static bool one_line(struct fb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

int fb_desk_request_decode(struct fb_str frame, struct fb_desk_request *ret, struct fb_err *err)
{
    struct fb_reader r = {.rest = frame};
    uint8_t version = fb_get_u8(&r), op = fb_get_u8(&r), action = 0;
    struct fb_str token = fb_get_bytes(&r, TOKEN_MAX), why = FB_STR_NONE, key = FB_STR_NONE;
    if (op == FB_DESK_DECIDE)
        action = fb_get_u8(&r);
    bool reasoned = op == FB_DESK_DECIDE && r.rest.n > 0;
    if (reasoned)
        why = fb_get_bytes(&r, FB_DESK_WHY);
    bool keyed = reasoned && r.rest.n > 0;
    if (keyed)
        key = fb_get_bytes(&r, FB_DESK_KEY);
    bool key_ok = !keyed || (key.n == FB_DESK_KEY && action == FB_DESK_WITHDRAW);
    bool op_ok = op == FB_DESK_SHOW || (op == FB_DESK_DECIDE && action >= FB_DESK_RELEASE && action <= FB_DESK_WRONG);
    if (!fb_get_done(&r) || version != VERSION || !op_ok || !key_ok || !token.n || (reasoned && !keyed && !why.n) || !one_line(why))
        return fb_fail(err, "a malformed request");
    *ret = (struct fb_desk_request){.op = op, .action = action, .token = token, .why = why, .key = key};
    return 0;
}

/* Only these outcomes say anything about a hold. */
static bool has_view(uint8_t outcome)
{
    return outcome == FB_DESK_DONE || outcome == FB_DESK_CLOSED || outcome == FB_DESK_EARLY;
}

struct fb_str fb_desk_reply_encode(struct fb_arena *arena, enum fb_desk_outcome outcome, const struct fb_desk_view *view)
{
    struct fb_buf b = FB_BUF(arena);
    fb_put_u8(&b, VERSION);
    fb_put_u8(&b, (uint8_t)outcome);
    if (has_view((uint8_t)outcome)) {
        fb_put_u8(&b, view->state);
        fb_put_i64(&b, view->created_s);
        fb_put_i64(&b, view->deadline_s);
        fb_put_i64(&b, view->changed_s);
        fb_put_i64(&b, view->opens_s);
        fb_put_u8(&b, view->wrong);
        fb_put_u8(&b, view->talked);
        fb_put_bytes(&b, view->language);
        fb_put_bytes(&b, view->sealed);
    }
    return fb_buf_str(&b);
}

int fb_desk_reply_decode(struct fb_arena *arena, struct fb_str frame, enum fb_desk_outcome *ret, struct fb_desk_view *ret_view, struct fb_err *err)
{
    struct fb_reader r = {.rest = frame};
    uint8_t version = fb_get_u8(&r), outcome = fb_get_u8(&r), wrong = 0, talked = 0;
    struct fb_desk_view view = {.sealed = FB_STR_NONE, .language = FB_STR_NONE};
    if (has_view(outcome)) {
        view.state = fb_get_u8(&r);
        view.created_s = fb_get_i64(&r);
        view.deadline_s = fb_get_i64(&r);
        view.changed_s = fb_get_i64(&r);
        view.opens_s = fb_get_i64(&r);
        wrong = fb_get_u8(&r);
        talked = fb_get_u8(&r);
        view.language = fb_get_bytes(&r, FB_FRAME_MAX);
        view.sealed = fb_get_bytes(&r, FB_FRAME_MAX);
    }
    if (!fb_get_done(&r) || version != VERSION || outcome > FB_DESK_BUSY || wrong > 1 || talked > 1)
        return fb_fail(err, "a malformed reply");
    view.wrong = wrong, view.talked = talked;
    view.sealed = fb_arena_dup(arena, view.sealed);
    view.language = fb_arena_dup(arena, view.language);
    if (!view.sealed.p || !view.language.p)
        return fb_fail_memory(err);
    *ret = outcome;
    *ret_view = view;
    return 0;
}

static int ask(int fd, struct fb_arena *arena, const struct fb_desk_request *req, struct fb_str *ret, struct fb_err *err)
{
    if (fb_frame_send(fd, fb_desk_request_encode(arena, req), err))
        return -1;
    int rc = fb_frame_recv(fd, arena, ret, err);
    return rc > 0 ? fb_fail(err, "it closed without an answer") : rc;
}

int fb_desk_call(const char *socket_path, int timeout_ms, struct fb_arena *arena, const struct fb_desk_request *req,
                 enum fb_desk_outcome *ret, struct fb_desk_view *ret_view, struct fb_err *err)
{
    FB_FD fd = -1;
    if (fb_unix_connect(socket_path, timeout_ms, &fd, err))
        return -1;
    struct fb_str frame;
    if (ask(fd, arena, req, &frame, err) || fb_desk_reply_decode(arena, frame, ret, ret_view, err))
        return fb_fail_in(err, "keeper at %s", socket_path);
    return 0;
}
