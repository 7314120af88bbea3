#!/usr/bin/env python3
"""Weights of the judge (safetensors) and its vocabulary -> model/judge.bin, the one file that forbear maps.
usage: export.py MODEL.safetensors VOCAB.txt OUT.bin          (needs numpy)

Matrices become int8 with one scale for each output, within 7 bits (-63..63): without VNNI, x86 adds the products of two
bytes in 16 bits with saturation, and 2 * 255 * 63 still fits. The rest stays float32. The layout is in lib/judge/model.h."""
import hashlib
import json
import struct
import sys

import numpy as np

MAGIC = b'forbear judge\r\n\x00'
VERSION = 1
F32, S8, BYTES = 1, 2, 3
HEADER, ENTRY, ALIGN = 128, 80, 64
LONGEST = 320  # tokens; later positions are never read


def read_safetensors(path):
    with open(path, 'rb') as f:
        size = struct.unpack('<Q', f.read(8))[0]
        index = json.loads(f.read(size))
        data = f.read()
    types = {'F16': np.float16, 'F32': np.float32}
    return {name: np.frombuffer(data[e['data_offsets'][0]:e['data_offsets'][1]], types[e['dtype']])
            .reshape(e['shape']).astype(np.float32)
            for name, e in index.items() if name != '__metadata__'}


def quantised(w):
    scale = np.abs(w).max(axis=1) / 63
    scale[scale == 0] = 1
    return np.clip(np.rint(w / scale[:, None]), -63, 63).astype(np.int8), scale.astype(np.float32)


def tensors(w, vocab):
    out = [('vocab', BYTES, np.frombuffer(vocab, np.uint8)[None, :])]

    def f32(name, value):
        out.append((name, F32, np.atleast_2d(value)))

    def s8(name, value):
        q, scale = quantised(value)
        out.append((name + '.q', S8, q))
        f32(name + '.scale', scale)

    s8('word', w['b.embeddings.word_embeddings.weight'])
    f32('position', w['b.embeddings.position_embeddings.weight'][:LONGEST])
    f32('type', w['b.embeddings.token_type_embeddings.weight'])
    for part in ('weight', 'bias'):
        f32('norm.' + part, w['b.embeddings.LayerNorm.' + part])
    for i in range(6):
        src, dst = 'b.encoder.layer.%d.' % i, 'layer.%d.' % i
        qkv = ['attention.self.' + x for x in ('query', 'key', 'value')]
        s8(dst + 'qkv', np.concatenate([w[src + x + '.weight'] for x in qkv]))
        f32(dst + 'qkv.bias', np.concatenate([w[src + x + '.bias'] for x in qkv]))
        for name, at in (('out', 'attention.output.dense'), ('up', 'intermediate.dense'), ('down', 'output.dense')):
            s8(dst + name, w[src + at + '.weight'])
            f32(dst + name + '.bias', w[src + at + '.bias'])
        for name, at in (('norm1', 'attention.output.LayerNorm'), ('norm2', 'output.LayerNorm')):
            for part in ('weight', 'bias'):
                f32(dst + name + '.' + part, w[src + at + '.' + part])
    for head in ('hold', 'rules', 'tok', 'act', 'exit.0', 'exit.1', 'exit.2'):
        for part in ('weight', 'bias'):
            f32('head.%s.%s' % (head, part), w[head + '.' + part])
    return out


def main():
    source, vocab_path, out_path = sys.argv[1:]
    with open(vocab_path, 'rb') as f:
        items = tensors(read_safetensors(source), f.read())
    at = (HEADER + ENTRY * len(items) + ALIGN - 1) // ALIGN * ALIGN
    table, blobs = b'', b''
    start = at
    for name, kind, value in items:
        data = value.tobytes()
        table += struct.pack('<48sIIIIQQ', name.encode(), kind, 0, *value.shape, at, len(data))
        pad = -len(data) % ALIGN
        blobs += data + b'\0' * pad
        at += len(data) + pad
    body = table + b'\0' * (start - HEADER - len(table)) + blobs
    digest = hashlib.blake2b(body, digest_size=32).digest()
    head = struct.pack('<16sIIQ32s', MAGIC, VERSION, len(items), HEADER + len(body), digest)
    with open(out_path, 'wb') as f:
        f.write(head + b'\0' * (HEADER - len(head)) + body)
    print('%s: %d tensors, %.1f MB' % (out_path, len(items), (HEADER + len(body)) / 1e6))


main()
