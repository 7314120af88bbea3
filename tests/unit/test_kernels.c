/* The arithmetic of the encoder, on every kind of processor that this one can be: products of bytes are exact, however much
 * meets in them; the rest is what plain arithmetic gives. And the shipped weights keep to what exactness needs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/kernels.h"
#include "judge/model.h"

enum { IN = 48, OUT = 32, ROWS = FB_TILES, STRIDE = 40, TOKENS = 19, COLUMNS = 100 };

static const struct fb_kernels *const all[] = {&fb_kernels_avx2, &fb_kernels_avx512};

#define FOR_EACH_KERNELS(k) \
    for (size_t i_ = 0; i_ < sizeof all / sizeof *all; i_++) \
        for (const struct fb_kernels *k = all[i_]->run_here() ? all[i_] : NULL; k; k = NULL)

static float random_float(void)
{
    return (float)(rand() % 2001 - 1000) / 500;
}

/* Where the weight of an input and an output lies. */
static size_t packed_at(size_t o, size_t i, size_t in)
{
    return o / FB_PANEL * FB_PANEL * in + i / 4 * 4 * FB_PANEL + o % FB_PANEL * 4 + i % 4;
}

/* Eight weights that meet, as far as they may go: one byte full, the rest in another; random ones elsewhere. */
static int8_t weight(size_t o, size_t i)
{
    int sign = o % 2 ? -1 : 1;
    if (o < 4)
        return (int8_t)(sign * (i % 16 < 2 ? FB_SIGN_SUM / 2 : 0));
    return o < 8 ? (int8_t)(sign * (FB_SIGN_SUM / 8)) : (int8_t)(rand() % 43 - 21);
}

static void products_of_bytes_are_exact(void **state)
{
    (void)state;
    static _Alignas(64) int8_t q[IN * OUT];
    static uint8_t x[ROWS * IN];
    static float scale[OUT], sum[OUT], bias[OUT], step[ROWS], low[ROWS], y[ROWS * STRIDE];
    for (size_t o = 0; o < OUT; o++) {
        scale[o] = 1, bias[o] = (float)o, sum[o] = 2;
        for (size_t i = 0; i < IN; i++)
            q[packed_at(o, i, IN)] = weight(o, i);
    }
    for (size_t r = 0; r < ROWS; r++)
        step[r] = 1, low[r] = (float)r;
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = i < 4 * IN ? FB_BYTE : (uint8_t)(rand() % (FB_BYTE + 1));
    struct fb_weights w = {IN, OUT, q, scale, sum, bias};
    FOR_EACH_KERNELS(k) {
        k->product(&(struct fb_bytes){x, step, low}, ROWS - 1, &w, y, STRIDE);
        for (size_t r = 0; r < ROWS - 1; r++)
            for (size_t o = 0; o < OUT; o++) {
                int want = (int)(2 * r + o);
                for (size_t i = 0; i < IN; i++)
                    want += x[r * IN + i] * q[packed_at(o, i, IN)];
                assert_int_equal((int)y[r * STRIDE + o], want);
            }
    }
}

static void bytes_stand_for_their_numbers(void **state)
{
    (void)state;
    float x[2 * COLUMNS], step[2], low[2];
    uint8_t q[2 * COLUMNS];
    for (size_t i = 0; i < 2 * COLUMNS; i++)
        x[i] = i < COLUMNS ? random_float() : 3;
    FOR_EACH_KERNELS(k) {
        k->to_bytes(x, 2, COLUMNS, COLUMNS, &(struct fb_bytes){q, step, low});
        for (size_t i = 0; i < 2 * COLUMNS; i++) {
            size_t row = i / COLUMNS;
            assert_true(q[i] <= FB_BYTE);
            assert_true(fabsf(low[row] + step[row] * q[i] - x[i]) <= 0.501f * step[row] + 1e-6f);
        }
    }
}

struct head {
    size_t wide, n; /* of a token's vector; of the head's part */
    const float *near;
};

/* What the token @i should come to be. */
static void attend_plainly(const struct head *h, const float *rows, size_t i, double *ret)
{
    double sum = 0;
    memset(ret, 0, h->n * sizeof *ret);
    for (size_t j = 0; j < TOKENS; j++) {
        const float *key = rows + (j * 3 + 1) * h->wide, *values = key + h->wide;
        double score = 0;
        for (size_t d = 0; d < h->n; d++)
            score += rows[i * 3 * h->wide + d] * key[d];
        double part = exp(score / sqrt((double)h->n) + (h->near ? h->near[(ptrdiff_t)j - (ptrdiff_t)i] : 0));
        sum += part;
        for (size_t d = 0; d < h->n; d++)
            ret[d] += part * values[d];
    }
    for (size_t d = 0; d < h->n; d++)
        ret[d] /= sum;
}

static void check_attention(const struct fb_kernels *k, const struct head *h)
{
    static float before[ROWS * 3 * FB_WIDEST], rows[ROWS * 3 * FB_WIDEST];
    static struct fb_attention memory;
    double want[FB_WIDEST / FB_HEADS];
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        rows[i] = before[i] = random_float();
    k->attend(rows, TOKENS, (int)h->wide, h->near, &memory);
    for (size_t i = 0; i < TOKENS; i++) {
        attend_plainly(h, before, i, want);
        for (size_t d = 0; d < h->n; d++)
            assert_true(fabs(rows[i * 3 * h->wide + d] - want[d]) < 1e-4);
    }
}

static void attention_mixes_what_it_should(void **state)
{
    (void)state;
    float near[2 * TOKENS];
    for (size_t i = 0; i < 2 * TOKENS; i++)
        near[i] = random_float();
    FOR_EACH_KERNELS(k) {
        check_attention(k, &(struct head){384, 32, NULL});
        check_attention(k, &(struct head){768, 64, near + TOKENS});
    }
}

static void gelu_is_close_to_what_it_stands_for(void **state)
{
    (void)state;
    FOR_EACH_KERNELS(k)
        for (double at = -20; at < 20; at += 0.01) {
            float x[1] = {(float)at};
            k->gelu(x, 1);
            assert_true(fabs(x[0] - at * 0.5 * (1 + erf(at / sqrt(2)))) < 0.0005);
        }
}

static void check_sums(const int8_t *q, size_t in, size_t out)
{
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i += 16)
            for (size_t half = 0; half < 4; half += 2) {
                int up = 0, down = 0;
                for (size_t k = 0; k < 16; k++) {
                    int v = k % 4 / 2 * 2 == half ? q[packed_at(o, i + k, in)] : 0;
                    up += v > 0 ? v : 0;
                    down += v < 0 ? v : 0;
                }
                assert_in_range(up, 0, FB_SIGN_SUM);
                assert_in_range(-down, 0, FB_SIGN_SUM);
            }
}

static void check_model(const char *path)
{
    static const char *const products[] = {"qkv", "out", "up", "down"};
    struct fb_model *m;
    struct fb_err err;
    char name[48];
    assert_int_equal(fb_model_open(path, &m, &err), 0);
    int layers = 0;
    for (bool more = true; more; layers += more)
        for (size_t p = 0; p < 4; p++) {
            const int8_t *q;
            size_t out, in;
            snprintf(name, sizeof name, "layer.%d.%s.q", layers, products[p]);
            more = fb_model_shape(m, name, &out, &in);
            if (!more)
                break;
            assert_int_equal(fb_model_s8(m, name, out, in, &q, &err), 0);
            check_sums(q, in, out);
        }
    assert_true(layers >= 6);
    fb_model_close(m);
}

static void no_sum_of_the_shipped_weights_overflows(void **state)
{
    (void)state;
    check_model(TEST_MODEL);
    check_model(TEST_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_bytes_are_exact),
        cmocka_unit_test(bytes_stand_for_their_numbers),
        cmocka_unit_test(attention_mixes_what_it_should),
        cmocka_unit_test(gelu_is_close_to_what_it_stands_for),
        cmocka_unit_test(no_sum_of_the_shipped_weights_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
