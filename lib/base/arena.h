/* Memory that is freed whole: one arena per message, per request, per generation of the configuration. */
#ifndef FB_BASE_ARENA_H
#define FB_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct fb_arena;

/* An arena that never holds more than @max_bytes. NULL when memory is out. */
struct fb_arena *fb_arena_new(size_t max_bytes);
/* Frees the arena and all that came from it. NULL is allowed. */
void fb_arena_free(struct fb_arena *a);
static inline void fb_arena_cleanup(struct fb_arena **a) { fb_arena_free(*a); }
#define FB_ARENA __attribute__((cleanup(fb_arena_cleanup))) struct fb_arena *

/* @n zeroed bytes, aligned for any type; NULL at the ceiling or when memory is out. */
void *fb_arena_alloc(struct fb_arena *a, size_t n);
/* @count elements of @size: NULL also where the product overflows. */
void *fb_arena_array(struct fb_arena *a, size_t count, size_t size);
/* Room for one more behind the @n elements of @v, which has room for *@cap of @size: @v itself, or a copy with twice the room.
 * NULL where memory is out; @v is then as it was. Begin with NULL and 0. */
void *fb_arena_grow(struct fb_arena *a, void *v, size_t n, size_t *cap, size_t size);
/* A copy with a NUL behind it (so .p is a C string where the text holds no NUL). p is NULL on failure. */
struct fb_str fb_arena_dup(struct fb_arena *a, struct fb_str s);
/* The same with ASCII letters lowered. */
struct fb_str fb_arena_lower(struct fb_arena *a, struct fb_str s);
/* Formatted text with a NUL behind it. p is NULL on failure. */
struct fb_str fb_arena_printf(struct fb_arena *a, const char *fmt, ...) FB_PRINTF(2, 3);
/* How many bytes were handed out so far. */
size_t fb_arena_used(const struct fb_arena *a);

/* For fault tests: the @nth allocation from now fails, in this thread. 0: none does. */
void fb_arena_fail_at(unsigned long nth);

/* A text that grows, in an arena. A failed append is remembered: append all, then look at @failed once. */
struct fb_buf {
    struct fb_arena *arena;
    char *p;
    size_t n, cap;
    bool failed;
};

#define FB_BUF(a) ((struct fb_buf){.arena = (a)})
void fb_buf_add(struct fb_buf *b, struct fb_str s);
void fb_buf_char(struct fb_buf *b, char c);
void fb_buf_printf(struct fb_buf *b, const char *fmt, ...) FB_PRINTF(2, 3);
/* What was appended, with a NUL behind it that is not counted; p is NULL when an append failed. */
struct fb_str fb_buf_str(struct fb_buf *b);

#endif
