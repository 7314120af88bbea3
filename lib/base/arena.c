/* Arenas: blocks of growing size in a list. Nothing is ever freed alone, so there is nothing to leak or to free twice. */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#define ALIGN _Alignof(max_align_t)
#define BLOCK_MIN 4096u
#define BLOCK_MAX (1024u * 1024)

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(max_align_t) char data[];
};

struct fb_arena {
    struct block *blocks; /* the newest first */
    size_t used, max, next_size;
};

static _Thread_local unsigned long fail_in;

void fb_arena_fail_at(unsigned long nth)
{
    fail_in = nth;
}

struct fb_arena *fb_arena_new(size_t max_bytes)
{
    struct fb_arena *a = calloc(1, sizeof *a);
    if (a)
        a->max = max_bytes, a->next_size = BLOCK_MIN;
    return a;
}

void fb_arena_free(struct fb_arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

static struct block *block_add(struct fb_arena *a, size_t n)
{
    size_t size = n > a->next_size ? n : a->next_size;
    struct block *b = malloc(sizeof *b + size);
    if (!b)
        return NULL;
    *b = (struct block){.next = a->blocks, .size = size};
    a->blocks = b;
    if (a->next_size < BLOCK_MAX)
        a->next_size *= 2;
    return b;
}

void *fb_arena_alloc(struct fb_arena *a, size_t n)
{
    if (fail_in && --fail_in == 0)
        return NULL;
    if (n > a->max - a->used)
        return NULL;
    size_t padded = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (padded < n)
        return NULL;
    struct block *b = a->blocks;
    if (!b || padded > b->size - b->used)
        b = block_add(a, padded);
    if (!b)
        return NULL;
    void *p = b->data + b->used;
    b->used += padded;
    a->used += n;
    return memset(p, 0, n);
}

void *fb_arena_array(struct fb_arena *a, size_t count, size_t size)
{
    size_t n;
    return __builtin_mul_overflow(count, size, &n) ? NULL : fb_arena_alloc(a, n);
}

void *fb_arena_grow(struct fb_arena *a, void *v, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return v;
    size_t more;
    if (__builtin_mul_overflow(*cap, 2, &more))
        return NULL;
    more = more ? more : 16;
    void *p = fb_arena_array(a, more, size);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, v, n * size);
    *cap = more;
    return p;
}

struct fb_str fb_arena_dup(struct fb_arena *a, struct fb_str s)
{
    char *p = s.n == SIZE_MAX ? NULL : fb_arena_alloc(a, s.n + 1);
    if (!p)
        return (struct fb_str){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct fb_str){p, s.n};
}

struct fb_str fb_arena_lower(struct fb_arena *a, struct fb_str s)
{
    struct fb_str d = fb_arena_dup(a, s);
    for (size_t i = 0; i < d.n; i++)
        ((char *)d.p)[i] = fb_lower(d.p[i]);
    return d;
}

static struct fb_str arena_vprintf(struct fb_arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = n < 0 ? NULL : fb_arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p ? (struct fb_str){p, (size_t)n} : (struct fb_str){NULL, 0};
}

struct fb_str fb_arena_printf(struct fb_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct fb_str s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

size_t fb_arena_used(const struct fb_arena *a)
{
    return a->used;
}

/* Room for @n more bytes and a NUL. */
static bool buf_room(struct fb_buf *b, size_t n)
{
    if (b->failed)
        return false;
    size_t want;
    if (__builtin_add_overflow(b->n, n, &want) || __builtin_add_overflow(want, 1, &want)) {
        b->failed = true;
        return false;
    }
    if (want <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < want)
        cap = cap > SIZE_MAX / 2 ? want : cap * 2;
    char *p = fb_arena_alloc(b->arena, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    if (b->n)
        memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
    return true;
}

void fb_buf_add(struct fb_buf *b, struct fb_str s)
{
    if (!buf_room(b, s.n))
        return;
    if (s.n)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void fb_buf_char(struct fb_buf *b, char c)
{
    fb_buf_add(b, (struct fb_str){&c, 1});
}

void fb_buf_printf(struct fb_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        b->failed = true;
    else if (buf_room(b, (size_t)n)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

struct fb_str fb_buf_str(struct fb_buf *b)
{
    if (!buf_room(b, 0))
        return (struct fb_str){NULL, 0};
    b->p[b->n] = '\0';
    return (struct fb_str){b->p, b->n};
}
