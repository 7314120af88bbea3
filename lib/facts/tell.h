/* Facts in another language than rules.conf and the signals, which are English: a language's rules.txt has texts that take their place.
 *
 * It is a template. Rendered with the name of a rule and the people at hand (rules/hand.def) it gives lines "Title: ", "Why: ",
 * "Advice: "; with {{#note}}, the name of a signal and {{who}}, a note; with {{#change}} the sentence that says it (see tell.c for names);
 * with {{#joined}} several names as one text. What it leaves out stays as it is, and so does what the admin wrote (rule member "own"). */
#ifndef FB_FACTS_TELL_H
#define FB_FACTS_TELL_H

#include "facts/facts.h"

/* @texts: rules.txt; empty: there is none, and nothing changes. Changes @facts. */
int fb_facts_tell(json_t *facts, struct fb_str texts, struct fb_arena *arena, struct fb_err *err);

/* Leaves evidence that quotes words only with the first rule that does, and of a rule's own no more than @most. Each rule gets "above":
 * whether it rests on words that one before it quotes. Evidence without words stays. Changes @facts. */
int fb_facts_quote_once(json_t *facts, size_t most, struct fb_err *err);

#endif
