/* The weights: one file, mapped and shared by all threads, made by training/export.py. Little-endian.
 *
 *   0    16  magic "forbear judge\r\n\0"
 *   16   4   version, 3
 *   20   4   number of tensors
 *   24   8   size of the file
 *   32   32  BLAKE2b-256 of all that follows the header
 *   128      one entry of 80 bytes a tensor: name(48) type(4: 1 float32, 2 int8, 3 bytes) zero(4) rows(4) columns(4) offset(8)
 *            size(8); then the tensors, each at a multiple of 64: row by row, or packed (struct fb_weights of judge/kernels.h) */
#ifndef FB_JUDGE_MODEL_H
#define FB_JUDGE_MODEL_H

#include "base/arena.h"

struct fb_model;

/* Maps @path and checks all of it once; a file that is damaged, foreign or of another version is a failure that says so. */
int fb_model_open(const char *path, struct fb_model **ret, struct fb_err *err);
void fb_model_close(struct fb_model *m); /* NULL is allowed */
/* Whether @path is still the very file that was mapped. A file is replaced by renaming another over it, never written to. */
bool fb_model_is(const struct fb_model *m, const char *path);

/* Whether there is a tensor of that name; 0 and 0 where there is none. */
bool fb_model_shape(const struct fb_model *m, const char *name, size_t *ret_rows, size_t *ret_columns);
/* Tensors by name and shape; a missing one or another shape is a failure. They live as long as the model. */
int fb_model_f32(const struct fb_model *m, const char *name, size_t rows, size_t columns, const float **ret, struct fb_err *err);
int fb_model_s8(const struct fb_model *m, const char *name, size_t rows, size_t columns, const int8_t **ret, struct fb_err *err);
int fb_model_bytes(const struct fb_model *m, const char *name, struct fb_str *ret, struct fb_err *err);

#endif
