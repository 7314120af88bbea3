/* The encoder: a BERT of 12 heads (Devlin et al. 2019; MiniLM, Wang et al. 2020) with the judge's heads, of as many layers and as
 * wide as its file says; where that has a tensor "near", attention leans on distance too (MPNet, Song et al. 2020). Weights are
 * bytes with a scale for each output, used where they lie in the mapped file; activations are made bytes row by row, with a scale
 * and a least value for each token.
 *
 * One struct fb_encoder serves all threads and never changes. Each judging thread has a struct fb_scratch of its own:
 * all memory that a run needs. A run allocates nothing. */
#ifndef FB_JUDGE_ENCODER_H
#define FB_JUDGE_ENCODER_H

#include "judge/kernels.h"
#include "judge/wordpiece.h"

enum { FB_ENCODER_LONGEST = FB_LONGEST, FB_ENCODER_RULES = 8, FB_ENCODER_ACTS = 25, FB_ENCODER_EXITS = 3 };

struct fb_encoder;
struct fb_scratch;

/* Maps the weights (judge/model.h). @kernels: NULL for the best that this processor has. Outcome: FB_ENCODER_NO_CPU where it
 * has not even AVX2: nothing is judged by meaning there. */
enum { FB_ENCODER_NO_CPU = 1 };
int fb_encoder_open(const char *path, const struct fb_kernels *kernels, struct fb_encoder **ret, struct fb_err *err);
void fb_encoder_close(struct fb_encoder *e); /* NULL is allowed; every scratch is closed before it */
bool fb_encoder_is(const struct fb_encoder *e, const char *path); /* as fb_model_is */
const struct fb_vocab *fb_encoder_vocab(const struct fb_encoder *e);
bool fb_encoder_same_vocab(const struct fb_encoder *a, const struct fb_encoder *b); /* so that tokens of one are tokens of the other */

int fb_scratch_open(const struct fb_encoder *e, struct fb_scratch **ret, struct fb_err *err);
void fb_scratch_close(struct fb_scratch *s); /* NULL is allowed */

struct fb_encoding {
    bool left_early;                       /* at an exit: only the exits up to it and hold (that exit's) are set */
    float hold;                            /* log-odds, natural log, that a wise colleague would say wait */
    float rules[FB_ENCODER_RULES];         /* log-odds, in the order of fb_meaning_rules */
    float exits[FB_ENCODER_EXITS];         /* early log-odds of hold, after layers 1, 2 and 3, where the file has exits */
    float evidence[FB_ENCODER_LONGEST];    /* by token: log-odds that it is part of the decisive words */
};

/* Runs over @n tokens (1 to FB_ENCODER_LONGEST); types[i] is 0 in the facts, 1 in the text. It is left at the first exit
 * whose log-odds are below @exit_below (-INFINITY: never). */
void fb_encoder_run(struct fb_scratch *s, const int32_t *ids, const uint8_t *types, size_t n, float exit_below, struct fb_encoding *ret);

/* After a full run: log-odds of the acts of the sentence that spans tokens [from, to). */
void fb_encoder_acts(const struct fb_scratch *s, size_t from, size_t to, float ret[FB_ENCODER_ACTS]);

#endif
