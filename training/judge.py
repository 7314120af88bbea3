"""The judges as they are trained: an encoder with heads for hold and rules, decisive words, acts of a sentence, and, in the first, early
exits. The input format and the heads are described in ../model/README.md; lib/judge runs the same networks from the exported weights."""
import re

import torch
from safetensors.torch import load_file
from tokenizers import BertWordPieceTokenizer
from torch import nn
from torch.nn import functional as F

import base
from base import LONGEST
from labels import ACTS, ROLES, RULES

HEADS = 12
EXIT_AFTER = [1, 2, 3]  # layers of the first judge
SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


def with_tokens(text):
    for number, role in enumerate(ROLES, 1):
        text = text.replace(role, f"[unused{number}]")
    return text


class Layer(nn.Module):
    """BERT's (Devlin et al. 2019). Its norms take the epsilon of lib/judge/kernels.c."""

    def __init__(self, wide, inner, dropout):
        super().__init__()
        self.qkv, self.o, self.n1 = nn.Linear(wide, 3 * wide), nn.Linear(wide, wide), nn.LayerNorm(wide, eps=1e-12)
        self.up, self.down, self.n2 = nn.Linear(wide, inner), nn.Linear(inner, wide), nn.LayerNorm(wide, eps=1e-12)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, bias):
        n, tokens, wide = x.shape
        q, k, v = self.qkv(x).view(n, tokens, 3, HEADS, wide // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=self.drop.p if self.training else 0.0)
        x = self.n1(x + self.drop(self.o(mixed.transpose(1, 2).reshape(n, tokens, wide))))
        return self.n2(x + self.drop(self.down(F.gelu(self.up(x)))))


class Judge(nn.Module):
    """As large as its base; the first where attention does not lean on distance. @dropout: within the encoder. @bf16: its products are
    made with half the bits, which is faster."""

    def __init__(self, folder, dropout=0.1, bf16=False):
        super().__init__()
        known = {name: torch.from_numpy(value) for name, value in base.weights(folder).items()}
        words, wide = known["word.weight"].shape
        inner, layers = len(known["layer.0.up.bias"]), base.count(known, "layer.%d.up.bias")
        is_first = "rel.weight" not in known
        self.bf16 = bf16
        self.word, self.pos, self.kind = nn.Embedding(words, wide), nn.Embedding(LONGEST, wide), nn.Embedding(2, wide)
        self.n0, self.begin_drop = nn.LayerNorm(wide, eps=1e-12), nn.Dropout(dropout)
        self.rel = None if is_first else nn.Embedding(base.BUCKETS, HEADS)
        self.layer = nn.ModuleList(Layer(wide, inner, dropout) for _ in range(layers))
        self.drop = nn.Dropout(0.1)
        self.hold = nn.Linear(3 * wide, 1)
        self.rules = nn.Linear(3 * wide, len(RULES))
        self.tok = nn.Linear(wide, 1)
        self.act = nn.Linear(wide, len(ACTS))
        exits = EXIT_AFTER if is_first else []
        self.exit = nn.ModuleList(nn.Linear(3 * wide, 1) for _ in exits)
        self.exit_tok = nn.ModuleList(nn.Linear(wide, 1) for _ in exits)
        at = torch.arange(LONGEST)
        by_distance = torch.tensor([base.bucket(d) for d in range(-LONGEST, LONGEST)])
        self.register_buffer("buckets", by_distance[at[None, :] - at[:, None] + LONGEST], persistent=False)  # [query, key]
        self.load_state_dict({**self.state_dict(), **known})

    def bias(self, mask):
        """What is added to the scores of attention."""
        n = mask.shape[1]
        bias = (mask == 0)[:, None, None, :] * -1e4
        if self.rel is not None:
            bias = bias + self.rel.weight[self.buckets[:n, :n]].permute(2, 0, 1)
        return bias.to(torch.bfloat16 if self.bf16 else torch.float32)

    def states(self, ids, types, mask):
        """The tokens' vectors, before the first layer and after each."""
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self.bf16):
            x, bias = self.begin_drop(self.n0(self.word(ids) + self.pos.weight[:ids.shape[1]] + self.kind(types))), self.bias(mask)
            states = [x]
            for layer in self.layer:
                states.append(layer(states[-1], bias))
        return [x.float() for x in states]

    def forward(self, ids, types, mask):
        """Log-odds of: hold, rules, each token's evidence, each token's acts (a sentence's are the mean of its tokens'), exits."""
        states = self.states(ids, types, mask)
        m, text = mask.unsqueeze(-1).float(), types * mask

        def pooled(z, evidence):
            """The first token, the mean of all, and the text's tokens weighted by how much each decides."""
            weight = torch.softmax(evidence.masked_fill(text == 0, -1e4), 1).unsqueeze(-1)
            return torch.cat([z[:, 0], (z * m).sum(1) / m.sum(1), (z * weight).sum(1)], 1)

        x = states[-1]
        evidence = self.tok(x).squeeze(-1)
        whole = self.drop(pooled(x, evidence))
        exits = [head(pooled(z, tok(z).squeeze(-1))).squeeze(-1)
                 for head, tok, z in zip(self.exit, self.exit_tok, (states[i] for i in EXIT_AFTER))]
        return self.hold(whole).squeeze(-1), self.rules(whole), evidence, self.act(x), exits


def read_weights(path):
    """Of a training (.pt) or calibrated (.safetensors)."""
    return load_file(path) if path.endswith(".safetensors") else torch.load(path)


class Encoder:
    """From inputs (facts, subject, text, and what is known of them) to tokens, @longest at most, and their labels."""

    def __init__(self, folder, longest=LONGEST):
        self.tokenizer = BertWordPieceTokenizer({piece: i for i, piece in enumerate(base.vocabulary(folder))})
        self.tokenizer.add_special_tokens([f"[unused{i}]" for i in range(1, len(ROLES) + 1)])
        self.tokenizer.enable_truncation(longest, strategy="only_second")

    def __call__(self, d):
        head = with_tokens(f"subject: {d['subject']}. ") if d["subject"] else ""
        body = head + with_tokens(d["text"])
        e = self.tokenizer.encode(d["facts"], body)
        where = [span if kind == 1 and span[1] > span[0] else None for span, kind in zip(e.offsets, e.type_ids)]
        return {"ids": e.ids, "types": e.type_ids, "evidence": evidence_labels(d, body, where),
                "sentences": sentence_labels(d, body, where)}


def spans(body, quotes):
    found = ((body.find(q), len(q)) for q in (with_tokens(q) for q in quotes))
    return [(at, at + n) for at, n in found if at >= 0]


def evidence_labels(d, body, where):
    """1 for tokens of the decisive words, 0 for the others of the text; None (no label) all over where a hold's words are not known."""
    decisive = spans(body, d.get("evidence") or [])
    if d["hold"] and not decisive:
        return [None] * len(where)
    return [None if w is None else float(any(a < w[1] and w[0] < b for a, b in decisive)) for w in where]


def sentence_labels(d, body, where):
    """(first token, past the last, one label an act) for each sentence, where the case says anything of acts."""
    acts = [(span, ACTS.index(act)) for quote, act in d.get("acts") or [] if act in ACTS for span in spans(body, [quote])]
    if not acts:
        return []
    result = []
    for sentence in SENTENCE.finditer(body):
        start, end = sentence.span()
        tokens = [i for i, w in enumerate(where) if w and w[0] >= start and w[1] <= end]
        if not tokens:
            continue
        labels = [0.0] * len(ACTS)
        for (a, b), act in acts:
            shared = min(b, end) - max(a, start)
            if shared > 0 and (shared >= 0.4 * (end - start) or shared >= 0.6 * (b - a)):
                labels[act] = 1.0
        result.append((tokens[0], tokens[-1] + 1, labels))
    return result


def collate(encoded):
    n = max(len(e["ids"]) for e in encoded)
    shape = (len(encoded), n)
    ids, types, mask = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    evidence = torch.full(shape, float("nan"))
    for i, e in enumerate(encoded):
        k = len(e["ids"])
        ids[i, :k], types[i, :k], mask[i, :k] = torch.tensor(e["ids"]), torch.tensor(e["types"]), 1
        evidence[i, :k] = torch.tensor([float("nan") if v is None else v for v in e["evidence"]])
    return ids, types, mask, evidence


@torch.no_grad()
def judge_all(model, encoder, cases, size=48):
    """Of each case: hold, rules, exits, and of its labelled sentences (acts, labels)."""
    model.eval()
    encoded = [encoder(d) for d in cases]
    order = sorted(range(len(cases)), key=lambda i: len(encoded[i]["ids"]))
    result = [None] * len(cases)
    for at in range(0, len(order), size):
        part = order[at:at + size]
        ids, types, mask, _ = collate([encoded[i] for i in part])
        hold, rules, _, acts, exits = model(ids, types, mask)
        for k, i in enumerate(part):
            sentences = [(acts[k, a:b].mean(0).tolist(), labels) for a, b, labels in encoded[i]["sentences"]]
            result[i] = {"hold": hold[k].item(), "rules": rules[k].tolist(), "exits": [e[k].item() for e in exits], "sentences": sentences}
    return result
