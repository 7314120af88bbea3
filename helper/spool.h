/* A queue of the MTA as folders on disk, seen without ever following a name that a peer sent: the folders are read, and
 * the names found there are compared with the ones asked for. */
#ifndef FB_HELPER_SPOOL_H
#define FB_HELPER_SPOOL_H

#include "base/arena.h"

/* The names that are looked for, sorted. */
struct spool_name {
    struct fb_str name;
    size_t index; /* its place in the request */
};
struct spool_names {
    size_t n;
    struct spool_name *v;
};

void spool_sort(struct spool_names *names);

/* Is told of each plain file of a wanted name. @dir_fd and @name are for openat(2), and good until it returns. */
typedef int spool_found(void *ctx, size_t index, int dir_fd, const char *name, struct fb_err *err);

/* Reads @queue below @root_fd, and its folders of one letter, which Postfix makes where a queue is hashed
 * (postconf(5), hash_queue_names). Success also where there is no such queue. Stops at the first failure. */
int spool_walk(int root_fd, const char *queue, const struct spool_names *names, spool_found *found, void *ctx, struct fb_err *err);

#endif
