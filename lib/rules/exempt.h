/* Who is exempt from a rule, or from all: people, groups and pairs whom the admin names (rules.conf, exempt).
 *
 *   ana@example.org                     what she writes
 *   @lab.example.org                    what anybody at that domain writes
 *   night.crew@example.org              a list of the lists file: what its members write
 *   ana@example.org > ben@example.org   what the first writes to the second: the second is all of To; others may read it in copy
 *
 * Entries are separated by blanks or commas; either side of a pair may be a person, a domain or a list. */
#ifndef FB_RULES_EXEMPT_H
#define FB_RULES_EXEMPT_H

#include "rules/case.h"

struct fb_exempt {
    struct fb_str entry;    /* as written */
    struct fb_str from, to; /* lower case; @to empty: to whomever */
};

struct fb_exempts {
    size_t n;
    struct fb_exempt *v;
};

/* A fault says what is wrong with which entry. */
int fb_exempts_parse(struct fb_arena *arena, struct fb_str text, struct fb_exempts *ret, struct fb_err *err);
/* The entry that exempts the case, as written; empty where none does. */
struct fb_str fb_exempts_entry(const struct fb_exempts *e, const struct fb_case *c);

#endif
