"""Trains the judge:  train.py --cases A.jsonl ... [--harmless M.jsonl ...] [--watch DEV.jsonl ...] --out judge.pt

Inputs are JSON Lines as cases.py writes them. Losses: binary cross-entropy for hold, rules, evidence, acts and exits; a ranking loss
between the two of a pair, and between every hold and every pass of a batch, so that the level does not move with the subject. Layer-wise
decay of the learning rate, label smoothing, and an average of the weights over the last 40% of the steps (Izmailov et al. 2018). The files
are read anew at each epoch's start. A run that was stopped goes on from OUT.part."""
import argparse
import math
import os
import random
import time

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

import mixture
from judge import Encoder, Judge, collate

PAIR_MARGIN, BATCH_MARGIN = 2.0, 1.0
PAIR_WEIGHT, BATCH_WEIGHT = 0.5, 0.5
EXIT_WEIGHT, EXIT_FASTER = 0.5, 20
AVERAGE_FROM, AVERAGE_EVERY = 0.6, 5  # share of the steps; steps


def batches(encoded, size, rng):
    """Pairs of like length side by side, about @size messages a batch, in random order."""
    encoded.sort(key=lambda pair: max(len(e["ids"]) for _, e in pair) + rng.random() * 12)
    result, batch = [], []
    for pair in encoded:
        batch.append(pair)
        if sum(map(len, batch)) >= size:
            result.append(batch)
            batch = []
    result += [batch] if batch else []
    rng.shuffle(result)
    return result


def smooth(y, by=0.03):
    return y * (1 - 2 * by) + by


def loss_of(model, batch):
    flat = [item for pair in batch for item in pair]
    ids, types, mask, evidence = collate([e for _, e in flat])
    hold, rules, tokens, acts, exits = model(ids, types, mask)
    y = torch.tensor([float(d["hold"]) for d, _ in flat])
    w = torch.tensor([float(d.get("w", 1)) for d, _ in flat])
    wanted = torch.tensor([[float(r) for r in d["rules"]] for d, _ in flat])

    def weighted(logits):
        return (F.binary_cross_entropy_with_logits(logits, smooth(y), reduction="none") * w).mean()

    total = weighted(hold) + EXIT_WEIGHT * sum(map(weighted, exits))
    total = total + 1.5 * (F.binary_cross_entropy_with_logits(rules, wanted, reduction="none") * w[:, None]).mean()
    known = ~evidence.isnan()
    if known.any():
        total = total + 0.6 * F.binary_cross_entropy_with_logits(tokens[known], evidence[known])
    sentences = [(acts[i, a:b].mean(0), labels) for i, (_, e) in enumerate(flat) for a, b, labels in e["sentences"]]
    if sentences:
        total = total + 5 * F.binary_cross_entropy_with_logits(torch.stack([s for s, _ in sentences]), torch.tensor([v for _, v in sentences]))
    return total + PAIR_WEIGHT * pair_ranking(hold, batch) + BATCH_WEIGHT * batch_ranking(hold, y, w)


def pair_ranking(hold, batch):
    at, losses = 0, []
    for pair in batch:
        if len(pair) == 2 and pair[0][0]["hold"] != pair[1][0]["hold"]:
            worse, better = (at, at + 1) if pair[0][0]["hold"] else (at + 1, at)
            losses.append(F.softplus(PAIR_MARGIN - (hold[worse] - hold[better])))
        at += len(pair)
    return torch.stack(losses).mean() if losses else hold.sum() * 0


def batch_ranking(hold, y, w):
    worse, better = y > 0.5, y < 0.5
    if not worse.any() or not better.any():
        return hold.sum() * 0
    weight = w[worse][:, None] * w[better][None, :]
    return (F.softplus(BATCH_MARGIN - (hold[worse][:, None] - hold[better][None, :])) * weight).sum() / weight.sum()


@torch.no_grad()
def judge_all(model, encoder, cases, size=48):
    model.eval()
    encoded = [encoder(d) for d in cases]
    order = sorted(range(len(cases)), key=lambda i: len(encoded[i]["ids"]))
    result = [None] * len(cases)
    for at in range(0, len(order), size):
        part = order[at:at + size]
        ids, types, mask, _ = collate([encoded[i] for i in part])
        hold, rules, _, _, exits = model(ids, types, mask)
        for k, i in enumerate(part):
            result[i] = {"hold": hold[k].item(), "rules": rules[k].tolist(), "exits": [e[k].item() for e in exits]}
    return result


def auc(good, bad):
    """Share of (hold, pass) that are in order: the area under the ROC curve."""
    ranked = sorted([(s, 1) for s in good] + [(s, 0) for s in bad])
    below = right = 0
    for _, is_good in ranked:
        right += below if is_good else 0
        below += not is_good
    return right / max(1, len(good) * len(bad))


def watch(model, encoder, paths):
    for path in paths:
        cases = mixture.read([path])
        scores = [r["hold"] for r in judge_all(model, encoder, cases)]
        good = [s for s, d in zip(scores, cases) if d["hold"] == 1]
        bad = [s for s, d in zip(scores, cases) if not d["hold"]]
        pairs = [p for p in mixture.by_pair([dict(d, s=s) for d, s in zip(cases, scores)]) if len(p) == 2 and {d["hold"] for d in p} == {0, 1}]
        order = sum(max(p, key=lambda d: d["hold"])["s"] > min(p, key=lambda d: d["hold"])["s"] for p in pairs)
        top = sorted(bad, reverse=True)
        share = f"AUC {auc(good, bad):.3f}" if good else f"99.7% below {top[int(0.003 * len(top))]:.2f}"
        print(f"  {os.path.basename(path)}: {share}" + (f", in order {order / len(pairs):.3f}" if pairs else ""), flush=True)


def optimizer_of(model, lr, decay, heads):
    layers = len(model.b.encoder.layer)

    def depth(name):
        if name.startswith("b.embeddings"):
            return layers + 1
        return layers - int(name.split(".")[3]) if name.startswith("b.encoder.layer.") else 0

    def faster(name):
        # The heads begin from nothing; exits from layers that are not made for them.
        return decay ** depth(name) if name.startswith("b.") else EXIT_FASTER if name.startswith("exit") else heads

    groups = [{"params": [p], "lr": lr * faster(n), "weight_decay": 0.05 if p.ndim > 1 else 0.0}
              for n, p in model.named_parameters() if p.requires_grad]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def freeze(model, layers):
    """The embeddings and the lowest @layers stay as they are."""
    for part in [model.b.embeddings, *model.b.encoder.layer[:layers]] if layers else []:
        part.requires_grad_(False)


def schedule(step, steps):
    warm = min(1.0, (step + 1) / (0.06 * steps))
    return warm * max(0.05, 0.5 * (1 + math.cos(math.pi * step / steps)))


class Average:
    def __init__(self):
        self.n, self.weights = 0, None

    def add(self, model):
        self.n += 1
        now = model.state_dict()
        if self.weights is None:
            self.weights = {k: v.clone() for k, v in now.items()}
        else:
            for k, v in now.items():
                if v.is_floating_point():
                    self.weights[k] += (v - self.weights[k]) / self.n


def arguments():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--cases", nargs="+", required=True)
    a.add_argument("--always", nargs="*", default=[], help="cases of which every epoch takes all pairs")
    a.add_argument("--harmless", nargs="*", default=[])
    a.add_argument("--each-epoch", type=int, default=2000, help="harmless mails in an epoch")
    a.add_argument("--watch", nargs="*", default=[])
    a.add_argument("--base", required=True, help="folder of the encoder and its tokenizer")
    a.add_argument("--begin", help="weights of an earlier training to go on from (safetensors); else the base alone")
    a.add_argument("--epochs", type=int, default=4)
    a.add_argument("--share", type=float, default=1.0, help="of the pairs of --cases, drawn anew for each epoch")
    a.add_argument("--freeze", type=int, default=0, help="layers that are not trained, from the lowest")
    a.add_argument("--lr", type=float, default=8e-5)
    a.add_argument("--decay", type=float, default=0.85)
    a.add_argument("--batch", type=int, default=32)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--out", required=True)
    return a.parse_args()


def train_epoch(model, encoder, optimizer, mix, args, epoch, state):
    rng = random.Random(args.seed * 1000 + epoch)
    encoded = [[(d, encoder(d)) for d in pair] for pair in mix.epoch(rng)]
    todo = batches(encoded, args.batch, rng)
    rates = [g["lr"] for g in optimizer.param_groups] if "rates" not in state else state["rates"]
    state["rates"] = rates
    started, sum_of = time.monotonic(), 0.0
    model.train()
    for number, batch in enumerate(todo):
        at = (epoch + number / len(todo)) / args.epochs  # how much of the training is over
        for group, rate in zip(optimizer.param_groups, rates):
            group["lr"] = rate * schedule(int(at * 10000), 10000)
        loss = loss_of(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        sum_of += loss.item()
        if at >= AVERAGE_FROM and number % AVERAGE_EVERY == 0:
            state["average"].add(model)
        if number % 50 == 49:
            print(f"epoch {epoch} {number + 1}/{len(todo)} loss {sum_of / 50:.3f} {time.monotonic() - started:.0f} s", flush=True)
            sum_of = 0.0


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    encoder, model = Encoder(args.base), Judge(args.base)
    if args.begin:
        model.load_state_dict(load_file(args.begin))
    freeze(model, args.freeze)
    optimizer, state, first, part = optimizer_of(model, args.lr, args.decay, 1 if args.begin else 4), {"average": Average()}, 0, args.out + ".part"
    if os.path.exists(part):
        saved = torch.load(part, weights_only=False)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first, state = saved["epoch"], saved["state"]
    for epoch in range(first, args.epochs):
        mix = mixture.Mixture(mixture.read(args.cases), mixture.read(args.always), mixture.read(args.harmless), args.each_epoch, args.share)
        train_epoch(model, encoder, optimizer, mix, args, epoch, state)
        watch(model, encoder, args.watch)
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1, "state": state}, part)
    if state["average"].weights:
        model.load_state_dict(state["average"].weights)
        print(f"average of {state['average'].n}")
        watch(model, encoder, args.watch)
    torch.save(model.state_dict(), args.out)
    os.remove(part)


if __name__ == "__main__":
    main()
