/* The people at hand: what to call them in sentences that the sender reads, and the texts of rules that name them. */
#ifndef FB_RULES_HAND_H
#define FB_RULES_HAND_H

#include <jansson.h>

#include "rules/judge.h"

/* The given name where the directory has one and nobody else on the mail bears it; else the whole name, or the address. */
struct fb_str fb_hand_name(const struct fb_case *c, struct fb_about who);
/* The whole name, or the address; "somebody on Bcc" for who reads unseen: no notice ever lists them. */
struct fb_str fb_hand_shown(const struct fb_reader *r);

/* Whom the words that decided @f are about; both NULL where that is not known. */
struct fb_about fb_hand_person(const struct fb_case *c, const struct fb_finding *f);
/* Whom a sentence that overlaps @words is about. */
struct fb_about fb_hand_about(const struct fb_case *c, struct fb_str words);

/* {"person":{"name","address"},...}: the single ones of hand.def, as far as there is somebody; never one who reads by Bcc. */
json_t *fb_hand_people(const struct fb_case *c, const struct fb_finding *f);

/* The same by name, for texts in another language: {"person":"Ben", ..., "group":["Kevin","Rob"], "more":4}. NULL: out of memory. */
json_t *fb_hand_names(struct fb_arena *arena, const struct fb_case *c, const struct fb_finding *f);

/* Title, why and advice of what fires, filled with the people at hand. */
int fb_hand_fill(struct fb_arena *arena, struct fb_judgement *j, struct fb_err *err);
/* Whether @text is a sound template that names nobody else. */
int fb_hand_check(struct fb_arena *arena, struct fb_str text, struct fb_err *err);

#endif
