"""Makes the judge's numbers mean what they say:  calibrate.py --base BASE JUDGE.pt OUT.safetensors --held-back H.jsonl ...

On cases that were kept out of the training, half of them to hold: hold and each rule get a slope and an offset (Platt 1999), so that
they are log-odds; each act gets the offset at which its best F1 lies at 0; each exit of the first judge is moved so that every message to
hold that the whole judge finds stays above where a run is left. All of it is folded into the heads, and costs nothing."""
import argparse

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

import mixture
from judge import Encoder, Judge, judge_all, read_weights
from labels import ACTS, RULES

ENOUGH = 25  # positive examples; a head with fewer stays as it is
SLOPES = (0.5, 2.0)
LEAVE_BELOW, MARGIN = -3, 0.25  # log-odds; the first is exit_below of lib/rules/signals_meaning.c
FOUND_ABOVE = 1  # log-odds; the shipped rules hold little below


def platt(scores, labels):
    """Slope and offset of the log-odds; prior-weighted, so that holds and passes count alike."""
    x, y = torch.tensor(scores), torch.tensor(labels)
    w = torch.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    fit = torch.tensor([1.0, 0.0], requires_grad=True)
    solver = torch.optim.LBFGS([fit], max_iter=200)

    def loss():
        solver.zero_grad()
        value = (F.binary_cross_entropy_with_logits(x * fit[0] + fit[1], y, reduction="none") * w).sum() + 1e-3 * (fit[0] - 1) ** 2
        value.backward()
        return value

    solver.step(loss)
    slope, offset = fit.tolist()
    return min(max(slope, SLOPES[0]), SLOPES[1]), offset


def best_f1(scores, labels):
    ranked = sorted(zip(scores, labels), reverse=True)
    found, best, at, total = 0, 0.0, 0.0, sum(labels)
    for n, (score, label) in enumerate(ranked, 1):
        found += label
        f1 = 2 * found / (n + total)
        if f1 > best:
            best, at = f1, score
    return best, at


def fold(layer, row, slope, offset):
    layer.weight.data[row] *= slope
    layer.bias.data[row] = layer.bias.data[row] * slope + offset


def calibrate(model, cases, said):
    """@said: of each case, as judge_all gives it."""
    labels = [float(d["hold"]) for d in cases]
    hold_slope, hold_offset = platt([s["hold"] for s in said], labels)
    fold(model.hold, 0, hold_slope, hold_offset)
    print(f"hold: slope {hold_slope:.2f}, offset {hold_offset:+.2f}")
    for i, rule in enumerate(RULES):
        labels = [float(d["rules"][i]) for d in cases]
        if ENOUGH <= sum(labels):
            slope, offset = platt([s["rules"][i] for s in said], labels)
            fold(model.rules, i, slope, offset)
            print(f"{rule}: slope {slope:.2f}, offset {offset:+.2f}")
    sentences = [x for s in said for x in s["sentences"]]
    for i, act in enumerate(ACTS):
        labels = [wanted[i] for _, wanted in sentences]
        if ENOUGH <= sum(labels):
            f1, at = best_f1([acts[i] for acts, _ in sentences], labels)
            model.act.bias.data[i] -= at
            print(f"{act}: F1 {f1:.2f}, was at {at:.2f}")
    found = [s["exits"] for s, d in zip(said, cases) if d["hold"] == 1 and s["hold"] * hold_slope + hold_offset > FOUND_ABOVE]
    calibrate_exits(model, found, [s["exits"] for s, d in zip(said, cases) if not d["hold"]])


def calibrate_exits(model, found, passes):
    """@found, @passes: exits of messages to hold that the whole judge finds, and of others."""
    for i, head in enumerate(model.exit) if found else []:
        lowest = min(exits[i] for exits in found)
        head.bias.data += LEAVE_BELOW + MARGIN - lowest
        leaving = sum(exits[i] < lowest - MARGIN for exits in passes)
        print(f"exit {i}: the lowest of {len(found)} holds was at {lowest:.2f}; {leaving} of {len(passes)} passes are left there")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--base", required=True)
    a.add_argument("--held-back", nargs="+", required=True)
    a.add_argument("judge")
    a.add_argument("out")
    args = a.parse_args()
    encoder, model = Encoder(args.base), Judge(args.base)
    model.load_state_dict(read_weights(args.judge))
    cases = mixture.read(args.held_back)
    calibrate(model, cases, judge_all(model, encoder, cases))
    save_file(model.state_dict(), args.out)


if __name__ == "__main__":
    main()
