/* The own words as words: what phrases are matched on and names are found in. */
#ifndef FB_RULES_TEXT_H
#define FB_RULES_TEXT_H

#include "base/arena.h"

/* A word is letters, digits and what UTF-8 has beyond ASCII, with apostrophes inside it. A contraction is two words, each
 * with the whole of it as its text: "didn't" is "did" and "not", "you're" is "you" and "are". */
struct fb_word {
    struct fb_str text; /* as written: a view into the own words */
    struct fb_str norm; /* folded: lower case, accents dropped, apostrophes plain */
    uint32_t hash;      /* fb_hash of norm */
    uint32_t sentence;
    uint32_t person;    /* how many words of a person's name begin here; 0: none. Set by fb_case_make */
};

struct fb_text {
    size_t n;
    struct fb_word *v;
    size_t sentences_n;
    const struct fb_str *sentences; /* as written */
    const size_t *first; /* of each sentence, its first word; sentences_n + 1 of them */
};

/* Cuts @sentences into words. Fails for lack of memory alone. */
int fb_text_cut(struct fb_arena *arena, const struct fb_str *sentences, size_t n, struct fb_text *ret, struct fb_err *err);

/* The next word of *rest as written, from its first to its last letter. False when none is left. */
bool fb_text_word(struct fb_str *rest, struct fb_str *ret);
/* A word folded as .norm is. p is NULL for lack of memory. */
struct fb_str fb_text_fold(struct fb_arena *arena, struct fb_str word);
/* A folded word as one word or as the two that a contraction stands for: how many. */
size_t fb_text_parts(struct fb_str folded, struct fb_str ret[2]);
/* From the first of @n words at @first to the end of the last, as written (they are in one sentence). */
struct fb_str fb_text_span(const struct fb_text *t, size_t first, size_t n);

/* Whether @s is UTF-8 (RFC 3629). */
bool fb_text_utf8(struct fb_str s);

#endif
