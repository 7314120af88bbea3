/* Walking a queue. Decides which directory entries are the files asked for. Must never open a path that a peer gave, nor
 * follow a symbolic link: the queue belongs to the MTA's user, and we are root.
 *
 * DIAGNOSTICS: failures name the folder. A file or folder that vanishes meanwhile is no failure: queues are alive. */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"

enum { DEPTH_MAX = 16 }; /* the most that Postfix makes: postconf(5), hash_queue_depth */

struct walk {
    const struct spool_names *names;
    spool_found *found;
    void *ctx;
};

static int by_name(const void *a, const void *b)
{
    struct fb_str x = ((const struct spool_name *)a)->name, y = ((const struct spool_name *)b)->name;
    int c = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return c ? c : (x.n > y.n) - (x.n < y.n);
}

void spool_sort(struct spool_names *names)
{
    qsort(names->v, names->n, sizeof *names->v, by_name);
}

static void dir_cleanup(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static bool is_kind(int dir_fd, const struct dirent *e, unsigned char type, mode_t mode)
{
    struct stat st;
    if (e->d_type != DT_UNKNOWN)
        return e->d_type == type;
    return fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & S_IFMT) == mode;
}

static int walk_folder(const struct walk *w, int parent_fd, const char *folder, int depth, struct fb_err *err);

static int walk_entry(const struct walk *w, int dir_fd, const struct dirent *e, int depth, struct fb_err *err)
{
    struct spool_name key = {.name = fb_str(e->d_name)};
    if (key.name.n == 1 && key.name.p[0] != '.' && depth < DEPTH_MAX && is_kind(dir_fd, e, DT_DIR, S_IFDIR))
        return walk_folder(w, dir_fd, e->d_name, depth + 1, err);
    const struct spool_name *hit = bsearch(&key, w->names->v, w->names->n, sizeof key, by_name);
    if (!hit || !is_kind(dir_fd, e, DT_REG, S_IFREG))
        return 0;
    return w->found(w->ctx, hit->index, dir_fd, e->d_name, err);
}

static int walk_folder(const struct walk *w, int parent_fd, const char *folder, int depth, struct fb_err *err)
{
    int fd = openat(parent_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : fb_fail_errno(err, "cannot open the queue folder %s", folder);
    __attribute__((cleanup(dir_cleanup))) DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return fb_fail_errno(err, "cannot read the queue folder %s", folder);
    }
    const struct dirent *e;
    while ((errno = 0, e = readdir(dir)) != NULL) {
        int rc = walk_entry(w, fd, e, depth, err);
        if (rc)
            return rc;
    }
    return errno ? fb_fail_errno(err, "cannot read the queue folder %s", folder) : 0;
}

int spool_walk(int root_fd, const char *queue, const struct spool_names *names, spool_found *found, void *ctx, struct fb_err *err)
{
    struct walk w = {.names = names, .found = found, .ctx = ctx};
    return walk_folder(&w, root_fd, queue, 0, err);
}
