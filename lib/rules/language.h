/* Whether a text is mainly English: the judge of meaning reads no other language. */
#ifndef FB_RULES_LANGUAGE_H
#define FB_RULES_LANGUAGE_H

#include "judge/wordpiece.h"
#include "rules/text.h"

/* @vocab: the judge's, which knows most English words whole. False where more speaks for another language; a greeting, names
 * and single words in one do not disturb, and what is too short to tell is English. */
bool fb_language_english(const struct fb_text *t, const struct fb_vocab *vocab);

#endif
