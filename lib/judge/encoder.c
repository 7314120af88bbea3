/* The encoder: which numbers meet in which order; how, is the kernels' business (judge/kernels.h).
 *
 * Rows go through products in blocks that fit a core's cache. Nothing is padded: a text costs what its tokens cost. */
#include "judge/encoder.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/model.h"

enum {
    LAYERS = 6,
    WIDE = FB_WIDE,
    HEADS = WIDE / FB_HEAD,
    INNER = 1536,
    VOCAB = 30522,
    BLOCK = 2 * FB_TILES, /* rows that go through products together */
    ROWS = (FB_ENCODER_LONGEST + FB_TILES - 1) / FB_TILES * FB_TILES,
};

/* The four products of a layer. */
enum product { QKV, OUT, UP, DOWN, PRODUCTS };

static const struct {
    const char *name;
    int in, out;
} shapes[PRODUCTS] = {
    [QKV] = {"qkv", WIDE, 3 * WIDE},
    [OUT] = {"out", WIDE, WIDE},
    [UP] = {"up", WIDE, INNER},
    [DOWN] = {"down", INNER, WIDE},
};

struct linear {
    const float *weight, *bias;
};

struct layer {
    struct fb_weights product[PRODUCTS];
    struct fb_norm norm1, norm2;
};

struct fb_encoder {
    const struct fb_kernels *kernels;
    struct fb_model *model;
    struct fb_arena *arena;
    const struct fb_vocab *vocab;
    const int8_t *word;
    const float *word_scale, *position, *type;
    struct fb_norm norm;
    struct layer layers[LAYERS];
    struct linear hold, rules, tok, act, exits[FB_ENCODER_EXITS], exit_toks[FB_ENCODER_EXITS];
};

struct fb_scratch {
    float x[ROWS * WIDE], qkv[ROWS * 3 * WIDE], inner[BLOCK * INNER], step[BLOCK], low[BLOCK];
    uint8_t q[BLOCK * INNER];
    struct fb_attention attention;
    const struct fb_encoder *e;
    size_t n; /* tokens of the last run */
};

/* ---- the file ---- */

static int get_norm(const struct fb_model *m, const char *name, struct fb_norm *ret, struct fb_err *err)
{
    char weight[80], bias[80];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    return fb_model_f32(m, weight, 1, WIDE, &ret->weight, err) || fb_model_f32(m, bias, 1, WIDE, &ret->bias, err) ? -1 : 0;
}

static int get_head(const struct fb_model *m, const char *name, size_t outputs, size_t inputs, struct linear *ret, struct fb_err *err)
{
    char weight[80], bias[80];
    snprintf(weight, sizeof weight, "head.%s.weight", name);
    snprintf(bias, sizeof bias, "head.%s.bias", name);
    return fb_model_f32(m, weight, outputs, inputs, &ret->weight, err) || fb_model_f32(m, bias, 1, outputs, &ret->bias, err) ? -1 : 0;
}

static int get_heads(struct fb_encoder *e, struct fb_err *err)
{
    const struct fb_model *m = e->model;
    for (int i = 0; i < FB_ENCODER_EXITS; i++) {
        char name[16], tok[16];
        snprintf(name, sizeof name, "exit.%d", i);
        snprintf(tok, sizeof tok, "exit_tok.%d", i);
        if (get_head(m, name, 1, 3 * WIDE, &e->exits[i], err) || get_head(m, tok, 1, WIDE, &e->exit_toks[i], err))
            return -1;
    }
    return get_head(m, "hold", 1, 3 * WIDE, &e->hold, err) || get_head(m, "rules", FB_ENCODER_RULES, 3 * WIDE, &e->rules, err) ||
                   get_head(m, "tok", 1, WIDE, &e->tok, err) || get_head(m, "act", FB_ENCODER_ACTS, WIDE, &e->act, err)
               ? -1
               : 0;
}

static int get_embeddings(struct fb_encoder *e, struct fb_err *err)
{
    const struct fb_model *m = e->model;
    struct fb_str vocab;
    return fb_model_bytes(m, "vocab", &vocab, err) || fb_vocab_open(e->arena, vocab, &e->vocab, err) ||
                   fb_model_s8(m, "word.q", VOCAB, WIDE, &e->word, err) ||
                   fb_model_f32(m, "word.scale", 1, VOCAB, &e->word_scale, err) ||
                   fb_model_f32(m, "position", FB_ENCODER_LONGEST, WIDE, &e->position, err) ||
                   fb_model_f32(m, "type", 2, WIDE, &e->type, err) || get_norm(m, "norm", &e->norm, err)
               ? -1
               : 0;
}

static int get_weights(const struct fb_model *m, int layer, enum product p, struct fb_weights *ret, struct fb_err *err)
{
    const size_t in = (size_t)shapes[p].in, out = (size_t)shapes[p].out;
    const struct {
        const char *name;
        const float **to;
    } parts[] = {{"scale", &ret->scale}, {"sum", &ret->sum}, {"bias", &ret->bias}};
    char name[48];
    ret->in = shapes[p].in;
    ret->out = shapes[p].out;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(name, sizeof name, "layer.%d.%s.%s", layer, shapes[p].name, parts[i].name);
        if (fb_model_f32(m, name, 1, out, parts[i].to, err))
            return -1;
    }
    snprintf(name, sizeof name, "layer.%d.%s.q", layer, shapes[p].name);
    return fb_model_s8(m, name, out, in, &ret->q, err);
}

static int get_layer(struct fb_encoder *e, int l, struct fb_err *err)
{
    struct layer *y = &e->layers[l];
    char name[48];
    for (int p = 0; p < PRODUCTS; p++)
        if (get_weights(e->model, l, p, &y->product[p], err))
            return -1;
    snprintf(name, sizeof name, "layer.%d.norm1", l);
    if (get_norm(e->model, name, &y->norm1, err))
        return -1;
    snprintf(name, sizeof name, "layer.%d.norm2", l);
    return get_norm(e->model, name, &y->norm2, err);
}

static int load(struct fb_encoder *e, const char *path, struct fb_err *err)
{
    if (fb_model_open(path, &e->model, err) || get_embeddings(e, err) || get_heads(e, err))
        return -1;
    for (int l = 0; l < LAYERS; l++)
        if (get_layer(e, l, err))
            return -1;
    return 0;
}

static const struct fb_kernels *best_kernels(void)
{
    return fb_kernels_avx512.run_here() ? &fb_kernels_avx512 : fb_kernels_avx2.run_here() ? &fb_kernels_avx2 : NULL;
}

int fb_encoder_open(const char *path, const struct fb_kernels *kernels, struct fb_encoder **ret, struct fb_err *err)
{
    if (!kernels && !(kernels = best_kernels()))
        return FB_ENCODER_NO_CPU;
    struct fb_encoder *e = calloc(1, sizeof *e);
    if (!e || !(e->arena = fb_arena_new(1 << 24))) {
        free(e);
        return fb_fail_memory(err);
    }
    e->kernels = kernels;
    if (load(e, path, err)) {
        fb_encoder_close(e);
        return -1;
    }
    *ret = e;
    return 0;
}

void fb_encoder_close(struct fb_encoder *e)
{
    if (!e)
        return;
    fb_arena_free(e->arena);
    fb_model_close(e->model);
    free(e);
}

bool fb_encoder_is(const struct fb_encoder *e, const char *path)
{
    return fb_model_is(e->model, path);
}

const struct fb_vocab *fb_encoder_vocab(const struct fb_encoder *e)
{
    return e->vocab;
}

int fb_scratch_open(const struct fb_encoder *e, struct fb_scratch **ret, struct fb_err *err)
{
    void *memory;
    if (posix_memalign(&memory, 64, sizeof **ret))
        return fb_fail_memory(err);
    *ret = memset(memory, 0, sizeof **ret);
    (*ret)->e = e;
    return 0;
}

void fb_scratch_close(struct fb_scratch *s)
{
    free(s);
}

/* ---- a run ---- */

static void embed(struct fb_scratch *s, const int32_t *ids, const uint8_t *types)
{
    const struct fb_encoder *e = s->e;
    for (size_t i = 0; i < s->n; i++) {
        float *x = s->x + i * WIDE, other[WIDE];
        const int8_t *q = e->word + (size_t)ids[i] * WIDE;
        const float scale = e->word_scale[ids[i]], *position = e->position + i * WIDE, *type = e->type + types[i] * WIDE;
        for (int j = 0; j < WIDE; j++) {
            x[j] = (float)q[j] * scale;
            other[j] = position[j] + type[j];
        }
        e->kernels->add_and_norm(x, other, &e->norm);
    }
}

/* y = x W' + b for a block of rows, which begin @x_stride and @y_stride after one another. */
static void multiply(struct fb_scratch *s, const struct fb_weights *w, size_t n, const float *x, size_t x_stride, float *y, size_t y_stride)
{
    const struct fb_bytes bytes = {s->q, s->step, s->low};
    s->e->kernels->to_bytes(x, n, w->in, x_stride, &bytes);
    s->e->kernels->product(&bytes, n, w, y, y_stride);
}

static void add_and_norm(const struct fb_scratch *s, size_t n, float *x, const struct fb_norm *norm)
{
    for (size_t i = 0; i < n; i++)
        s->e->kernels->add_and_norm(x + i * WIDE, s->inner + i * WIDE, norm);
}

/* What a layer does to each row by itself, once attention has left its mixture where the queries were. */
static void finish_block(struct fb_scratch *s, const struct layer *y, size_t at, size_t n)
{
    float *x = s->x + at * WIDE;
    multiply(s, &y->product[OUT], n, s->qkv + at * 3 * WIDE, 3 * WIDE, s->inner, WIDE);
    add_and_norm(s, n, x, &y->norm1);
    multiply(s, &y->product[UP], n, x, WIDE, s->inner, INNER);
    s->e->kernels->gelu(s->inner, n * INNER);
    multiply(s, &y->product[DOWN], n, s->inner, INNER, s->inner, WIDE);
    add_and_norm(s, n, x, &y->norm2);
}

static size_t block_at(const struct fb_scratch *s, size_t at)
{
    return s->n - at < BLOCK ? s->n - at : BLOCK;
}

static void run_layer(struct fb_scratch *s, const struct layer *y)
{
    for (size_t at = 0; at < s->n; at += BLOCK)
        multiply(s, &y->product[QKV], block_at(s, at), s->x + at * WIDE, WIDE, s->qkv + at * 3 * WIDE, 3 * WIDE);
    for (int head = 0; head < HEADS; head++)
        s->e->kernels->attend(s->qkv + head * FB_HEAD, s->n, &s->attention);
    for (size_t at = 0; at < s->n; at += BLOCK)
        finish_block(s, y, at, block_at(s, at));
}

static float apply(const struct fb_encoder *e, const struct linear *l, int output, int inputs, const float *x)
{
    return e->kernels->dot(l->weight + output * inputs, x, inputs) + l->bias[output];
}

/* The mean over the text's tokens, weighted by the softmax of their evidence. */
static void pool_evidence(const struct fb_scratch *s, const uint8_t *types, const float *evidence, float ret[WIDE])
{
    float most = -INFINITY, sum = 0;
    memset(ret, 0, WIDE * sizeof *ret);
    for (size_t i = 0; i < s->n; i++)
        if (types[i] && evidence[i] > most)
            most = evidence[i];
    for (size_t i = 0; i < s->n; i++)
        if (types[i])
            sum += expf(evidence[i] - most);
    for (size_t i = 0; i < s->n && sum > 0; i++)
        if (types[i])
            s->e->kernels->add_weighted(ret, s->x + i * WIDE, expf(evidence[i] - most) / sum);
}

/* The first token, the mean of all, and the text's tokens by their evidence, which @tok tells: what hold and the exits see. */
static void pool(const struct fb_scratch *s, const uint8_t *types, const struct linear *tok, float *evidence, float ret[3 * WIDE])
{
    memcpy(ret, s->x, WIDE * sizeof *ret);
    memset(ret + WIDE, 0, WIDE * sizeof *ret);
    for (size_t i = 0; i < s->n; i++) {
        s->e->kernels->add_weighted(ret + WIDE, s->x + i * WIDE, 1.0f / (float)s->n);
        evidence[i] = apply(s->e, tok, 0, WIDE, s->x + i * WIDE);
    }
    pool_evidence(s, types, evidence, ret + 2 * WIDE);
}

void fb_encoder_run(struct fb_scratch *s, const int32_t *ids, const uint8_t *types, size_t n, float exit_below, struct fb_encoding *ret)
{
    assert(n >= 1 && n <= FB_ENCODER_LONGEST);
    const struct fb_encoder *e = s->e;
    float pooled[3 * WIDE];
    s->n = n;
    ret->left_early = false;
    embed(s, ids, types);
    for (int l = 0; l < LAYERS; l++) {
        run_layer(s, &e->layers[l]);
        if (l >= FB_ENCODER_EXITS)
            continue;
        pool(s, types, &e->exit_toks[l], ret->evidence, pooled);
        ret->hold = ret->exits[l] = apply(e, &e->exits[l], 0, 3 * WIDE, pooled);
        if (ret->hold < exit_below) {
            ret->left_early = true;
            return;
        }
    }
    pool(s, types, &e->tok, ret->evidence, pooled);
    ret->hold = apply(e, &e->hold, 0, 3 * WIDE, pooled);
    for (int r = 0; r < FB_ENCODER_RULES; r++)
        ret->rules[r] = apply(e, &e->rules, r, 3 * WIDE, pooled);
}

void fb_encoder_acts(const struct fb_scratch *s, size_t from, size_t to, float ret[FB_ENCODER_ACTS])
{
    float mean[WIDE] = {0};
    for (size_t i = from; i < to && i < s->n; i++)
        s->e->kernels->add_weighted(mean, s->x + i * WIDE, 1.0f / (float)(to - from));
    for (int a = 0; a < FB_ENCODER_ACTS; a++)
        ret[a] = apply(s->e, &s->e->act, a, WIDE, mean);
}
