/* The header section as fields, before any MIME: enough to say whether a message is judged at all. */
#ifndef FB_MAIL_HEADERS_H
#define FB_MAIL_HEADERS_H

#include "base/arena.h"

struct fb_field {
    struct fb_str name;  /* as written */
    struct fb_str value; /* unfolded (RFC 5322, 2.2.3), blanks at the ends trimmed, not decoded */
};

struct fb_headers {
    struct fb_arena *arena;
    size_t n, cap;
    struct fb_field *v;
    size_t bytes; /* names and values so far */
};

/* Adds a copy, unfolding @value. Outcome: FB_HEADERS_FULL past @max_bytes or @max_fields; nothing was added. */
enum { FB_HEADERS_FULL = 1 };
int fb_headers_add(struct fb_headers *h, struct fb_str name, struct fb_str value, size_t max_bytes, size_t max_fields, struct fb_err *err);

/* Cuts the header section off @raw (LF or CRLF line ends): fields into *h, what follows the empty line into *ret_body.
 * A line that is no field is left out. Outcome: FB_HEADERS_FULL. */
int fb_headers_split(struct fb_headers *h, struct fb_str raw, size_t max_bytes, size_t max_fields, struct fb_str *ret_body, struct fb_err *err);

/* The @nth (from 0) field of that name, or NULL. */
const struct fb_field *fb_headers_get(const struct fb_headers *h, const char *name, size_t nth);

#endif
