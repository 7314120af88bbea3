/* The arithmetic of the encoder. Compiled once for each kind of processor, FB_KERNELS being the name of the table that this
 * time comes of it, and with fast-math: no value here is ever NaN or infinite.
 *
 * What decides the speed is the product of bytes. AVX2 has no instruction that multiplies bytes and adds in 32 bits, only one
 * that adds two products in 16; widening each of its sums would cost as much as the products. So four of them are added up
 * first, which the weights are made for (see struct fb_weights): half as fast again as what knows nothing of the weights. */
#include "judge/kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#ifdef __AVX512VNNI__
enum { LANES = 16, TILE = 8, FLOAT_TILE = 12 };
#else
enum { LANES = 8, TILE = 3, FLOAT_TILE = 6 };
#endif
enum { PARTS = FB_PANEL / LANES };

_Static_assert(FB_TILES % TILE == 0 && FB_TILES % FLOAT_TILE == 0, "whole tiles fill a block");

typedef float floats __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(LANES * 4)));

/* ---- products of bytes ---- */

static inline int32_t four(const uint8_t *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* Adds to the sums of a tile what 16 inputs give: @w is 16 inputs of a panel. */
#ifdef __AVX512VNNI__
static inline __attribute__((always_inline)) void add_products(const uint8_t *x, size_t stride, const int8_t *w, ints sum[TILE][PARTS])
{
    for (int k = 0; k < 4; k++) {
        __m512i v = _mm512_load_si512(w + k * 64);
#pragma GCC unroll 8
        for (int r = 0; r < TILE; r++)
            sum[r][0] = (ints)_mm512_dpbusd_epi32((__m512i)sum[r][0], _mm512_set1_epi32(four(x + (size_t)r * stride + k * 4)), v);
    }
}
#else
static inline __attribute__((always_inline)) void add_products(const uint8_t *x, size_t stride, const int8_t *w, ints sum[TILE][PARTS])
{
    const __m256i one = _mm256_set1_epi16(1), *v = (const __m256i *)w;
#pragma GCC unroll 8
    for (int r = 0; r < TILE; r++, x += stride) {
        __m256i low = _mm256_setzero_si256(), high = low;
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            __m256i q = _mm256_set1_epi32(four(x + k * 4));
            low = _mm256_add_epi16(low, _mm256_maddubs_epi16(q, v[2 * k]));
            high = _mm256_add_epi16(high, _mm256_maddubs_epi16(q, v[2 * k + 1]));
        }
        sum[r][0] += (ints)_mm256_madd_epi16(low, one);
        sum[r][1] += (ints)_mm256_madd_epi16(high, one);
    }
}
#endif

/* TILE rows from row @at, one panel of outputs from output @o. */
static inline void product_tile(const struct fb_bytes *x, size_t at, const struct fb_weights *w, int o, float *restrict y, size_t stride)
{
    const uint8_t *q = x->q + at * (size_t)w->in;
    const int8_t *v = w->q + (size_t)o * (size_t)w->in;
    ints sum[TILE][PARTS] = {0};
    for (int i = 0; i < w->in; i += 16)
        add_products(q + i, (size_t)w->in, v + i * FB_PANEL, sum);
    for (size_t r = 0; r < TILE; r++)
        for (int p = 0; p < PARTS; p++) {
            const floats *scale = (const floats *)(w->scale + o) + p, *total = (const floats *)(w->sum + o) + p, *bias = (const floats *)(w->bias + o) + p;
            floats *to = (floats *)(y + (at + r) * stride + o) + p;
            *to = __builtin_convertvector(sum[r][p], floats) * *scale * x->step[at + r] + *total * x->low[at + r] + *bias;
        }
}

static void product(const struct fb_bytes *x, size_t n, const struct fb_weights *w, float *restrict y, size_t stride)
{
    for (int o = 0; o < w->out; o += FB_PANEL)
        for (size_t at = 0; at < n; at += TILE)
            product_tile(x, at, w, o, y, stride);
}

static void row_to_bytes(const float *restrict x, int n, uint8_t *restrict q, float *ret_step, float *ret_low)
{
    float low = x[0], high = x[0];
    for (int i = 1; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    float step = (high - low + 1e-20f) / FB_BYTE, k = 1 / step;
    for (int i = 0; i < n; i++)
        q[i] = (uint8_t)(int)((x[i] - low) * k + 0.5f);
    *ret_step = step;
    *ret_low = low;
}

static void to_bytes(const float *restrict x, size_t n, int columns, size_t stride, const struct fb_bytes *ret)
{
    for (size_t i = 0; i < n; i++)
        row_to_bytes(x + i * stride, columns, ret->q + i * (size_t)columns, &ret->step[i], &ret->low[i]);
}

/* ---- attention ---- */

/* 2^x, within 3 parts in a million: minimax polynomial of the fraction. */
static inline float two_to(float x)
{
    x = x < -126 ? -126 : x;
    float k = rintf(x), f = x - k;
    union {
        float f;
        int32_t i;
    } p = {(((0.00957010956f * f + 0.0559178988f) * f + 0.24024745f) * f + 0.69312181f) * f + 0.999999261f};
    p.i += (int32_t)k * (1 << 23);
    return p.f;
}

/* Scores times @k, plus @near where there is one, become weights. Returns what they add up to. */
static float soften(float *x, size_t n, float k, const float *near)
{
    const float log2e = 1.44269504f;
    float most = -1e30f, sum = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = (x[i] * k + (near ? near[i] : 0)) * log2e;
        most = x[i] > most ? x[i] : most;
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = two_to(x[i] - most);
        sum += x[i];
    }
    return sum;
}

/* y = A B for FLOAT_TILE rows and FB_PANEL columns, over @n. */
static inline void float_tile(const float *a, size_t a_stride, const float *b, size_t b_stride, size_t n, float *restrict y, size_t y_stride)
{
    floats sum[FLOAT_TILE][PARTS] = {0};
    for (size_t k = 0; k < n; k++, b += b_stride) {
        const floats *v = (const floats *)b;
#pragma GCC unroll 12
        for (size_t r = 0; r < FLOAT_TILE; r++)
#pragma GCC unroll 2
            for (int p = 0; p < PARTS; p++)
                sum[r][p] += v[p] * a[r * a_stride + k];
    }
#pragma GCC unroll 12
    for (size_t r = 0; r < FLOAT_TILE; r++)
#pragma GCC unroll 2
        for (int p = 0; p < PARTS; p++)
            ((floats *)(y + r * y_stride))[p] = sum[r][p];
}

/* Lays keys by dimension and values by token, close together; keys past the last token are 0. */
static void gather(const float *rows, size_t n, size_t wide, size_t padded, struct fb_attention *m)
{
    const size_t head = wide / FB_HEADS, row = 3 * wide;
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < head; d++)
            m->keys[d * padded + i] = rows[i * row + wide + d];
        memcpy(m->values + i * head, rows + i * row + 2 * wide, head * sizeof(float));
    }
    for (size_t d = 0; d < head; d++)
        memset(m->keys + d * padded + n, 0, (padded - n) * sizeof(float));
}

static void attend(float *rows, size_t n, int wide, const float *near, struct fb_attention *m)
{
    const size_t padded = (n + FB_PANEL - 1) / FB_PANEL * FB_PANEL, head = (size_t)wide / FB_HEADS, row = 3 * (size_t)wide;
    const float k = 1 / sqrtf((float)head);
    gather(rows, n, (size_t)wide, padded, m);
    for (size_t at = 0; at < n; at += FLOAT_TILE) {
        float *query = rows + at * row, sums[FLOAT_TILE];
        for (size_t j = 0; j < n; j += FB_PANEL)
            float_tile(query, row, m->keys + j, padded, head, m->scores + j, padded);
        for (size_t r = 0; r < FLOAT_TILE; r++)
            sums[r] = soften(m->scores + r * padded, n, k, near && at + r < n ? near - (at + r) : NULL);
        for (size_t d = 0; d < head; d += FB_PANEL)
            float_tile(m->scores, padded, m->values + d, head, n, query + d, row);
        for (size_t r = 0; r < FLOAT_TILE; r++)
            for (size_t d = 0; d < head; d++)
                query[r * row + d] /= sums[r];
    }
}

/* ---- rows ---- */

static void add_and_norm(float *restrict x, const float *restrict add, const struct fb_norm *norm)
{
    const int n = norm->wide;
    float sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        x[i] += add[i];
        sum += x[i];
    }
    float mean = sum / (float)n;
    for (int i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    float k = 1 / sqrtf(squares / (float)n + 1e-12f);
    for (int i = 0; i < n; i++)
        x[i] = (x[i] - mean) * k * norm->weight[i] + norm->bias[i];
}

/* GELU (Hendrycks & Gimpel 2016), within 0.0002: x times the normal distribution, of which the odd part is a minimax
 * polynomial up to 4. */
static void gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float z = x[i] < -4 ? -4 : x[i] > 4 ? 4 : x[i], s = z * z;
        float p = (((((2.27838256e-8f * s - 1.59874193e-6f) * s + 4.79587348e-5f) * s - 0.000814052271f) * s + 0.00877260464f) * s - 0.0645737118f) * s;
        x[i] *= 0.5f + z * (p + 0.397883936f);
    }
}

static float dot(const float *restrict a, const float *restrict b, int n)
{
    float s = 0;
    for (int i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

static void add_weighted(float *restrict sum, const float *restrict x, int n, float w)
{
    for (int i = 0; i < n; i++)
        sum[i] += x[i] * w;
}

static bool run_here(void)
{
#ifdef __AVX512VNNI__
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
#else
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
}

const struct fb_kernels FB_KERNELS = {run_here, product, to_bytes, attend, add_and_norm, gelu, dot, add_weighted};
