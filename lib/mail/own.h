/* The sender's own words: no quoted reply, no forwarded part, no signature, no disclaimer, no phone footer. */
#ifndef FB_MAIL_OWN_H
#define FB_MAIL_OWN_H

#include "base/arena.h"

struct fb_own {
    struct fb_str text;    /* own words, LF line ends; lines that a mail client wrapped are joined; an empty line stands
                            * between paragraphs and where something was left out */
    size_t sentences_n;
    struct fb_str *sentences; /* views into text; end at '.', '!', '?' (with what closes behind it) or a line end */
};

/* @text: UTF-8, LF line ends, as struct fb_message has it. Inline answers are kept, what they answer is not. */
int fb_own_words(struct fb_arena *arena, struct fb_str text, struct fb_own *ret, struct fb_err *err);

#endif
