/* What lies between the matrix products: one pass over a row each. Compiled with fast-math (no value here is ever NaN or
 * infinite), once for each width of registers: FB_PASSES is the name of the table that this time comes of it. */
#include "judge/passes.h"

#include <math.h>

static void add_and_norm(float *restrict x, const float *restrict add, const struct fb_norm *norm)
{
    float sum = 0, squares = 0;
    for (int i = 0; i < FB_WIDE; i++) {
        x[i] += add[i];
        sum += x[i];
    }
    float mean = sum / FB_WIDE;
    for (int i = 0; i < FB_WIDE; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    float k = 1 / sqrtf(squares / FB_WIDE + 1e-12f);
    for (int i = 0; i < FB_WIDE; i++)
        x[i] = (x[i] - mean) * k * norm->weight[i] + norm->bias[i];
}

static float to_bytes(const float *restrict x, int n, uint8_t *restrict q)
{
    float most = 1e-20f;
    for (int i = 0; i < n; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    float k = 127 / most;
    for (int i = 0; i < n; i++)
        q[i] = (uint8_t)(int)(x[i] * k + 128.5f);
    return most / 127;
}

static void to_floats(const int32_t *restrict sums, const int32_t *restrict zero, int n, float row, const float *restrict scale, const float *restrict bias,
                             float *restrict y)
{
    for (int i = 0; i < n; i++)
        y[i] = (float)(sums[i] - zero[i]) * row * scale[i] + bias[i];
}

/* e^x, within 2 units of float's precision where it matters here: Cephes' polynomial on [-ln2/2, ln2/2]. */
static inline __attribute__((always_inline)) float exp_of(float x)
{
    x = x < -87 ? -87 : x > 88 ? 88 : x;
    float k = rintf(x * 1.44269504f), r = x - k * 0.693359375f + k * 2.12194440e-4f;
    float p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 0.5f;
    union {
        int32_t i;
        float f;
    } two = {((int32_t)k + 127) << 23};
    return (p * r * r + r + 1) * two.f;
}

/* GELU by erf (Hendrycks & Gimpel 2016); erf by Abramowitz & Stegun 7.1.26, error below 1.5e-7. */
static void gelu(float *x, int n)
{
    for (int i = 0; i < n; i++) {
        float z = x[i] * 0.70710678f, a = fabsf(z), t = 1 / (1 + 0.3275911f * a);
        float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
        float erf_of_a = 1 - p * exp_of(-a * a);
        x[i] = 0.5f * x[i] * (1 + (z < 0 ? -erf_of_a : erf_of_a));
    }
}

static void softmax(float *x, int n, int padded)
{
    const float k = 0.17677670f; /* 1 / sqrt(HEAD) */
    float most = x[0], sum = 0;
    for (int i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (int i = 0; i < n; i++) {
        x[i] = exp_of((x[i] - most) * k);
        sum += x[i];
    }
    float part = 1 / sum;
    for (int i = 0; i < n; i++)
        x[i] *= part;
    for (int i = n; i < padded; i++)
        x[i] = 0;
}

static float dot(const float *restrict a, const float *restrict b, int n)
{
    float s = 0;
    for (int i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

static void add_weighted(float *restrict sum, const float *restrict x, float w)
{
    for (int i = 0; i < FB_WIDE; i++)
        sum[i] += x[i] * w;
}

const struct fb_passes FB_PASSES = {add_and_norm, to_bytes, to_floats, gelu, softmax, dot, add_weighted};
