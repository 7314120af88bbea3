/* The judge: what a text does to people in front of those who read it. Two segments go in, the facts of the audience and
 * the text with names as roles; log-odds come out. It gives signals and decides nothing.
 *
 * There may be two encoders: a small one that reads everything, and a larger one that reads again what the first suspects. Where
 * anything of a text was read again, only what was counts: the mean of both in log-odds of the whole, the second's for sentences.
 *
 * A text that is longer than the encoder takes is read in windows over its sentences, at most FB_MEANING_WINDOWS, with the
 * facts and the subject in each; every output is the greatest over the windows, and what is past the last is left out. */
#ifndef FB_JUDGE_MEANING_H
#define FB_JUDGE_MEANING_H

#include "judge/pool.h"

enum { FB_MEANING_WINDOWS = 4 };

extern const char *const fb_meaning_rules[FB_ENCODER_RULES]; /* public_shaming, ... */
extern const char *const fb_meaning_acts[FB_ENCODER_ACTS];   /* ask, ownership, ... */

struct fb_meaning_sentence {
    struct fb_str text;             /* a view into the text that was judged, ending at '.', '!', '?' or a line end */
    float acts[FB_ENCODER_ACTS];    /* log-odds; -100 where its window was left at an exit, as evidence and rules are */
    float evidence;                 /* the greatest log-odds of its tokens that they are among the decisive words */
};

struct fb_meaning {
    unsigned windows, again; /* how many were read, and how many of these by the second encoder too */
    bool left_early, cut; /* every window was left at an exit (then hold alone was judged); more text than the windows hold */
    float hold, rules[FB_ENCODER_RULES];
    size_t sentences_n;
    struct fb_meaning_sentence *sentences;
};

/* How a subject stands before the text: empty for an empty one; p is NULL where memory is out. */
struct fb_str fb_meaning_subject(struct fb_arena *arena, struct fb_str subject);

struct fb_meaning_readers {
    struct fb_pool *first, *second; /* of encoders of the same vocabulary; second NULL: there is none */
    float exit_below;               /* where the first leaves a window early: see fb_encoder_run */
    float again_above;              /* log-odds of hold above which the second reads a window */
};

/* @facts and @text as judge input (README of model/). What *ret points to lives in @arena. */
int fb_meaning_read(const struct fb_meaning_readers *by, struct fb_arena *arena, struct fb_str facts, struct fb_str subject, struct fb_str text,
                  struct fb_meaning *ret, struct fb_err *err);

#endif
