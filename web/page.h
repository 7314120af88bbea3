/* What the page answers: a function of the request, the clock and the desk. No socket, no file, no global. */
#ifndef FB_WEB_PAGE_H
#define FB_WEB_PAGE_H

#include "web/form.h"
#include "web/site.h"
#include "wire/desk.h"

enum { WEB_REFUSED = 1 };

/* Where the answers come from: the signed links and the keeper. */
struct web_desk {
    /* 0 where @token is a sender's link that is good at @now_s. Outcome: WEB_REFUSED. */
    int (*verify)(void *arg, struct fb_str token, int64_t now_s, struct fb_arena *arena, struct fb_err *err);
    /* As fb_desk_call. */
    int (*call)(void *arg, struct fb_arena *arena, const struct fb_desk_request *req, enum fb_desk_outcome *ret,
                struct fb_desk_view *ret_view, struct fb_err *err);
    void *arg;
};

struct web_request {
    struct fb_str method, path;  /* the path as it was sent, without a query */
    struct fb_str content_type, origin, fetch_site, accept_language; /* header fields; p is NULL where they were not sent */
    struct fb_str body;
    bool body_too_large;
    unsigned wait_s; /* who asks has asked too often, and may again in so many seconds; 0: now */
    int64_t now_s;
};

struct web_answer {
    unsigned status;
    const char *content_type;
    struct fb_str body;     /* lives in the arena, or as long as the site */
    const char *allow;      /* for Allow; NULL: not sent */
    struct fb_str location; /* for Location; empty: not sent */
    unsigned retry_after_s; /* 0: not sent */
    const char *route;      /* what was asked for, for the log: never the path */
    struct fb_err fault;    /* why it could not be answered as it should; empty: nothing is wrong */
};

/* Always an answer, with a status of 200 to 503. */
void web_answer(const struct web_site *site, const struct web_desk *desk, const struct web_request *req, struct fb_arena *arena,
                struct web_answer *ret);

/* Header fields that every answer carries, up to a NULL name; and the one more where base_url is https. */
struct web_header {
    const char *name, *value;
};
extern const struct web_header WEB_HEADERS[], WEB_HEADER_HTTPS;

#endif
