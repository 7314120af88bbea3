/* What lies between the matrix products of the encoder, one pass over a row each. */
#ifndef FB_JUDGE_PASSES_H
#define FB_JUDGE_PASSES_H

#include <stdint.h>

enum { FB_WIDE = 384 };

struct fb_norm {
    const float *weight, *bias; /* FB_WIDE of each */
};

struct fb_passes {
    /* x = norm(x + add), in place; the variance's epsilon is BERT's. */
    void (*add_and_norm)(float *restrict x, const float *restrict add, const struct fb_norm *norm);
    /* q = x as bytes, 128 standing for 0; returns what one step of q is worth. */
    float (*to_bytes)(const float *restrict x, int n, uint8_t *restrict q);
    /* y = (sums - zero) * row * scale + bias: from a product of bytes back to numbers. */
    void (*to_floats)(const int32_t *restrict sums, const int32_t *restrict zero, int n, float row, const float *restrict scale,
                      const float *restrict bias, float *restrict y);
    /* x = GELU(x). */
    void (*gelu)(float *x, int n);
    /* The first @n of a row of scores become weights that add up to 1, the rest of @padded become 0. */
    void (*softmax)(float *x, int n, int padded);
    float (*dot)(const float *restrict a, const float *restrict b, int n);
    /* sum += x * w, FB_WIDE of them. */
    void (*add_weighted)(float *restrict sum, const float *restrict x, float w);
};

extern const struct fb_passes fb_passes_avx2, fb_passes_avx512;

#endif
