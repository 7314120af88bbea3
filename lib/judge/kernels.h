/* The arithmetic of the encoder, once for each kind of processor. Products of bytes give the same sums on all of them; what
 * lies between differs in the last bits of a float.
 *
 * Rows come in blocks of whole tiles: every buffer has room for a multiple of FB_TILES rows, and what is in the rows past the
 * last is computed too and never read. */
#ifndef FB_JUDGE_KERNELS_H
#define FB_JUDGE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FB_WIDEST = 768,  /* a token's vector, at most */
    FB_HEADS = 12,    /* that attend side by side, each to its part of the vector */
    FB_LONGEST = 320, /* tokens */
    FB_PANEL = 16,    /* outputs whose weights lie side by side */
    FB_TILES = 24,    /* rows of the largest tiles, whatever the processor */
    FB_BYTE = 190,    /* the greatest byte of an activation: less precision here leaves the weights more, and they need it more */
    FB_SIGN_SUM = 32767 / FB_BYTE,
};

struct fb_norm {
    int wide;
    const float *weight, *bias; /* @wide of each */
};

/* A matrix of bytes, packed for all processors alike: a panel of FB_PANEL outputs after the other; in it, inputs by fours, for
 * each output. @in is a multiple of 16, @out of FB_PANEL; @q begins at a multiple of 64. Eight products meet in 16 bits where
 * the processor knows no better, those of the first or the last two of each four of 16 inputs: of their weights the positive
 * ones add up to FB_SIGN_SUM at most, the negative ones likewise, so that no sum ever overflows. */
struct fb_weights {
    int in, out;
    const int8_t *q;
    const float *scale, *sum, *bias; /* by output: what one step is worth; the sum of its weights; what is added */
};

/* Rows as bytes: each number is its row's low + step * byte. */
struct fb_bytes {
    uint8_t *q;
    float *step, *low;
};

/* Memory of one thread for fb_kernels.attend. */
struct fb_attention {
    float keys[FB_WIDEST / FB_HEADS * FB_LONGEST], values[FB_LONGEST * FB_WIDEST / FB_HEADS], scores[FB_TILES * FB_LONGEST];
};

struct fb_kernels {
    bool (*run_here)(void); /* whether this processor has what they need */
    /* y = x W' + bias, for @n rows; a row of y has w->out columns and begins @stride after the one before. */
    void (*product)(const struct fb_bytes *x, size_t n, const struct fb_weights *w, float *restrict y, size_t stride);
    /* @n rows of @columns, each beginning @stride after the one before, as bytes. */
    void (*to_bytes)(const float *restrict x, size_t n, int columns, size_t stride, const struct fb_bytes *ret);
    /* One head: @rows holds queries, keys and values of @n tokens side by side, 3 * @wide a row, and @rows points to the
     * head's own, of which each has @wide / FB_HEADS. Each token's values, mixed by how its query meets the keys, take the
     * place of its query. @near[d] is added to a score, d being the key's place less the query's; NULL: nothing. */
    void (*attend)(float *rows, size_t n, int wide, const float *near, struct fb_attention *memory);
    /* x = norm(x + add), in place; the variance's epsilon is BERT's. */
    void (*add_and_norm)(float *restrict x, const float *restrict add, const struct fb_norm *norm);
    /* x = GELU(x). */
    void (*gelu)(float *x, size_t n);
    float (*dot)(const float *restrict a, const float *restrict b, int n);
    /* sum += x * w, @n of them. */
    void (*add_weighted)(float *restrict sum, const float *restrict x, int n, float w);
};

extern const struct fb_kernels fb_kernels_avx2, fb_kernels_avx512;

#endif
