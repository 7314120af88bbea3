/* Files and descriptors: read whole, written so that a crash leaves either the old or the new. */
#ifndef FB_BASE_IO_H
#define FB_BASE_IO_H

#include <sys/types.h>
#include <unistd.h>

#include "base/arena.h"

static inline void fb_fd_cleanup(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define FB_FD __attribute__((cleanup(fb_fd_cleanup))) int

/* The whole of @path, at most @max bytes, a NUL behind it. Fails (file named) where it is absent, larger, or no plain file. */
int fb_io_read_file(struct fb_arena *a, const char *path, size_t max, struct fb_str *ret, struct fb_err *err);

/* Creates or replaces @dir/@name with @data: written beside it, fsynced, renamed, directory fsynced. Durable when it returns 0. */
int fb_io_write_file(const char *dir, const char *name, struct fb_str data, mode_t mode, struct fb_err *err);

/* All @n bytes, through short writes and EINTR. SIGPIPE is the caller's to ignore. */
int fb_io_write_all(int fd, const void *p, size_t n, struct fb_err *err);

/* Exactly @n bytes. Outcome: FB_IO_END when the peer closed before the first. */
enum { FB_IO_END = 1 };
int fb_io_read_all(int fd, void *p, size_t n, struct fb_err *err);

#endif
