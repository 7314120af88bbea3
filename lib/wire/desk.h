/* What the page and the command line ask the keeper, on its UNIX socket.
 *
 * request = version(u8=1) op(u8) token(bytes)
 *   SHOW    what state the token's hold is in, and the blob that its key opens
 *   DECIDE  carry out what the token and action say; action(u8) follows the token, then why(bytes) and key(bytes), where there
 *           are any
 * reply   = version(u8=1) outcome(u8) [view]
 * The keeper verifies the token itself; what the asker made of it does not count. */
#ifndef FB_WIRE_DESK_H
#define FB_WIRE_DESK_H

#include "wire/frame.h"

enum { FB_DESK_WHY = 200, FB_DESK_KEY = 32 };
enum fb_desk_op { FB_DESK_SHOW = 1, FB_DESK_DECIDE };
enum fb_desk_action {
    FB_DESK_RELEASE = 1,
    FB_DESK_WITHDRAW,
    FB_DESK_TALKED, /* release at once, whatever opens_s: they have talked. Nothing of theirs is held on that thread for 14 days */
    FB_DESK_WRONG,  /* holding it was wrong: counted for its rule, once a hold, in whatever state it is. Decides nothing */
};

enum fb_desk_outcome {
    FB_DESK_DONE = 0, /* SHOW: here it is. DECIDE: recorded durably; it is carried out now */
    FB_DESK_CLOSED,   /* DECIDE: decided, or WRONG said, before; the view says what happened. Nothing is repeated */
    FB_DESK_REFUSED,  /* bad, foreign or expired token, or no such hold: never says which */
    FB_DESK_EARLY,    /* RELEASE: not before the view's opens_s; nothing was changed */
    FB_DESK_BUSY,     /* the keeper cannot read or write its store now; try again */
};

struct fb_desk_view {
    uint8_t state;       /* enum fb_state of hold/states.h */
    int64_t created_s, deadline_s;
    int64_t changed_s;   /* when it entered this state */
    struct fb_str sealed; /* empty where nothing readable is left */
    int64_t opens_s;      /* from when its sender may release it; 0: at once */
    bool wrong, talked;   /* what was said about it */
    struct fb_str language; /* in which its sender is told, a tag; empty: unknown, or forgotten */
};

struct fb_desk_request {
    enum fb_desk_op op;
    enum fb_desk_action action;
    struct fb_str token; /* at most 400 bytes */
    struct fb_str why;   /* at most FB_DESK_WHY bytes; mostly empty */
    struct fb_str key;   /* WITHDRAW: what opens the sealed blob, so that the draft that comes back can have its change done; or empty */
};

int fb_desk_request_decode(struct fb_str frame, struct fb_desk_request *ret, struct fb_err *err);
struct fb_str fb_desk_request_encode(struct fb_arena *arena, const struct fb_desk_request *req);
struct fb_str fb_desk_reply_encode(struct fb_arena *arena, enum fb_desk_outcome outcome, const struct fb_desk_view *view);
int fb_desk_reply_decode(struct fb_arena *arena, struct fb_str frame, enum fb_desk_outcome *ret, struct fb_desk_view *ret_view, struct fb_err *err);

/* The client's side: one connection per call. */
int fb_desk_call(const char *socket_path, int timeout_ms, struct fb_arena *arena, const struct fb_desk_request *req,
                 enum fb_desk_outcome *ret, struct fb_desk_view *ret_view, struct fb_err *err);

#endif
