/* The desk: answers the page and the command line on keeper.sock, in a thread of its own with a store connection of its own, so that no
 * work on the queue keeps a visitor waiting. */
#ifndef FB_KEEPER_DESK_H
#define FB_KEEPER_DESK_H

#include "keeper.h"
#include "wire/desk.h"

struct fb_desk {
    struct fb_keeper *k;
    struct fb_store *store; /* NULL: to be opened at the next request */
    int listen_fd;
};

/* One request, answered; the reply lives in @arena. */
struct fb_str fb_desk_answer(struct fb_desk *d, struct fb_str frame, int64_t now_s, struct fb_arena *arena);

/* Serves until the keeper's stop_fd rings. For pthread_create: @arg is a struct fb_desk. */
void *fb_desk_run(void *arg);

#endif
