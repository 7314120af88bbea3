/* Templates: Mustache (mustache(5)) without lambdas and delimiter changes, over jansson values.
 *   {{name}}            the value, escaped for the kind of text
 *   {{{name}}}          the value as it is
 *   {{#name}}...{{/name}}  for each element of a list, or once where the value is true or an object
 *   {{^name}}...{{/name}}  where it is absent, false, null, 0, an empty text or an empty list: {{#name}} is not, then
 *   {{.}}               the element itself          {{! comment }}
 *   {{>name}}           the part of that name, of those at hand, with the values at hand
 * Names are looked up from the innermost section outwards. A tag alone on its line takes the line with it. */
#ifndef FB_TEMPLATE_TEMPLATE_H
#define FB_TEMPLATE_TEMPLATE_H

#include <jansson.h>

#include "base/arena.h"

enum fb_escape { FB_ESCAPE_NONE, FB_ESCAPE_HTML };

/* What {{>name}} stands for: a file, or one section of it, cut once. */
struct fb_part {
    struct fb_str name;
    const char *file;         /* and where it begins: for the text of a fault */
    unsigned line;
    const struct fb_piece *v; /* of the whole file */
    size_t from, to;
    bool words; /* plain text, which is escaped as values are */
};

struct fb_parts {
    const struct fb_part *v; /* of several with one name the first counts */
    size_t n;
};

/* @name is for the text of a fault, which also has the line. */
int fb_template_render(const char *name, struct fb_str text, json_t *values, enum fb_escape escape, struct fb_arena *arena,
                       struct fb_str *ret, struct fb_err *err);

/* Whether @text is sound and names nothing but the @n of @known (and {{.}}). The fault says what is not known. */
int fb_template_check(const char *name, struct fb_str text, const struct fb_str *known, size_t n, struct fb_arena *arena, struct fb_err *err);

/* The whole of a file. *ret refers to @file, @name and @text. */
int fb_part_cut(const char *file, struct fb_str name, struct fb_str text, struct fb_arena *arena, struct fb_part *ret, struct fb_err *err);
/* The next section of @whole that is in no other, behind the piece *at (0 at first), as words. False when none is left. */
bool fb_part_next(const struct fb_part *whole, size_t *at, struct fb_part *ret);
/* The one of that name; NULL: there is none. */
const struct fb_part *fb_parts_find(const struct fb_parts *parts, struct fb_str name);
/* Whether @whole is sections alone, with nothing but blanks and comments between them. */
int fb_part_check_sections(const struct fb_part *whole, struct fb_err *err);
/* Whether each {{>name}} in them is one of them, and none contains itself: only then may they be rendered. */
int fb_parts_check(const struct fb_parts *parts, struct fb_err *err);
/* Whether one of them has {{>name}}. */
bool fb_parts_ask(const struct fb_parts *parts, struct fb_str name);
/* The part @name; *ret is empty where there is none. */
int fb_parts_render(const struct fb_parts *parts, const char *name, json_t *values, enum fb_escape escape, struct fb_arena *arena,
                    struct fb_str *ret, struct fb_err *err);

/* 1: there is no <data_dir>/templates/<language>/<file>. */
int fb_template_missing(const char *data_dir, struct fb_str language, const char *file, struct fb_arena *arena, struct fb_err *err);
/* Reads it. */
int fb_template_read(const char *data_dir, const char *language, const char *file, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

#endif
