/* The file of weights: mapped read-only, its checksum taken before a byte of it is believed.
 *
 * DIAGNOSTICS: every failure names the file and what is wrong with it. */
#include "judge/model.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/io.h"

enum { HEADER = 128, VERSION = 3, MAX_BYTES = 1 << 28, MAX_TENSORS = 1000 };

struct header {
    char magic[16];
    uint32_t version, tensors;
    uint64_t size;
    uint8_t checksum[32];
};

enum type { TYPE_F32 = 1, TYPE_S8, TYPE_BYTES };

struct entry {
    char name[48];
    uint32_t type, zero, rows, columns;
    uint64_t offset, size;
};

struct fb_model {
    void *map;
    size_t size;
    struct stat file;
    const struct header *header;
    const struct entry *entries;
    char path[];
};

static bool entry_sound(const struct fb_model *m, const struct entry *e)
{
    uint64_t cells = (uint64_t)e->rows * e->columns, width = e->type == TYPE_F32 ? 4 : 1;
    return memchr(e->name, '\0', sizeof e->name) && e->type >= TYPE_F32 && e->type <= TYPE_BYTES && e->offset % 64 == 0 &&
           e->size <= m->size && e->offset <= m->size - e->size && cells <= m->size && cells * width == e->size;
}

static int check(const struct fb_model *m, struct fb_err *err)
{
    const struct header *h = m->header;
    if (m->size < HEADER || memcmp(h->magic, "forbear judge\r\n", sizeof h->magic) != 0)
        return fb_fail(err, "%s is no file of judge weights", m->path);
    if (h->version != VERSION)
        return fb_fail(err, "%s is of version %u; this forbear reads version %d", m->path, h->version, VERSION);
    if (h->size != m->size || h->tensors > MAX_TENSORS || HEADER + h->tensors * sizeof(struct entry) > m->size)
        return fb_fail(err, "%s is cut short or too long: %zu bytes where its header says %llu", m->path, m->size,
                       (unsigned long long)h->size);
    uint8_t sum[32];
    crypto_generichash(sum, sizeof sum, (const uint8_t *)m->map + HEADER, m->size - HEADER, NULL, 0);
    if (memcmp(sum, h->checksum, sizeof sum) != 0)
        return fb_fail(err, "%s is damaged: its checksum does not match", m->path);
    for (uint32_t i = 0; i < h->tensors; i++)
        if (!entry_sound(m, &m->entries[i]))
            return fb_fail(err, "%s: entry %u of its table makes no sense", m->path, i);
    return 0;
}

static int map(struct fb_model *m, struct fb_err *err)
{
    FB_FD fd = open(m->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &m->file) < 0)
        return fb_fail_errno(err, "cannot read %s", m->path);
    if (!S_ISREG(m->file.st_mode) || m->file.st_size < HEADER || m->file.st_size > MAX_BYTES)
        return fb_fail(err, "%s is no file of judge weights", m->path);
    m->size = (size_t)m->file.st_size;
    void *p = mmap(NULL, m->size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return fb_fail_errno(err, "cannot map %s", m->path);
    m->map = p;
    m->header = p;
    m->entries = (const struct entry *)((const char *)p + HEADER);
    return 0;
}

int fb_model_open(const char *path, struct fb_model **ret, struct fb_err *err)
{
    struct fb_model *m = calloc(1, sizeof *m + strlen(path) + 1);
    if (!m)
        return fb_fail_memory(err);
    memcpy(m->path, path, strlen(path) + 1);
    if (map(m, err) || check(m, err)) {
        fb_model_close(m);
        return -1;
    }
    madvise(m->map, m->size, MADV_DONTNEED); /* the check touched all of it; what is read from now on is what counts as resident */
    *ret = m;
    return 0;
}

void fb_model_close(struct fb_model *m)
{
    if (m && m->map)
        munmap(m->map, m->size);
    free(m);
}

bool fb_model_is(const struct fb_model *m, const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_dev == m->file.st_dev && st.st_ino == m->file.st_ino && st.st_size == m->file.st_size &&
           st.st_mtim.tv_sec == m->file.st_mtim.tv_sec && st.st_mtim.tv_nsec == m->file.st_mtim.tv_nsec;
}

static const struct entry *named(const struct fb_model *m, const char *name)
{
    for (uint32_t i = 0; i < m->header->tensors; i++)
        if (strcmp(m->entries[i].name, name) == 0)
            return &m->entries[i];
    return NULL;
}

bool fb_model_shape(const struct fb_model *m, const char *name, size_t *ret_rows, size_t *ret_columns)
{
    const struct entry *e = named(m, name);
    *ret_rows = e ? e->rows : 0;
    *ret_columns = e ? e->columns : 0;
    return e != NULL;
}

static int find(const struct fb_model *m, const char *name, enum type type, size_t rows, size_t columns, const struct entry **ret,
                struct fb_err *err)
{
    const struct entry *e = *ret = named(m, name);
    if (!e)
        return fb_fail(err, "%s has no tensor %s", m->path, name);
    if (e->type != type || (type != TYPE_BYTES && (e->rows != rows || e->columns != columns)))
        return fb_fail(err, "%s: tensor %s is not of the type and shape that this forbear reads", m->path, name);
    return 0;
}

static const void *at(const struct fb_model *m, const struct entry *e)
{
    return (const char *)m->map + e->offset;
}

int fb_model_f32(const struct fb_model *m, const char *name, size_t rows, size_t columns, const float **ret, struct fb_err *err)
{
    const struct entry *e;
    if (find(m, name, TYPE_F32, rows, columns, &e, err))
        return -1;
    *ret = at(m, e);
    return 0;
}

int fb_model_s8(const struct fb_model *m, const char *name, size_t rows, size_t columns, const int8_t **ret, struct fb_err *err)
{
    const struct entry *e;
    if (find(m, name, TYPE_S8, rows, columns, &e, err))
        return -1;
    *ret = at(m, e);
    return 0;
}

int fb_model_bytes(const struct fb_model *m, const char *name, struct fb_str *ret, struct fb_err *err)
{
    const struct entry *e;
    if (find(m, name, TYPE_BYTES, 0, 0, &e, err))
        return -1;
    *ret = (struct fb_str){at(m, e), e->size};
    return 0;
}
