#!/usr/bin/env python3
"""Weights of a judge (safetensors) and the vocabulary of its base -> model/judge.bin or second.bin, the one file that forbear maps.
usage: export.py MODEL.safetensors BASE OUT.bin

Matrices become int8 with one scale for each output. Without VNNI, x86 adds products of bytes in 16 bits; forbear adds up
eight of them there, so of the eight weights that meet, those of one sign add up to 172 at most: 172 * 190, the greatest
activation, still fits. The rest stays float32. The layout is in lib/judge/model.h; how many layers, how wide, whether there are exits
and whether attention leans on distance ("near") is what the weights say."""
import hashlib
import struct
import sys

import numpy as np
from safetensors.numpy import load_file

from base import LONGEST, bucket, count, vocabulary

MAGIC = b'forbear judge\r\n\x00'
VERSION = 3
F32, S8, BYTES = 1, 2, 3
HEADER, ENTRY, ALIGN = 128, 80, 64
SIGN_SUM = 172  # what the weights of one sign that meet in 16 bits may add up to


def rows_quantised(w):
    """Whole rows, each as fine as a byte is."""
    scale = np.abs(w).max(axis=1) / 127
    scale[scale == 0] = 1
    return np.rint(w / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def meeting(w):
    """Rows -> (row, meeting, 8): weights that meet are the first or the last two of each four, in sixteen inputs."""
    return w.reshape(len(w), -1, 4, 2, 2).transpose(0, 1, 3, 2, 4).reshape(len(w), -1, 8)


def unmeeting(m):
    return m.reshape(len(m), -1, 2, 4, 2).transpose(0, 1, 3, 2, 4).reshape(len(m), -1)


def rounded(m):
    """The nearest integers that keep to SIGN_SUM: where too much meets, what rounding down costs least goes first."""
    q = np.clip(np.rint(m), -127, 127)
    for sign in (1, -1):
        over = (np.maximum(q * sign, 0).sum(-1) > SIGN_SUM).nonzero()
        one, want = q[over] * sign, m[over] * sign
        while len(still := (np.maximum(one, 0).sum(-1) > SIGN_SUM).nonzero()[0]):
            cost = np.where(one[still] > 0, want[still] - one[still], np.inf)
            one[still, cost.argmin(-1)] -= 1
        q[over] = one * sign
    return q


def quantised(w):
    """The scale of each row is the one of a few that loses least."""
    m = meeting(w)
    whole = np.maximum(np.maximum(m, 0).sum(-1), np.maximum(-m, 0).sum(-1)).max(1) / SIGN_SUM
    whole[whole == 0] = 1
    best, scale, least = np.zeros_like(m), whole.copy(), np.full(len(w), np.inf)
    for part in np.linspace(0.8, 1.04, 5):
        s = whole * part
        q = rounded(m / s[:, None, None])
        loss = ((q * s[:, None, None] - m) ** 2).sum((1, 2))
        better = loss < least
        best[better], scale[better], least[better] = q[better], s[better], loss[better]
    return unmeeting(best).astype(np.int8), scale.astype(np.float32)


def packed(q):
    """Sixteen outputs after the other, inputs by fours: as the kernels read them (lib/judge/kernels.h)."""
    outputs, inputs = q.shape
    return np.ascontiguousarray(q.reshape(outputs // 16, 16, inputs // 4, 4).transpose(0, 2, 1, 3)).reshape(outputs, inputs)


def tensors(w, vocab):
    out = [('vocab', BYTES, np.frombuffer(vocab, np.uint8)[None, :])]

    def f32(name, value):
        out.append((name, F32, np.atleast_2d(value)))

    def s8(name, value):
        q, scale = quantised(value)
        out.append((name + '.q', S8, packed(q)))
        f32(name + '.scale', scale)
        f32(name + '.sum', scale * q.sum(1, dtype=np.float32))

    def whole(name, at):
        for part in ('.weight', '.bias'):
            f32(name + part, w[at + part])

    q, scale = rows_quantised(w['word.weight'])
    out.append(('word.q', S8, q))
    f32('word.scale', scale)
    f32('position', w['pos.weight'])
    f32('type', w['kind.weight'])
    if 'rel.weight' in w:
        f32('near', w['rel.weight'][[bucket(d) for d in range(-LONGEST, LONGEST)]].T)
    whole('norm', 'n0')
    for i in range(count(w, 'layer.%d.up.weight')):
        layer = 'layer.%d.' % i
        for name, at in (('qkv', 'qkv'), ('out', 'o'), ('up', 'up'), ('down', 'down')):
            s8(layer + name, w[layer + at + '.weight'])
            f32(layer + name + '.bias', w[layer + at + '.bias'])
        whole(layer + 'norm1', layer + 'n1')
        whole(layer + 'norm2', layer + 'n2')
    exits = range(count(w, 'exit.%d.weight'))
    for head in ('hold', 'rules', 'tok', 'act', *('exit.%d' % i for i in exits), *('exit_tok.%d' % i for i in exits)):
        whole('head.' + head, head)
    return out


def main():
    source, base, out_path = sys.argv[1:]
    words = ''.join(word + '\n' for word in vocabulary(base)).encode()
    items = tensors({name: value.astype(np.float32) for name, value in load_file(source).items()}, words)
    at = (HEADER + ENTRY * len(items) + ALIGN - 1) // ALIGN * ALIGN
    table, blobs = b'', []
    start = at
    for name, kind, value in items:
        data = value.tobytes()
        table += struct.pack('<48sIIIIQQ', name.encode(), kind, 0, *value.shape, at, len(data))
        pad = -len(data) % ALIGN
        blobs += [data, b'\0' * pad]
        at += len(data) + pad
    body = table + b'\0' * (start - HEADER - len(table)) + b''.join(blobs)
    digest = hashlib.blake2b(body, digest_size=32).digest()
    head = struct.pack('<16sIIQ32s', MAGIC, VERSION, len(items), HEADER + len(body), digest)
    with open(out_path, 'wb') as f:
        f.write(head + b'\0' * (HEADER - len(head)) + body)
    print('%s: %d tensors, %.1f MB' % (out_path, len(items), (HEADER + len(body)) / 1e6))


main()
