/* The encoder. Matrix products are oneDNN's; what lies between them (scales, biases, GELU, softmax, norms) is one pass over
 * a row each, here, so that it is fused and needs no primitive.
 *
 * A run is padded to the next of a few fixed lengths, since oneDNN makes code for a shape, not for a call. Padding rows
 * are zero and never attended to. oneDNN's threads are OpenMP's: one for each thread of ours, said at the first run. */
#include "judge/encoder.h"

#include <dnnl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/model.h"
#include "judge/passes.h"

enum {
    LAYERS = 6,
    WIDE = FB_WIDE,
    HEADS = 12,
    HEAD = WIDE / HEADS,
    GROUP = 3, /* heads that attend at once: what lies between fits a core's cache */
    INNER = 1536,
    VOCAB = 30522,
    STEP = 32, /* lengths are padded to multiples of it */
    LENGTHS = FB_ENCODER_LONGEST / STEP,
};

/* Of OpenMP (3.2.1), under oneDNN; its header comes with gcc alone. */
extern void omp_set_num_threads(int n);

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
    dnnl_memory_t weight[PRODUCTS]; /* in the layout that oneDNN likes */
    const float *scale[PRODUCTS], *bias[PRODUCTS];
    int32_t *zero[PRODUCTS]; /* what the 128 that stands for 0 adds to each output */
    struct fb_norm norm1, norm2;
};

struct fb_encoder {
    const struct fb_passes *passes;
    struct fb_model *model;
    struct fb_arena *arena;
    const struct fb_vocab *vocab;
    const int8_t *word;
    const float *word_scale, *position, *type;
    struct fb_norm norm;
    struct layer layers[LAYERS];
    struct linear hold, rules, tok, act, exits[FB_ENCODER_EXITS];
    dnnl_engine_t engine;
    dnnl_primitive_t product[LENGTHS][PRODUCTS], score[LENGTHS], mix[LENGTHS];
};

/* What a primitive reads and writes at one length. */
struct views {
    dnnl_memory_t in[PRODUCTS], out[PRODUCTS], q, k, v, scores, context;
};

struct fb_scratch {
    const struct fb_encoder *e;
    dnnl_stream_t stream;
    struct views views[LENGTHS];
    size_t n; /* tokens of the last run */
    float *x, *qkv, *scores, *context, *inner, *row_scale;
    uint8_t *bytes;
    int32_t *sums;
    void *memory;
};

static int failed(dnnl_status_t st, const char *what, struct fb_err *err)
{
    return st == dnnl_success ? 0 : fb_fail(err, "oneDNN: %s failed with status %d", what, (int)st);
}

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
        char name[16];
        snprintf(name, sizeof name, "exit.%d", i);
        if (get_head(m, name, 1, 2 * WIDE, &e->exits[i], err))
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

/* ---- oneDNN ---- */

static dnnl_memory_desc_t strided(int dims_n, const dnnl_dim_t *dims, const dnnl_dim_t *strides, dnnl_data_type_t type)
{
    dnnl_memory_desc_t d;
    dnnl_memory_desc_init_by_strides(&d, dims_n, dims, type, strides);
    return d;
}

/* @n rows, as the one image of a convolution: its channels are the columns. */
static dnnl_memory_desc_t rows(dnnl_dim_t n, dnnl_dim_t columns, dnnl_data_type_t type)
{
    return strided(3, (dnnl_dims_t){1, columns, n}, (dnnl_dims_t){n * columns, 1, columns}, type);
}

static int matmul(const struct fb_encoder *e, const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b, const dnnl_memory_desc_t *c,
                  dnnl_primitive_t *ret, struct fb_err *err)
{
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (failed(dnnl_matmul_desc_init(&desc, a, b, NULL, c), "describing attention", err) ||
        failed(dnnl_primitive_desc_create(&pd, &desc, NULL, e->engine, NULL), "planning attention", err))
        return -1;
    int rc = failed(dnnl_primitive_create(ret, pd), "making attention", err);
    dnnl_primitive_desc_destroy(pd);
    return rc;
}

/* A product of rows with a weight, as a convolution of width 1: unlike a product, that keeps the weight in blocks which
 * are made once, on every instruction set. */
static int product_make(struct fb_encoder *e, int at, enum product p, dnnl_memory_desc_t *layout, struct fb_err *err)
{
    dnnl_memory_desc_t in = rows((at + 1) * STEP, shapes[p].in, dnnl_u8), out = rows((at + 1) * STEP, shapes[p].out, dnnl_s32);
    const dnnl_dims_t one = {1}, none = {0};
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (failed(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct, &in, layout, NULL, &out,
                                                  one, none, none), "describing a product", err) ||
        failed(dnnl_primitive_desc_create(&pd, &desc, NULL, e->engine, NULL), "planning a product", err))
        return -1;
    *layout = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    int rc = failed(dnnl_primitive_create(&e->product[at][p], pd), "making a product", err);
    dnnl_primitive_desc_destroy(pd);
    return rc;
}

/* The attention of one length: scores = Q K', context = P V, for a group of heads at once, out of and into the rows. V lies
 * as Q does. */
struct attention {
    dnnl_memory_desc_t q, k, scores, context;
};

static struct attention attention_shape(dnnl_dim_t n)
{
    return (struct attention){
        .q = strided(3, (dnnl_dims_t){GROUP, n, HEAD}, (dnnl_dims_t){HEAD, 3 * WIDE, 1}, dnnl_f32),
        .k = strided(3, (dnnl_dims_t){GROUP, HEAD, n}, (dnnl_dims_t){HEAD, 1, 3 * WIDE}, dnnl_f32),
        .scores = strided(3, (dnnl_dims_t){GROUP, n, n}, (dnnl_dims_t){n * n, n, 1}, dnnl_f32),
        .context = strided(3, (dnnl_dims_t){GROUP, n, HEAD}, (dnnl_dims_t){HEAD, WIDE, 1}, dnnl_f32),
    };
}

static int attention_make(struct fb_encoder *e, int at, struct fb_err *err)
{
    struct attention a = attention_shape((at + 1) * STEP);
    return matmul(e, &a.q, &a.k, &a.scores, &e->score[at], err) || matmul(e, &a.scores, &a.q, &a.context, &e->mix[at], err) ? -1 : 0;
}

static int weight_make(struct fb_encoder *e, int layer, enum product p, const dnnl_memory_desc_t *layout, struct fb_err *err)
{
    char name[48];
    const int8_t *q;
    snprintf(name, sizeof name, "layer.%d.%s.q", layer, shapes[p].name);
    if (fb_model_s8(e->model, name, (size_t)shapes[p].out, (size_t)shapes[p].in, &q, err))
        return -1;
    int32_t *zero = e->layers[layer].zero[p] = fb_arena_array(e->arena, (size_t)shapes[p].out, sizeof *zero);
    if (!zero)
        return fb_fail_memory(err);
    for (int o = 0; o < shapes[p].out; o++)
        for (int i = 0; i < shapes[p].in; i++)
            zero[o] += 128 * q[o * shapes[p].in + i];
    dnnl_memory_desc_t plain = strided(3, (dnnl_dims_t){shapes[p].out, shapes[p].in, 1}, (dnnl_dims_t){shapes[p].in, 1, 1}, dnnl_s8);
    dnnl_memory_t from = NULL, *to = &e->layers[layer].weight[p];
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_stream_t stream = NULL;
    int rc = failed(dnnl_memory_create(&from, &plain, e->engine, (void *)(uintptr_t)q), "weights", err) ||
             failed(dnnl_memory_create(to, layout, e->engine, DNNL_MEMORY_ALLOCATE), "weights", err) ||
             failed(dnnl_reorder_primitive_desc_create(&pd, &plain, e->engine, layout, e->engine, NULL), "weights", err) ||
             failed(dnnl_primitive_create(&reorder, pd), "weights", err) ||
             failed(dnnl_stream_create(&stream, e->engine, dnnl_stream_default_flags), "a stream", err) ||
             failed(dnnl_primitive_execute(reorder, stream, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, *to}}), "weights", err) ||
             failed(dnnl_stream_wait(stream), "weights", err);
    dnnl_stream_destroy(stream);
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(pd);
    dnnl_memory_destroy(from);
    return rc ? -1 : 0;
}

static int products_make(struct fb_encoder *e, enum product p, struct fb_err *err)
{
    dnnl_memory_desc_t layout;
    dnnl_memory_desc_init_by_tag(&layout, 3, (dnnl_dims_t){shapes[p].out, shapes[p].in, 1}, dnnl_s8, dnnl_format_tag_any);
    for (int i = LENGTHS - 1; i >= 0; i--) /* the longest chooses the layout, which the others share */
        if (product_make(e, i, p, &layout, err))
            return -1;
    for (int l = 0; l < LAYERS; l++)
        if (weight_make(e, l, p, &layout, err))
            return -1;
    return 0;
}

static int layer_get(struct fb_encoder *e, int l, struct fb_err *err)
{
    struct layer *y = &e->layers[l];
    char name[48];
    for (int p = 0; p < PRODUCTS; p++) {
        snprintf(name, sizeof name, "layer.%d.%s.scale", l, shapes[p].name);
        if (fb_model_f32(e->model, name, 1, (size_t)shapes[p].out, &y->scale[p], err))
            return -1;
        snprintf(name, sizeof name, "layer.%d.%s.bias", l, shapes[p].name);
        if (fb_model_f32(e->model, name, 1, (size_t)shapes[p].out, &y->bias[p], err))
            return -1;
    }
    snprintf(name, sizeof name, "layer.%d.norm1", l);
    if (get_norm(e->model, name, &y->norm1, err))
        return -1;
    snprintf(name, sizeof name, "layer.%d.norm2", l);
    return get_norm(e->model, name, &y->norm2, err);
}

/* AVX-512 on whatever has it; everything that has AVX2 has FMA too. */
static const struct fb_passes *passes_choose(void)
{
    return __builtin_cpu_supports("avx512f") ? &fb_passes_avx512 : &fb_passes_avx2;
}

static int encoder_load(struct fb_encoder *e, const char *path, struct fb_err *err)
{
    if (fb_model_open(path, &e->model, err) || get_embeddings(e, err) || get_heads(e, err) ||
        failed(dnnl_engine_create(&e->engine, dnnl_cpu, 0), "an engine", err))
        return -1;
    for (int l = 0; l < LAYERS; l++)
        if (layer_get(e, l, err))
            return -1;
    for (int p = 0; p < PRODUCTS; p++)
        if (products_make(e, p, err))
            return -1;
    for (int i = 0; i < LENGTHS; i++)
        if (attention_make(e, i, err))
            return -1;
    return 0;
}

int fb_encoder_open(const char *path, struct fb_encoder **ret, struct fb_err *err)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || dnnl_get_effective_cpu_isa() < dnnl_cpu_isa_avx2)
        return FB_ENCODER_NO_CPU;
    omp_set_num_threads(1);
    struct fb_encoder *e = calloc(1, sizeof *e);
    if (!e || !(e->arena = fb_arena_new(1 << 24))) {
        free(e);
        return fb_fail_memory(err);
    }
    e->passes = passes_choose();
    if (encoder_load(e, path, err)) {
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
    for (int i = 0; i < LENGTHS; i++) {
        for (int p = 0; p < PRODUCTS; p++)
            dnnl_primitive_destroy(e->product[i][p]);
        dnnl_primitive_destroy(e->score[i]);
        dnnl_primitive_destroy(e->mix[i]);
    }
    for (int l = 0; l < LAYERS; l++)
        for (int p = 0; p < PRODUCTS; p++)
            dnnl_memory_destroy(e->layers[l].weight[p]);
    dnnl_engine_destroy(e->engine);
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

/* ---- scratch ---- */

static int views_make(struct fb_scratch *s, int at, struct fb_err *err)
{
    struct views *v = &s->views[at];
    dnnl_dim_t n = (at + 1) * STEP;
    struct attention a = attention_shape(n);
    dnnl_engine_t g = s->e->engine;
    for (int p = 0; p < PRODUCTS; p++) {
        dnnl_memory_desc_t in = rows(n, shapes[p].in, dnnl_u8), out = rows(n, shapes[p].out, dnnl_s32);
        if (failed(dnnl_memory_create(&v->in[p], &in, g, s->bytes), "a view", err) ||
            failed(dnnl_memory_create(&v->out[p], &out, g, s->sums), "a view", err))
            return -1;
    }
    return failed(dnnl_memory_create(&v->q, &a.q, g, s->qkv), "a view", err) ||
                   failed(dnnl_memory_create(&v->k, &a.k, g, s->qkv + WIDE), "a view", err) ||
                   failed(dnnl_memory_create(&v->v, &a.q, g, s->qkv + 2 * WIDE), "a view", err) ||
                   failed(dnnl_memory_create(&v->scores, &a.scores, g, s->scores), "a view", err) ||
                   failed(dnnl_memory_create(&v->context, &a.context, g, s->context), "a view", err)
               ? -1
               : 0;
}

static void views_free(struct views *v)
{
    for (int p = 0; p < PRODUCTS; p++) {
        dnnl_memory_destroy(v->in[p]);
        dnnl_memory_destroy(v->out[p]);
    }
    dnnl_memory_destroy(v->q);
    dnnl_memory_destroy(v->k);
    dnnl_memory_destroy(v->v);
    dnnl_memory_destroy(v->scores);
    dnnl_memory_destroy(v->context);
}

static int scratch_make(struct fb_scratch *s, struct fb_err *err)
{
    enum { N = FB_ENCODER_LONGEST };
    const size_t sizes[] = {N * WIDE * 4, N * 3 * WIDE * 4, N * WIDE * 4, N * INNER * 4, N * 64, N * INNER, N * INNER * 4};
    size_t total = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        total += sizes[i];
    if (posix_memalign(&s->memory, 64, total))
        return fb_fail_memory(err);
    memset(s->memory, 0, total);
    void *at[sizeof sizes / sizeof *sizes];
    char *p = s->memory;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; p += sizes[i], i++)
        at[i] = p;
    s->x = at[0], s->qkv = at[1], s->context = at[2], s->inner = at[3], s->row_scale = at[4], s->bytes = at[5], s->sums = at[6];
    _Static_assert(GROUP * N * 4 <= INNER * 4, "the scores of a group fit where sums are");
    s->scores = at[6]; /* never wanted at the same time */
    if (failed(dnnl_stream_create(&s->stream, s->e->engine, dnnl_stream_default_flags), "a stream", err))
        return -1;
    for (int i = 0; i < LENGTHS; i++)
        if (views_make(s, i, err))
            return -1;
    return 0;
}

int fb_scratch_open(const struct fb_encoder *e, struct fb_scratch **ret, struct fb_err *err)
{
    struct fb_scratch *s = calloc(1, sizeof *s);
    if (!s)
        return fb_fail_memory(err);
    s->e = e;
    if (scratch_make(s, err)) {
        fb_scratch_close(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void fb_scratch_close(struct fb_scratch *s)
{
    if (!s)
        return;
    for (int i = 0; i < LENGTHS; i++)
        views_free(&s->views[i]);
    dnnl_stream_destroy(s->stream);
    free(s->memory);
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
        s->e->passes->add_and_norm(x, other, &e->norm);
    }
}

/* y = x W' + b for all rows. */
static int multiply(struct fb_scratch *s, int at, const struct layer *y, enum product p, const float *x, float *ret, struct fb_err *err)
{
    const int in = shapes[p].in, out = shapes[p].out;
    const struct views *v = &s->views[at];
    for (size_t i = 0; i < s->n; i++)
        s->row_scale[i] = s->e->passes->to_bytes(x + i * (size_t)in, in, s->bytes + i * (size_t)in);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, v->in[p]}, {DNNL_ARG_WEIGHTS, y->weight[p]}, {DNNL_ARG_DST, v->out[p]}};
    if (failed(dnnl_primitive_execute(s->e->product[at][p], s->stream, 3, args), "a product", err) ||
        failed(dnnl_stream_wait(s->stream), "a product", err))
        return -1;
    for (size_t i = 0; i < s->n; i++)
        s->e->passes->to_floats(s->sums + i * (size_t)out, y->zero[p], out, s->row_scale[i], y->scale[p], y->bias[p], ret + i * (size_t)out);
    return 0;
}

static int attend_group(struct fb_scratch *s, int at, int group, struct fb_err *err)
{
    const struct views *v = &s->views[at];
    const size_t padded = (size_t)(at + 1) * STEP, first = (size_t)group * GROUP * HEAD;
    dnnl_exec_arg_t score[] = {{DNNL_ARG_SRC, v->q}, {DNNL_ARG_WEIGHTS, v->k}, {DNNL_ARG_DST, v->scores}};
    dnnl_exec_arg_t mix[] = {{DNNL_ARG_SRC, v->scores}, {DNNL_ARG_WEIGHTS, v->v}, {DNNL_ARG_DST, v->context}};
    if (failed(dnnl_memory_set_data_handle(v->q, s->qkv + first), "attention", err) ||
        failed(dnnl_memory_set_data_handle(v->k, s->qkv + WIDE + first), "attention", err) ||
        failed(dnnl_memory_set_data_handle(v->v, s->qkv + 2 * WIDE + first), "attention", err) ||
        failed(dnnl_memory_set_data_handle(v->context, s->context + first), "attention", err) ||
        failed(dnnl_primitive_execute(s->e->score[at], s->stream, 3, score), "attention", err) ||
        failed(dnnl_stream_wait(s->stream), "attention", err))
        return -1;
    for (size_t h = 0; h < GROUP; h++)
        for (size_t i = 0; i < s->n; i++)
            s->e->passes->softmax(s->scores + (h * padded + i) * padded, (int)s->n, (int)padded);
    return failed(dnnl_primitive_execute(s->e->mix[at], s->stream, 3, mix), "attention", err) ||
                   failed(dnnl_stream_wait(s->stream), "attention", err)
               ? -1
               : 0;
}

static int attend(struct fb_scratch *s, int at, struct fb_err *err)
{
    for (int group = 0; group < HEADS / GROUP; group++)
        if (attend_group(s, at, group, err))
            return -1;
    return 0;
}

static int run_layer(struct fb_scratch *s, int at, const struct layer *y, struct fb_err *err)
{
    if (multiply(s, at, y, QKV, s->x, s->qkv, err) || attend(s, at, err) || multiply(s, at, y, OUT, s->context, s->inner, err))
        return -1;
    for (size_t i = 0; i < s->n; i++)
        s->e->passes->add_and_norm(s->x + i * WIDE, s->inner + i * WIDE, &y->norm1);
    if (multiply(s, at, y, UP, s->x, s->inner, err))
        return -1;
    s->e->passes->gelu(s->inner, (int)s->n * INNER);
    if (multiply(s, at, y, DOWN, s->inner, s->context, err))
        return -1;
    for (size_t i = 0; i < s->n; i++)
        s->e->passes->add_and_norm(s->x + i * WIDE, s->context + i * WIDE, &y->norm2);
    return 0;
}

/* The first token's vector, and the mean of all. */
static void pool(const struct fb_scratch *s, float ret[2 * WIDE])
{
    memcpy(ret, s->x, WIDE * sizeof *ret);
    memset(ret + WIDE, 0, WIDE * sizeof *ret);
    for (size_t i = 0; i < s->n; i++)
        s->e->passes->add_weighted(ret + WIDE, s->x + i * WIDE, 1.0f / (float)s->n);
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
            s->e->passes->add_weighted(ret, s->x + i * WIDE, expf(evidence[i] - most) / sum);
}

static float apply(const struct fb_encoder *e, const struct linear *l, int output, int inputs, const float *x)
{
    return e->passes->dot(l->weight + output * inputs, x, inputs) + l->bias[output];
}

static void heads(const struct fb_scratch *s, const uint8_t *types, struct fb_encoding *ret)
{
    const struct fb_encoder *e = s->e;
    float pooled[3 * WIDE];
    for (size_t i = 0; i < s->n; i++)
        ret->evidence[i] = apply(e, &e->tok, 0, WIDE, s->x + i * WIDE);
    pool(s, pooled);
    pool_evidence(s, types, ret->evidence, pooled + 2 * WIDE);
    ret->hold = apply(e, &e->hold, 0, 3 * WIDE, pooled);
    for (int r = 0; r < FB_ENCODER_RULES; r++)
        ret->rules[r] = apply(e, &e->rules, r, 3 * WIDE, pooled);
}

int fb_encoder_run(struct fb_scratch *s, const int32_t *ids, const uint8_t *types, size_t n, float exit_below,
                   struct fb_encoding *ret, struct fb_err *err)
{
    if (n < 1 || n > FB_ENCODER_LONGEST)
        return fb_fail(err, "%zu tokens are not between 1 and %d", n, FB_ENCODER_LONGEST);
    int at = (int)((n - 1) / STEP);
    omp_set_num_threads(1);
    s->n = n;
    ret->left_early = false;
    embed(s, ids, types);
    for (int l = 0; l < LAYERS; l++) {
        if (run_layer(s, at, &s->e->layers[l], err))
            return -1;
        if (l >= FB_ENCODER_EXITS)
            continue;
        float pooled[2 * WIDE];
        pool(s, pooled);
        ret->hold = ret->exits[l] = apply(s->e, &s->e->exits[l], 0, 2 * WIDE, pooled);
        if (ret->hold < exit_below) {
            ret->left_early = true;
            return 0;
        }
    }
    heads(s, types, ret);
    return 0;
}

void fb_encoder_acts(const struct fb_scratch *s, size_t from, size_t to, float ret[FB_ENCODER_ACTS])
{
    float mean[WIDE] = {0};
    for (size_t i = from; i < to && i < s->n; i++)
        s->e->passes->add_weighted(mean, s->x + i * WIDE, 1.0f / (float)(to - from));
    for (int a = 0; a < FB_ENCODER_ACTS; a++)
        ret[a] = apply(s->e, &s->e->act, a, WIDE, mean);
}
