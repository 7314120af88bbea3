/* The encoder: which numbers meet in which order; how, is the kernels' business (judge/kernels.h). How many there are is read
 * from the shapes of the tensors.
 *
 * Rows go through products in blocks that fit a core's cache. Nothing is padded: a text costs what its tokens cost. */
#include "judge/encoder.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/model.h"

enum {
    LAYERS_MOST = 24,
    INNER_MOST = 4 * FB_WIDEST,
    DISTANCES = 2 * FB_LONGEST, /* key's place less query's, from -FB_LONGEST */
    VOCAB = 30522,
    BLOCK = 2 * FB_TILES, /* rows that go through products together */
    ROWS = (FB_ENCODER_LONGEST + FB_TILES - 1) / FB_TILES * FB_TILES,
};

/* The four products of a layer. */
enum product { QKV, OUT, UP, DOWN, PRODUCTS };

static const char *const product_names[PRODUCTS] = {[QKV] = "qkv", [OUT] = "out", [UP] = "up", [DOWN] = "down"};

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
    int layers_n, exits_n, wide, inner; /* wide: of a token's vector; inner: of what it grows to within a layer */
    struct fb_arena *arena;
    struct fb_str pieces;
    const struct fb_vocab *vocab; /* of them */
    const int8_t *word;
    const float *word_scale, *position, *type;
    const float *near; /* what is added to a score of attention by distance, DISTANCES for each head; NULL: nothing */
    struct fb_norm norm;
    struct layer layers[LAYERS_MOST];
    struct linear hold, rules, tok, act, exits[FB_ENCODER_EXITS], exit_toks[FB_ENCODER_EXITS];
};

struct fb_scratch {
    struct fb_attention attention;
    const struct fb_encoder *e;
    size_t n; /* tokens of the last run */
    float *x, *qkv, *inner, step[BLOCK], low[BLOCK];
    uint8_t *q;
    _Alignas(64) float memory[]; /* what they point to */
};

/* ---- the file ---- */

static int get_norm(const struct fb_encoder *e, const char *name, struct fb_norm *ret, struct fb_err *err)
{
    const struct fb_model *m = e->model;
    const size_t wide = (size_t)e->wide;
    char weight[80], bias[80];
    ret->wide = e->wide;
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    return fb_model_f32(m, weight, 1, wide, &ret->weight, err) || fb_model_f32(m, bias, 1, wide, &ret->bias, err) ? -1 : 0;
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
    const size_t wide = (size_t)e->wide;
    for (int i = 0; i < e->exits_n; i++) {
        char name[24], tok[24];
        snprintf(name, sizeof name, "exit.%d", i);
        snprintf(tok, sizeof tok, "exit_tok.%d", i);
        if (get_head(m, name, 1, 3 * wide, &e->exits[i], err) || get_head(m, tok, 1, wide, &e->exit_toks[i], err))
            return -1;
    }
    return get_head(m, "hold", 1, 3 * wide, &e->hold, err) || get_head(m, "rules", FB_ENCODER_RULES, 3 * wide, &e->rules, err) ||
                   get_head(m, "tok", 1, wide, &e->tok, err) || get_head(m, "act", FB_ENCODER_ACTS, wide, &e->act, err)
               ? -1
               : 0;
}

static int get_embeddings(struct fb_encoder *e, struct fb_err *err)
{
    const struct fb_model *m = e->model;
    const size_t wide = (size_t)e->wide;
    size_t rows, columns;
    if (fb_model_shape(m, "near", &rows, &columns) && fb_model_f32(m, "near", FB_HEADS, DISTANCES, &e->near, err))
        return -1;
    return fb_model_bytes(m, "vocab", &e->pieces, err) || fb_vocab_open(e->arena, e->pieces, &e->vocab, err) ||
                   fb_model_s8(m, "word.q", VOCAB, wide, &e->word, err) ||
                   fb_model_f32(m, "word.scale", 1, VOCAB, &e->word_scale, err) ||
                   fb_model_f32(m, "position", FB_ENCODER_LONGEST, wide, &e->position, err) ||
                   fb_model_f32(m, "type", 2, wide, &e->type, err) || get_norm(e, "norm", &e->norm, err)
               ? -1
               : 0;
}

static int get_weights(const struct fb_encoder *e, int layer, enum product p, struct fb_weights *ret, struct fb_err *err)
{
    const struct fb_model *m = e->model;
    const struct {
        const char *name;
        const float **to;
    } parts[] = {{"scale", &ret->scale}, {"sum", &ret->sum}, {"bias", &ret->bias}};
    char name[48];
    ret->in = p == DOWN ? e->inner : e->wide;
    ret->out = p == QKV ? 3 * e->wide : p == UP ? e->inner : e->wide;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(name, sizeof name, "layer.%d.%s.%s", layer, product_names[p], parts[i].name);
        if (fb_model_f32(m, name, 1, (size_t)ret->out, parts[i].to, err))
            return -1;
    }
    snprintf(name, sizeof name, "layer.%d.%s.q", layer, product_names[p]);
    return fb_model_s8(m, name, (size_t)ret->out, (size_t)ret->in, &ret->q, err);
}

static int get_layer(struct fb_encoder *e, int l, struct fb_err *err)
{
    struct layer *y = &e->layers[l];
    char name[48];
    for (int p = 0; p < PRODUCTS; p++)
        if (get_weights(e, l, p, &y->product[p], err))
            return -1;
    snprintf(name, sizeof name, "layer.%d.norm1", l);
    if (get_norm(e, name, &y->norm1, err))
        return -1;
    snprintf(name, sizeof name, "layer.%d.norm2", l);
    return get_norm(e, name, &y->norm2, err);
}

/* How many tensors are named @before, 0, 1, 2 ..., @behind. */
static int count(const struct fb_model *m, const char *before, const char *behind)
{
    char name[48];
    size_t rows, columns;
    for (int n = 0;; n++) {
        snprintf(name, sizeof name, "%s%d%s", before, n, behind);
        if (!fb_model_shape(m, name, &rows, &columns))
            return n;
    }
}

static int get_shape(struct fb_encoder *e, const char *path, struct fb_err *err)
{
    const int whole = FB_HEADS * FB_PANEL; /* every head has whole panels */
    size_t inner, wide;
    if (!fb_model_shape(e->model, "layer.0.up.q", &inner, &wide))
        return fb_fail(err, "%s holds no encoder", path);
    e->layers_n = count(e->model, "layer.", ".up.q");
    e->exits_n = count(e->model, "head.exit.", ".weight");
    if (e->layers_n > LAYERS_MOST || e->exits_n > FB_ENCODER_EXITS || e->exits_n > e->layers_n)
        return fb_fail(err, "%s holds an encoder of %d layers and %d exits, more than this forbear runs", path, e->layers_n, e->exits_n);
    if (!wide || wide % whole || wide > FB_WIDEST || !inner || inner % FB_PANEL || inner > INNER_MOST)
        return fb_fail(err, "%s holds an encoder that is %zu and %zu wide, which this forbear cannot run", path, wide, inner);
    e->wide = (int)wide;
    e->inner = (int)inner;
    return 0;
}

static int load(struct fb_encoder *e, const char *path, struct fb_err *err)
{
    if (fb_model_open(path, &e->model, err) || get_shape(e, path, err) || get_embeddings(e, err) || get_heads(e, err))
        return -1;
    for (int l = 0; l < e->layers_n; l++)
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

bool fb_encoder_same_vocab(const struct fb_encoder *a, const struct fb_encoder *b)
{
    return fb_str_eq(a->pieces, b->pieces);
}

int fb_scratch_open(const struct fb_encoder *e, struct fb_scratch **ret, struct fb_err *err)
{
    const size_t wide = (size_t)e->wide, inner = (size_t)e->inner, widest = inner > wide ? inner : wide;
    const size_t x = ROWS * wide, qkv = 3 * x, block = BLOCK * widest, size = sizeof **ret + (x + qkv + block) * sizeof(float) + block;
    void *memory;
    if (posix_memalign(&memory, 64, size))
        return fb_fail_memory(err);
    struct fb_scratch *s = *ret = memset(memory, 0, size);
    s->e = e;
    s->x = s->memory;
    s->qkv = s->x + x;
    s->inner = s->qkv + qkv;
    s->q = (uint8_t *)(s->inner + block);
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
    const size_t wide = (size_t)e->wide;
    for (size_t i = 0; i < s->n; i++) {
        float *x = s->x + i * wide, other[FB_WIDEST];
        const int8_t *q = e->word + (size_t)ids[i] * wide;
        const float scale = e->word_scale[ids[i]], *position = e->position + i * wide, *type = e->type + types[i] * wide;
        for (size_t j = 0; j < wide; j++) {
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
    const size_t wide = (size_t)norm->wide;
    for (size_t i = 0; i < n; i++)
        s->e->kernels->add_and_norm(x + i * wide, s->inner + i * wide, norm);
}

/* What a layer does to each row by itself, once attention has left its mixture where the queries were. */
static void finish_block(struct fb_scratch *s, const struct layer *y, size_t at, size_t n)
{
    const size_t wide = (size_t)s->e->wide, inner = (size_t)s->e->inner;
    float *x = s->x + at * wide;
    multiply(s, &y->product[OUT], n, s->qkv + at * 3 * wide, 3 * wide, s->inner, wide);
    add_and_norm(s, n, x, &y->norm1);
    multiply(s, &y->product[UP], n, x, wide, s->inner, inner);
    s->e->kernels->gelu(s->inner, n * inner);
    multiply(s, &y->product[DOWN], n, s->inner, inner, s->inner, wide);
    add_and_norm(s, n, x, &y->norm2);
}

static size_t block_at(const struct fb_scratch *s, size_t at)
{
    return s->n - at < BLOCK ? s->n - at : BLOCK;
}

static void attend(struct fb_scratch *s, int head)
{
    const struct fb_encoder *e = s->e;
    const float *near = e->near ? e->near + head * DISTANCES + FB_LONGEST : NULL;
    e->kernels->attend(s->qkv + head * (e->wide / FB_HEADS), s->n, e->wide, near, &s->attention);
}

static void run_layer(struct fb_scratch *s, const struct layer *y)
{
    const size_t wide = (size_t)s->e->wide;
    for (size_t at = 0; at < s->n; at += BLOCK)
        multiply(s, &y->product[QKV], block_at(s, at), s->x + at * wide, wide, s->qkv + at * 3 * wide, 3 * wide);
    for (int head = 0; head < FB_HEADS; head++)
        attend(s, head);
    for (size_t at = 0; at < s->n; at += BLOCK)
        finish_block(s, y, at, block_at(s, at));
}

static float apply(const struct fb_encoder *e, const struct linear *l, int output, int inputs, const float *x)
{
    return e->kernels->dot(l->weight + output * inputs, x, inputs) + l->bias[output];
}

/* The mean over the text's tokens, weighted by the softmax of their evidence. */
static void pool_evidence(const struct fb_scratch *s, const uint8_t *types, const float *evidence, float *ret)
{
    const size_t wide = (size_t)s->e->wide;
    float most = -INFINITY, sum = 0;
    memset(ret, 0, wide * sizeof *ret);
    for (size_t i = 0; i < s->n; i++)
        if (types[i] && evidence[i] > most)
            most = evidence[i];
    for (size_t i = 0; i < s->n; i++)
        if (types[i])
            sum += expf(evidence[i] - most);
    for (size_t i = 0; i < s->n && sum > 0; i++)
        if (types[i])
            s->e->kernels->add_weighted(ret, s->x + i * wide, s->e->wide, expf(evidence[i] - most) / sum);
}

/* The first token, the mean of all, and the text's tokens by their evidence, which @tok tells: what hold and the exits see. */
static void pool(const struct fb_scratch *s, const uint8_t *types, const struct linear *tok, float *evidence, float *ret)
{
    const size_t wide = (size_t)s->e->wide;
    memcpy(ret, s->x, wide * sizeof *ret);
    memset(ret + wide, 0, wide * sizeof *ret);
    for (size_t i = 0; i < s->n; i++) {
        s->e->kernels->add_weighted(ret + wide, s->x + i * wide, s->e->wide, 1.0f / (float)s->n);
        evidence[i] = apply(s->e, tok, 0, s->e->wide, s->x + i * wide);
    }
    pool_evidence(s, types, evidence, ret + 2 * wide);
}

void fb_encoder_run(struct fb_scratch *s, const int32_t *ids, const uint8_t *types, size_t n, float exit_below, struct fb_encoding *ret)
{
    assert(n >= 1 && n <= FB_ENCODER_LONGEST);
    const struct fb_encoder *e = s->e;
    const int inputs = 3 * e->wide;
    float pooled[3 * FB_WIDEST];
    s->n = n;
    ret->left_early = false;
    embed(s, ids, types);
    for (int l = 0; l < e->layers_n; l++) {
        run_layer(s, &e->layers[l]);
        if (l >= e->exits_n)
            continue;
        pool(s, types, &e->exit_toks[l], ret->evidence, pooled);
        ret->hold = ret->exits[l] = apply(e, &e->exits[l], 0, inputs, pooled);
        if (ret->hold < exit_below) {
            ret->left_early = true;
            return;
        }
    }
    pool(s, types, &e->tok, ret->evidence, pooled);
    ret->hold = apply(e, &e->hold, 0, inputs, pooled);
    for (int r = 0; r < FB_ENCODER_RULES; r++)
        ret->rules[r] = apply(e, &e->rules, r, inputs, pooled);
}

void fb_encoder_acts(const struct fb_scratch *s, size_t from, size_t to, float ret[FB_ENCODER_ACTS])
{
    const int wide = s->e->wide;
    float mean[FB_WIDEST] = {0};
    for (size_t i = from; i < to && i < s->n; i++)
        s->e->kernels->add_weighted(mean, s->x + i * (size_t)wide, wide, 1.0f / (float)(to - from));
    for (int a = 0; a < FB_ENCODER_ACTS; a++)
        ret[a] = apply(s->e, &s->e->act, a, wide, mean);
}
