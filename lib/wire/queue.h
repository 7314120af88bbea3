/* What the keeper asks the root helper about the MTA's queue: four requests, each for a batch, all by queue id.
 *
 * request  = version(u8=1) op(u8) count(u32) *item        at most FB_QUEUE_BATCH items, each id once
 *   LOOK_UP  item = queue_id                               reply item = outcome [file]
 *   FETCH    item = file            (count must be 1)       reply item = outcome; where that is DONE, frames follow:
 *                                                           kind(u8: 0 data, 1 end, 2 broken off) bytes(at most 65,536)
 *   RELEASE  item = file                                    reply item = outcome
 *   DELETE   item = file                                    reply item = outcome
 * reply    = version(u8=1) status(u8: 0 answered, else refused) text(bytes) count(u32) *item
 *
 * queue_id: 12 to 32 of A-Z a-z 0-9, ten or more of them before the last 'z' and one behind it: a long Postfix id
 * (postconf(5), enable_long_queue_ids; "time z inode"). Short ids, which are hexadecimal, are refused.
 * A file is named by queue id, inode, size and arrival time together; the helper acts only on exactly that file, and
 * only while it lies in hold/. */
#ifndef FB_WIRE_QUEUE_H
#define FB_WIRE_QUEUE_H

#include "wire/frame.h"

enum { FB_QUEUE_BATCH = 1000, FB_QUEUE_ID_MIN = 12, FB_QUEUE_ID_MAX = 32 };

enum fb_queue_op { FB_QUEUE_LOOK_UP = 1, FB_QUEUE_FETCH, FB_QUEUE_RELEASE, FB_QUEUE_DELETE };

enum fb_queue_outcome {
    FB_QUEUE_DONE = 0,  /* it was found in hold/; it was released; it was deleted */
    FB_QUEUE_ABSENT,    /* no such file anywhere in the queue */
    FB_QUEUE_ELSEWHERE, /* in another queue (incoming, active, deferred, ...): not held (any more) */
    FB_QUEUE_DIFFERENT, /* a file of that id, but not the one meant */
    FB_QUEUE_FAILED,    /* the MTA's tool ran and the queue shows that it did not do it; try again later */
};

struct fb_queue_file {
    struct fb_str queue_id;
    int64_t inode, size, arrival_s;
};

enum { FB_QUEUE_SENDER_MAX = 4096, FB_QUEUE_MESSAGE_ID_MAX = 1 << 17 };

/* What a look-up of a held file tells beside its identity: bytes that others chose, of any value.
 * recipients: as the client named them, before aliases; a NUL between each two; in the order of the queue file; without
 * those whom the MTA's own settings add unseen (always_bcc and its like).
 * arrival_s: the time in the long queue id, which no release or requeue changes. */
struct fb_queue_mail {
    struct fb_queue_file file;
    struct fb_str sender;     /* envelope sender, no <>, as the queue file has it: a quoted local part is unquoted there */
    struct fb_str message_id; /* the first in the header, with <>, unfolded and trimmed; empty where it has none */
    struct fb_str recipients;
    bool smtputf8;
};

bool fb_queue_id_valid(struct fb_str id);

/* Codec, strict in both directions; used by the two sides and the fuzzer. */
struct fb_queue_request {
    enum fb_queue_op op;
    size_t n;
    struct fb_queue_file *v; /* LOOK_UP: only queue_id is set */
};
/* Ids lie in @frame. */
int fb_queue_request_decode(struct fb_arena *arena, struct fb_str frame, struct fb_queue_request *ret, struct fb_err *err);
struct fb_str fb_queue_request_encode(struct fb_arena *arena, const struct fb_queue_request *req);

struct fb_queue_reply {
    enum fb_queue_op op; /* of the request that is answered */
    size_t n;
    enum fb_queue_outcome *outcome; /* n of them, in the order of the request */
    struct fb_queue_mail *mail;     /* LOOK_UP: n, valid where the outcome is DONE; else NULL */
};
struct fb_str fb_queue_reply_encode(struct fb_arena *arena, const struct fb_queue_reply *reply);
struct fb_str fb_queue_refusal_encode(struct fb_arena *arena, const char *text);
/* @op is what was asked. Texts lie in @frame. A refusal is a failure with the helper's text. */
int fb_queue_reply_decode(struct fb_arena *arena, struct fb_str frame, enum fb_queue_op op, struct fb_queue_reply *ret, struct fb_err *err);

/* The pieces of a fetched message, behind a reply whose outcome is DONE. */
enum fb_queue_chunk { FB_QUEUE_DATA = 0, FB_QUEUE_END, FB_QUEUE_BROKEN };
enum { FB_QUEUE_CHUNK_MAX = 65536 };
int fb_queue_chunk_send(int fd, enum fb_queue_chunk kind, struct fb_str bytes, struct fb_err *err);

/* The client's side: one connection per call, bounded by @timeout_ms in each read and write. */
int fb_queue_call(const char *socket_path, int timeout_ms, struct fb_arena *arena, const struct fb_queue_request *req,
                  struct fb_queue_reply *ret, struct fb_err *err);
/* FETCH: the outcome; where that is FB_QUEUE_DONE *ret_message is the whole message (header, empty line, body, LF line
 * ends), at most @max bytes, in @arena. */
int fb_queue_fetch(const char *socket_path, int timeout_ms, struct fb_arena *arena, const struct fb_queue_file *file,
                   size_t max, enum fb_queue_outcome *ret, struct fb_str *ret_message, struct fb_err *err);

#endif
