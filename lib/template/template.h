/* Templates: Mustache (mustache(5)) without partials, lambdas and delimiter changes, over jansson values.
 *   {{name}}            the value, escaped for the kind of text
 *   {{{name}}}          the value as it is
 *   {{#name}}...{{/name}}  for each element of a list, or once where the value is true or an object
 *   {{^name}}...{{/name}}  where it is absent, false, null, 0, an empty text or an empty list: {{#name}} is not, then
 *   {{.}}               the element itself          {{! comment }}
 * Names are looked up from the innermost section outwards. A tag alone on its line takes the line with it. */
#ifndef FB_TEMPLATE_TEMPLATE_H
#define FB_TEMPLATE_TEMPLATE_H

#include <jansson.h>

#include "base/arena.h"

enum fb_escape { FB_ESCAPE_NONE, FB_ESCAPE_HTML };

/* @name is for the text of a fault, which also has the line. */
int fb_template_render(const char *name, struct fb_str text, json_t *values, enum fb_escape escape, struct fb_arena *arena,
                       struct fb_str *ret, struct fb_err *err);

/* Whether @text is sound and names nothing but the @n of @known (and {{.}}). The fault says what is not known. */
int fb_template_check(const char *name, struct fb_str text, const struct fb_str *known, size_t n, struct fb_arena *arena, struct fb_err *err);

/* Reads <data_dir>/templates/<language>/<file>. */
int fb_template_read(const char *data_dir, const char *language, const char *file, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

#endif
