/* Files and descriptors.
 *
 * DIAGNOSTICS: every failure names the file or says which direction broke. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

int fb_io_read_file(struct fb_arena *a, const char *path, size_t max, struct fb_str *ret, struct fb_err *err)
{
    FB_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return fb_fail_errno(err, "cannot read %s", path);
    if (!S_ISREG(st.st_mode))
        return fb_fail(err, "cannot read %s: not a plain file", path);
    if ((uintmax_t)st.st_size > max)
        return fb_fail(err, "%s is larger than the %zu bytes allowed for it", path, max);
    size_t n = (size_t)st.st_size;
    char *p = fb_arena_alloc(a, n + 1);
    if (!p)
        return fb_fail_memory(err);
    int rc = n ? fb_io_read_all(fd, p, n, err) : 0;
    if (rc)
        return rc > 0 ? fb_fail(err, "%s shrank while it was read", path) : fb_fail_in(err, "cannot read %s", path);
    *ret = (struct fb_str){p, n};
    return 0;
}

static int write_and_sync(int fd, struct fb_str data, struct fb_err *err)
{
    if (fb_io_write_all(fd, data.p, data.n, err))
        return -1;
    return fsync(fd) < 0 ? fb_fail_errno(err, "fsync") : 0;
}

int fb_io_write_file(const char *dir, const char *name, struct fb_str data, mode_t mode, struct fb_err *err)
{
    char tmp[NAME_MAX + 1];
    if (snprintf(tmp, sizeof tmp, ".%s.new", name) >= (int)sizeof tmp)
        return fb_fail(err, "the file name %s is too long", name);
    FB_FD dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dfd < 0)
        return fb_fail_errno(err, "cannot open %s", dir);
    if (unlinkat(dfd, tmp, 0) < 0 && errno != ENOENT)
        return fb_fail_errno(err, "cannot remove %s/%s", dir, tmp);
    FB_FD fd = openat(dfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return fb_fail_errno(err, "cannot create %s/%s", dir, tmp);
    if (fchmod(fd, mode) < 0 || write_and_sync(fd, data, err) || renameat(dfd, tmp, dfd, name) < 0 ||
        fsync(dfd) < 0) {
        fb_fail_errno(err, "cannot write %s/%s", dir, name);
        unlinkat(dfd, tmp, 0);
        return -1;
    }
    return 0;
}

int fb_io_write_all(int fd, const void *p, size_t n, struct fb_err *err)
{
    const char *at = p;
    while (n) {
        ssize_t k = write(fd, at, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return fb_fail_errno(err, "write");
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

int fb_io_read_all(int fd, void *p, size_t n, struct fb_err *err)
{
    char *at = p;
    while (n) {
        ssize_t k = read(fd, at, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return fb_fail_errno(err, "read");
        if (k == 0)
            return at == (char *)p ? FB_IO_END : fb_fail(err, "the other side closed in the middle");
        at += k;
        n -= (size_t)k;
    }
    return 0;
}
