/* The messages that should come first, as links that open them in the visitor's mail program (RFC 6068). */
#ifndef FB_WEB_LETTERS_H
#define FB_WEB_LETTERS_H

#include <jansson.h>

#include "web/site.h"

/* Gives each rule of @facts its letters, as page.txt has them: "letters":[{"label":"...", "says":"...", "href":"mailto:..."},...]. Who is
 * written to stands in the facts and is never one who read it by Bcc. */
int web_letters(const struct fb_parts *texts, json_t *facts, struct fb_arena *arena, struct fb_err *err);

#endif
