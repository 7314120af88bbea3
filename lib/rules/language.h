/* Whether a text is English, by its small words: the judge of meaning reads no other language. */
#ifndef FB_RULES_LANGUAGE_H
#define FB_RULES_LANGUAGE_H

#include "rules/text.h"

/* False where most of its small words are of another language, or where it is long and has hardly any English ones. A
 * greeting in another language does not disturb. */
bool fb_language_english(const struct fb_text *t);

#endif
