"""Trains a judge:  train.py --base FOLDER --cases A.jsonl ... [--harmless M.jsonl ...] [--watch DEV.jsonl ...] --out judge.pt

Inputs are JSON Lines as cases.py writes them. Losses: binary cross-entropy for hold, rules, evidence, acts and exits; a ranking loss
between the two of a pair, and between every hold and every pass of a batch, so that the level does not move with the subject. Layer-wise
decay of the learning rate, label smoothing, and an average of the weights over the end of the training (Izmailov et al. 2018). A training
ends after --epochs or, where a processor is slow, after --minutes. The files are read anew at each epoch's start. A run that was stopped
goes on from OUT.part."""
import argparse
import math
import os
import random
import time

import torch
from torch.nn import functional as F

import mixture
from base import LONGEST
from judge import Encoder, Judge, collate, judge_all, read_weights

PAIR_MARGIN, BATCH_MARGIN = 2.0, 1.0
PAIR_WEIGHT, BATCH_WEIGHT = 0.5, 0.5
EXIT_WEIGHT, EXIT_FASTER = 0.5, 20
AVERAGE_EVERY = 5  # steps


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
        said, labels = torch.stack([s for s, _ in sentences]), torch.tensor([v for _, v in sentences])
        total = total + 5 * F.binary_cross_entropy_with_logits(said, labels)
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
        pairs = mixture.by_pair([dict(d, s=s) for d, s in zip(cases, scores)])
        pairs = [p for p in pairs if len(p) == 2 and {d["hold"] for d in p} == {0, 1}]
        order = sum(max(p, key=lambda d: d["hold"])["s"] > min(p, key=lambda d: d["hold"])["s"] for p in pairs)
        top = sorted(bad, reverse=True)
        share = f"AUC {auc(good, bad):.3f}" if good else f"99.7% below {top[int(0.003 * len(top))]:.2f}"
        print(f"  {os.path.basename(path)}: {share}" + (f", in order {order / len(pairs):.3f}" if pairs else ""), flush=True)


def below_heads(name):
    return name.split(".")[0] in ("word", "pos", "kind", "n0", "rel", "layer")


def optimizer_of(model, lr, decay, heads):
    """Exits learn fastest: the layers below them are not made for them."""
    def depth(name):
        return len(model.layer) - int(name.split(".")[1]) if name.startswith("layer.") else len(model.layer) + 1

    def faster(name):
        return decay ** depth(name) if below_heads(name) else EXIT_FASTER if name.startswith("exit") else heads

    groups = [{"params": [p], "lr": lr * faster(n), "weight_decay": 0.05 if p.ndim > 1 else 0.0}
              for n, p in model.named_parameters() if p.requires_grad]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def freeze(model, layers):
    """The lowest @layers, and what lies below them and beside, stay as they are."""
    for name, p in model.named_parameters() if layers else []:
        p.requires_grad_(not below_heads(name) or (name.startswith("layer.") and int(name.split(".")[1]) >= layers))


def over(args, epoch, part, spent_s):
    """How much of the training is over, with @part of @epoch."""
    return spent_s / (60 * args.minutes) if args.minutes else (epoch + part) / args.epochs


def schedule(at):
    """The learning rate where @at of the training is over: up to 1 at first, then down along a cosine."""
    return min(1.0, (at + 1e-4) / 0.06) * max(0.05, 0.5 * (1 + math.cos(math.pi * at)))


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
    a.add_argument("--always", nargs="*", default=[], help="more cases, of which every epoch takes all pairs, or --always-share")
    a.add_argument("--harmless", nargs="*", default=[])
    a.add_argument("--each-epoch", type=int, default=2000, help="harmless mails in an epoch")
    a.add_argument("--watch", nargs="*", default=[])
    a.add_argument("--base", required=True, help="folder of the encoder (base.py): which judge it is")
    a.add_argument("--begin", help="weights of an earlier training to go on from (.safetensors or .pt); else the base alone")
    a.add_argument("--epochs", type=int, default=4)
    a.add_argument("--minutes", type=float, default=0, help="of training, instead of --epochs; an epoch may remain unfinished")
    a.add_argument("--share", type=float, default=1.0, help="of the pairs of --cases in an epoch, all in turn")
    a.add_argument("--always-share", type=float, default=1.0, help="of the pairs of --always")
    a.add_argument("--freeze", type=int, default=0, help="layers that are not trained, from the lowest, nor are the words' vectors then")
    a.add_argument("--lr", type=float, default=8e-5)
    a.add_argument("--decay", type=float, default=0.85, help="of the learning rate from layer to layer, downwards")
    a.add_argument("--heads", type=float, default=4, help="how many times faster heads learn that begin from nothing")
    a.add_argument("--dropout", type=float, default=0.1, help="within the encoder")
    a.add_argument("--average", type=float, default=0.4, help="share of the training, from its end, whose weights are averaged")
    a.add_argument("--tokens", type=int, default=LONGEST, help="of a message, at most")
    a.add_argument("--bf16", action="store_true", help="products with half the bits")
    a.add_argument("--batch", type=int, default=32)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--out", required=True)
    return a.parse_args()


def train_epoch(model, encoder, optimizer, args, epoch, state):
    started, rng = time.monotonic() - state["spent_s"], random.Random(args.seed * 1000 + epoch)
    cases, always, harmless = (mixture.read(paths) for paths in (args.cases, args.always, args.harmless))
    mix = mixture.Mixture(cases, always, harmless, args.each_epoch, args.share, args.always_share)
    encoded = [[(d, encoder(d)) for d in pair] for pair in mix.epoch(epoch, rng)]
    todo, sum_of = batches(encoded, args.batch, rng), 0.0
    model.train()
    for number, batch in enumerate(todo):
        state["spent_s"] = time.monotonic() - started
        at = over(args, epoch, number / len(todo), state["spent_s"])
        if at >= 1:
            break
        for group, rate in zip(optimizer.param_groups, state["rates"]):
            group["lr"] = rate * schedule(at)
        loss = loss_of(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        sum_of += loss.item()
        if at >= 1 - args.average and number % AVERAGE_EVERY == 0:
            state["average"].add(model)
        if number % 50 == 49:
            print(f"epoch {epoch} {number + 1}/{len(todo)} loss {sum_of / 50:.3f} {state['spent_s']:.0f} s", flush=True)
            sum_of = 0.0


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    encoder, model = Encoder(args.base, args.tokens), Judge(args.base, args.dropout, args.bf16)
    if args.begin:
        model.load_state_dict(read_weights(args.begin))
    freeze(model, args.freeze)
    optimizer, epoch, part = optimizer_of(model, args.lr, args.decay, 1 if args.begin else args.heads), 0, args.out + ".part"
    state = {"average": Average(), "rates": [g["lr"] for g in optimizer.param_groups], "spent_s": 0.0}
    if os.path.exists(part):
        saved = torch.load(part, weights_only=False)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        epoch, state = saved["epoch"], saved["state"]
    while over(args, epoch, 0, state["spent_s"]) < 1:
        train_epoch(model, encoder, optimizer, args, epoch, state)
        watch(model, encoder, args.watch)
        epoch += 1
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch, "state": state}, part)
    if state["average"].weights:
        model.load_state_dict(state["average"].weights)
        print(f"average of {state['average'].n}")
        watch(model, encoder, args.watch)
    torch.save(model.state_dict(), args.out)
    os.remove(part)


if __name__ == "__main__":
    main()
