/* Frames on a UNIX stream socket: a 32-bit length, then that many bytes of fields. Numbers are big-endian, byte strings
 * carry a 32-bit length. Decoding is strict: a field that is cut short, a value out of its range or a byte too many
 * makes the whole frame invalid. */
#ifndef FB_WIRE_FRAME_H
#define FB_WIRE_FRAME_H

#include "base/arena.h"

/* Room for the look-up of a message to 100,000 recipients. */
enum { FB_FRAME_MAX = 16 << 20 };

/* Writing: into a buffer. */
void fb_put_u8(struct fb_buf *b, uint8_t v);
void fb_put_u32(struct fb_buf *b, uint32_t v);
void fb_put_i64(struct fb_buf *b, int64_t v);
void fb_put_bytes(struct fb_buf *b, struct fb_str s);

/* Reading: a failed read is remembered and gives zero; look at fb_get_done once, at the end. */
struct fb_reader {
    struct fb_str rest;
    bool failed;
};
uint8_t fb_get_u8(struct fb_reader *r);
uint32_t fb_get_u32(struct fb_reader *r);
int64_t fb_get_i64(struct fb_reader *r);
/* A view into the frame, at most @max bytes. */
struct fb_str fb_get_bytes(struct fb_reader *r, size_t max);
/* True when all was read, and nothing is left over. */
bool fb_get_done(const struct fb_reader *r);

/* One frame over a socket. fb_frame_recv: outcome FB_IO_END when the peer closed between frames; a frame over
 * FB_FRAME_MAX is a failure. The bytes live in @arena. A @payload without bytes (p NULL) is an encoding that ran out of
 * memory, and reported as that. */
int fb_frame_send(int fd, struct fb_str payload, struct fb_err *err);
int fb_frame_recv(int fd, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

#endif
