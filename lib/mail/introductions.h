/* How mail clients introduce what they quote or forward. */
#ifndef FB_MAIL_INTRODUCTIONS_H
#define FB_MAIL_INTRODUCTIONS_H

#include "mail/lines.h"

/* Lines [begin, end). */
struct fb_introduction {
    size_t begin, end;
};

/* Whether line @i tells that all below it is quoted or forwarded, though not marked: a divider, the first line of a header
 * block, the last of an attribution. *ret is all of the introduction, which may begin above @i. */
bool fb_introduces_rest(const struct fb_lines *lines, size_t i, struct fb_introduction *ret);
/* The same of line @i, below which marked lines follow. */
bool fb_introduces_marked(const struct fb_lines *lines, size_t i, struct fb_introduction *ret);
/* An introduction that is itself marked, as Apple Mail writes it, with its first line at @i. */
bool fb_introduces_inside(const struct fb_lines *lines, size_t i, struct fb_introduction *ret);
/* A '>' that marks nothing: "> wrote:" closes the address at which an attribution was folded; GroupWise introduces with
 * ">>> Ann Smith <ann@example.com> 02/14/26 07:16PM >>>". */
bool fb_introduces_only(const struct fb_lines *lines, size_t i);

/* "From: Ann", "*Von:* Ann", "Objet : x". FB_LABELS where it is none. */
enum fb_label fb_label_of(struct fb_str line, struct fb_str *ret_value);

/* Verbs of attributions, in the same languages; ended by NULL. */
extern const char *const fb_wrote[];
bool fb_introduction_forwards(struct fb_str s); /* speaks of forwarding */

#endif
