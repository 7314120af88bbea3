/* The sender's own words: no quoted reply, no forwarded part, no signature, no disclaimer, no phone footer. And what they
 * answer, as far as the message quotes it. */
#ifndef FB_MAIL_OWN_H
#define FB_MAIL_OWN_H

#include "base/arena.h"

#define FB_QUOTED_MAX 16384

/* The newest mail that is quoted or forwarded. All are views into the text that it was found in. */
struct fb_quoted {
    struct fb_str intro; /* what introduces it: an attribution, or a divider and header lines; empty where nothing does */
    struct fb_str body;  /* what follows, at most FB_QUOTED_MAX bytes, as it stands there: fb_quoted_words reads it */
    struct fb_str name, addr, when; /* who wrote it, and when, as far as @intro tells (addr as it is written there): else empty */
    bool forwarded;      /* @intro says so; else it is answered */
};

struct fb_own {
    struct fb_str text;    /* own words, LF line ends; lines that a mail client wrapped are joined; an empty line stands
                            * between paragraphs and where something was left out */
    size_t sentences_n;
    struct fb_str *sentences; /* views into text; end at '.', '!', '?' (with what closes behind it) or a line end */
    struct fb_quoted quoted;  /* views into the text given; all empty where nothing is quoted */
};

/* @text: UTF-8, LF line ends, as struct fb_message has it. Inline answers are kept, what they answer is not. */
int fb_own_words(struct fb_arena *arena, struct fb_str text, struct fb_own *ret, struct fb_err *err);

/* The words of the quoted mail itself, as fb_own_words finds those of a message: without quote marks, the answers between
 * its lines, the older mails below it. It costs as much again, so ask only where it matters. */
int fb_quoted_words(struct fb_arena *arena, const struct fb_quoted *q, struct fb_own *ret, struct fb_err *err);

/* When it was sent, in seconds since 1970. Mail clients write their own clock, mostly without a zone: that of the message
 * (its date_s and tz_min) is assumed. False where @q->when is empty or tells no day. */
bool fb_quoted_time(const struct fb_quoted *q, int64_t date_s, int tz_min, int64_t *ret_s);

#endif
