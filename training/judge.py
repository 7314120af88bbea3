"""The judge as it is trained: a BERT encoder with heads for hold and rules, decisive words, acts of a sentence, and early exits.
The input format and the heads are described in ../model/README.md; lib/judge runs the same network from the exported weights."""
import re

import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer

from labels import ACTS, ROLES, RULES

LONGEST = 320  # tokens
EXIT_AFTER = [1, 2, 3]  # layers
SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


def with_tokens(text):
    for number, role in enumerate(ROLES, 1):
        text = text.replace(role, f"[unused{number}]")
    return text


class Judge(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.b = AutoModel.from_pretrained(base, attn_implementation="eager", add_pooling_layer=False)
        wide = self.b.config.hidden_size
        self.drop = nn.Dropout(0.1)
        self.hold = nn.Linear(3 * wide, 1)
        self.rules = nn.Linear(3 * wide, len(RULES))
        self.tok = nn.Linear(wide, 1)
        self.act = nn.Linear(wide, len(ACTS))
        self.exit = nn.ModuleList(nn.Linear(3 * wide, 1) for _ in EXIT_AFTER)
        self.exit_tok = nn.ModuleList(nn.Linear(wide, 1) for _ in EXIT_AFTER)

    def forward(self, ids, types, mask):
        """Log-odds of: hold, rules, each token's evidence, each token's acts (a sentence's are the mean of its tokens'), exits."""
        out = self.b(input_ids=ids, token_type_ids=types, attention_mask=mask, output_hidden_states=True)
        m, text = mask.unsqueeze(-1).float(), types * mask

        def pooled(z, evidence):
            """The first token, the mean of all, and the text's tokens weighted by how much each decides."""
            weight = torch.softmax(evidence.masked_fill(text == 0, -1e4), 1).unsqueeze(-1)
            return torch.cat([z[:, 0], (z * m).sum(1) / m.sum(1), (z * weight).sum(1)], 1)

        x = out.last_hidden_state
        evidence = self.tok(x).squeeze(-1)
        whole = self.drop(pooled(x, evidence))
        exits = [head(pooled(z, tok(z).squeeze(-1))).squeeze(-1)
                 for head, tok, z in zip(self.exit, self.exit_tok, (out.hidden_states[i] for i in EXIT_AFTER))]
        return self.hold(whole).squeeze(-1), self.rules(whole), evidence, self.act(x), exits


class Encoder:
    """From inputs (facts, subject, text, and what is known of them) to tokens and their labels."""

    def __init__(self, base):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.tokenizer.add_special_tokens({"additional_special_tokens": [f"[unused{i}]" for i in range(1, len(ROLES) + 1)]})

    def __call__(self, d):
        head = with_tokens(f"subject: {d['subject']}. ") if d["subject"] else ""
        body = head + with_tokens(d["text"])
        e = self.tokenizer(d["facts"], body, truncation="only_second", max_length=LONGEST, return_offsets_mapping=True)
        where = [span if kind == 1 and span[1] > span[0] else None for span, kind in zip(e["offset_mapping"], e["token_type_ids"])]
        return {"ids": e["input_ids"], "types": e["token_type_ids"], "evidence": evidence_labels(d, body, where),
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
