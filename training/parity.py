"""What the float weights say of written inputs, for the tests of lib/judge:  parity.py --base BASE JUDGE.safetensors IN.jsonl OUT.jsonl

IN: lines with id, ids, types and sentences ([first token, past the last] of each); OUT: the same with hold, rules, exits (none of the
second judge), evidence and acts."""
import argparse
import json

import torch

from judge import Judge, read_weights


def rounded(tensor):
    return [round(v, 4) for v in tensor.tolist()]


@torch.no_grad()
def say(model, d):
    ids, types = torch.tensor([d["ids"]]), torch.tensor([d["types"]])
    hold, rules, evidence, acts, exits = model(ids, types, torch.ones_like(ids))
    return {**d, "hold": round(hold.item(), 4), "rules": rounded(rules[0]), "exits": [round(e.item(), 4) for e in exits],
            "evidence": rounded(evidence[0]), "acts": [rounded(acts[0, a:b].mean(0)) for a, b in d["sentences"]]}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--base", required=True)
    a.add_argument("judge")
    a.add_argument("inputs")
    a.add_argument("out")
    args = a.parse_args()
    model = Judge(args.base).eval()
    model.load_state_dict(read_weights(args.judge))
    lines = [json.loads(line) for line in open(args.inputs, encoding="utf-8")]
    with open(args.out, "w", encoding="utf-8") as f:
        for d in lines:
            f.write(json.dumps(say(model, d), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
