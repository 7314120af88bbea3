/* What the helper can ask of an MTA: one table of operations for each kind. */
#ifndef FB_HELPER_MTA_H
#define FB_HELPER_MTA_H

#include "run.h"
#include "wire/queue.h"

struct mta_options {
    const char *queue_directory; /* NULL: ask the MTA */
    const char *tools;           /* the folder of the MTA's tools */
};

/* The state of one MTA, whose type only its own table knows. */
struct mta;

struct mta_ops {
    const char *name;
    int (*open)(const struct mta_options *options, struct fb_arena *arena, struct mta **ret, struct fb_err *err);

    /* Each fills reply->outcome, and look_up reply->mail, whose arrays are there. A failure means that nothing can be
     * said of any file; what concerns one file is its outcome. */
    int (*look_up)(struct mta *m, const struct fb_queue_request *req, struct fb_arena *arena, struct fb_queue_reply *reply, struct fb_err *err);
    int (*release)(struct mta *m, const struct fb_queue_request *req, struct fb_arena *arena, struct fb_queue_reply *reply, struct fb_err *err);
    int (*remove)(struct mta *m, const struct fb_queue_request *req, struct fb_arena *arena, struct fb_queue_reply *reply, struct fb_err *err);

    /* FETCH in two steps: where the outcome is DONE, *ret_fd is the file, and it is the one meant, whatever the queue
     * does meanwhile; then the message in it, piece by piece. */
    int (*message_open)(struct mta *m, const struct fb_queue_request *req, struct fb_arena *arena, enum fb_queue_outcome *ret, int *ret_fd, struct fb_err *err);
    int (*message_read)(struct mta *m, int fd, run_sink *sink, void *ctx, struct fb_err *err);
};

extern const struct mta_ops mta_postfix;

#endif
