/* Frames and their fields. Decides how numbers and byte strings are laid out, and whether a frame is whole; what the
 * fields mean is decided by queue.c and desk.c. Must never trust a length that a peer wrote: each is compared with what
 * is really there before anything is read.
 *
 * DIAGNOSTICS: a frame that is too long is refused by name; everything else is the socket's own fault. A field that is
 * malformed marks the reader, and its user says what was being read. */
#include "wire/frame.h"

#include "base/io.h"

static void store_be(uint8_t *to, uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        to[i] = (uint8_t)v;
}

static uint64_t load_be(const uint8_t *from, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | from[i];
    return v;
}

static void put_be(struct fb_buf *b, uint64_t v, size_t n)
{
    uint8_t bytes[8];
    store_be(bytes, v, n);
    fb_buf_add(b, (struct fb_str){(const char *)bytes, n});
}

void fb_put_u8(struct fb_buf *b, uint8_t v)
{
    put_be(b, v, 1);
}

void fb_put_u32(struct fb_buf *b, uint32_t v)
{
    put_be(b, v, 4);
}

void fb_put_i64(struct fb_buf *b, int64_t v)
{
    put_be(b, (uint64_t)v, 8);
}

void fb_put_bytes(struct fb_buf *b, struct fb_str s)
{
    if (s.n > FB_FRAME_MAX) {
        b->failed = true;
        return;
    }
    fb_put_u32(b, (uint32_t)s.n);
    fb_buf_add(b, s);
}

static uint64_t get_be(struct fb_reader *r, size_t n)
{
    if (r->failed || r->rest.n < n) {
        r->failed = true;
        return 0;
    }
    uint64_t v = load_be((const uint8_t *)r->rest.p, n);
    r->rest.p += n;
    r->rest.n -= n;
    return v;
}

uint8_t fb_get_u8(struct fb_reader *r)
{
    return (uint8_t)get_be(r, 1);
}

uint32_t fb_get_u32(struct fb_reader *r)
{
    return (uint32_t)get_be(r, 4);
}

int64_t fb_get_i64(struct fb_reader *r)
{
    return (int64_t)get_be(r, 8);
}

struct fb_str fb_get_bytes(struct fb_reader *r, size_t max)
{
    size_t n = fb_get_u32(r);
    if (r->failed || n > max || n > r->rest.n) {
        r->failed = true;
        return FB_STR_NONE;
    }
    struct fb_str s = {r->rest.p, n};
    r->rest.p += n;
    r->rest.n -= n;
    return s;
}

bool fb_get_done(const struct fb_reader *r)
{
    return !r->failed && r->rest.n == 0;
}

int fb_frame_send(int fd, struct fb_str payload, struct fb_err *err)
{
    if (!payload.p)
        return fb_fail_memory(err);
    if (payload.n > FB_FRAME_MAX)
        return fb_fail(err, "a frame of %zu bytes is longer than any may be", payload.n);
    uint8_t head[4];
    store_be(head, payload.n, sizeof head);
    if (fb_io_write_all(fd, head, sizeof head, err))
        return -1;
    return fb_io_write_all(fd, payload.p, payload.n, err);
}

int fb_frame_recv(int fd, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    uint8_t head[4];
    int rc = fb_io_read_all(fd, head, sizeof head, err);
    if (rc)
        return rc;
    size_t n = (size_t)load_be(head, sizeof head);
    if (n > FB_FRAME_MAX)
        return fb_fail(err, "the peer announced a frame of %zu bytes, which is longer than any may be", n);
    char *p = fb_arena_alloc(arena, n + 1);
    if (!p)
        return fb_fail_memory(err);
    rc = n ? fb_io_read_all(fd, p, n, err) : 0;
    if (rc)
        return rc > 0 ? fb_fail(err, "the other side closed in the middle") : rc;
    *ret = (struct fb_str){p, n};
    return 0;
}
