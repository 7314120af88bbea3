/* What lies between the matrix products of the encoder, one pass over a row each. */
#ifndef FB_JUDGE_PASSES_H
#define FB_JUDGE_PASSES_H

#include <stdint.h>

enum { FB_WIDE = 384 };

struct fb_norm {
    const float *weight, *bias; /* FB_WIDE of each */
};

/* x = norm(x + add), in place; the variance's epsilon is BERT's. */
void fb_add_and_norm(float *restrict x, const float *restrict add, const struct fb_norm *norm);

/* q = x as bytes, 128 standing for 0; returns what one step of q is worth. */
float fb_to_bytes(const float *restrict x, int n, uint8_t *restrict q);

void fb_to_floats(const int32_t *restrict sums, const int32_t *restrict zero, int n, float row, const float *restrict scale, const float *restrict bias,
                             float *restrict y);

/* GELU by erf (Hendrycks & Gimpel 2016); erf by Abramowitz & Stegun 7.1.26, error below 1.5e-7. */
void fb_gelu(float *x, int n);

/* The first @n of a row of scores become weights that add up to 1, the rest of @padded become 0. */
void fb_softmax(float *x, int n, int padded);

float fb_dot(const float *restrict a, const float *restrict b, int n);

void fb_add_weighted(float *restrict sum, const float *restrict x, float w);

#endif
