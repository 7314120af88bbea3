#!/usr/bin/env python3
"""forbear eval, as who tunes the rules meets it: on a small set of its own, and on ordinary mail in its three forms. No weights are
loaded: audience and phrases judge alone, and the figures do not hang on the model.

usage: eval.py FORBEAR SOURCE_ROOT
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

FORBEAR, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
WORLD = SOURCE / "tests/rules/worlds/larchmoor"
CASES = SOURCE / "tests/rules/cases"
TOLD_OFF = (CASES / "restraint-1-told-off-before-all/case.eml").read_bytes()
TO_HER_ALONE = (CASES / "restraint-1-better-to-her-alone/case.eml").read_bytes()
FROM_OUTSIDE = TOLD_OFF.replace(b"<teodor.lindgren@larchmoor.example>", b"<someone@elsewhere.example>")
OK, FAILED, USAGE = 0, 1, 64


class Eval(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.dir)
        self.conf = self.dir / "forbear.conf"
        self.conf.write_text(f"""[forbear]
mode = observe
data_dir = {SOURCE / 'conf'}
[scope]
internal_domains = brightwater.example
[rules]
file = own.conf
phrases =
""")
        (self.dir / "own.conf").write_text("[public_shaming]\nmode = observe\n")
        self.set = self.dir / "set"
        shutil.copytree(WORLD, self.set / "larchmoor")
        for name, message in (("a.eml", TOLD_OFF), ("b.eml", TO_HER_ALONE), ("c.eml", FROM_OUTSIDE)):
            (self.set / name).write_bytes(message)
        self.write_set(self.case("a.eml", "hold", rules=["public_shaming"], pair="1"), self.case("b.eml", "pass", pair="1"))

    @staticmethod
    def case(file, expect, **more):
        return json.dumps({"file": file, "world": "larchmoor", "expect": expect, **more})

    def write_set(self, *lines):
        (self.set / "cases.jsonl").write_text("\n".join(lines) + "\n")

    def run_it(self, *words, want=OK):
        done = subprocess.run([FORBEAR, "eval", *words, "-c", self.conf], capture_output=True, text=True)
        self.assertEqual(done.returncode, want, done.stdout + done.stderr)
        self.assertTrue(want != OK or not done.stderr, "nothing but a terminal is shown progress: " + done.stderr)
        return done.stdout if want == OK else done.stderr

    def json_of(self, *words):
        return json.loads(self.run_it(*words, "--json"))

    # ---- case sets ----

    def test_a_set_is_judged_in_its_own_world_with_every_rule_in_mode_hold(self):
        said = self.run_it(self.set)
        for name in ("public_shaming", "overall"):
            self.assertRegex(said, rf"(?m)^{name} +1/1 +100% +1/1 +100% +1/1 +100% +1/1 +100% +0$")
        self.assertIn("AUC of the score, hold against pass: 1.000", said)
        self.assertIn("order within pairs: 1.000 of 1", said)
        self.assertRegex(said, r"judged: 2, CPU median [0-9.]+ ms, 99th percentile [0-9.]+ ms")

    def test_programs_get_one_object_in_the_order_of_the_set(self):
        found = self.json_of(self.set)
        self.assertEqual(set(found), {"cases", "summary"})
        a, b = found["cases"]
        self.assertEqual((a["file"], a["pair"], a["expect"], a["verdict"]), ("a.eml", "1", "hold", "hold"))
        self.assertEqual((b["file"], b["pair"], b["expect"], b["verdict"]), ("b.eml", "1", "pass", "pass"))
        for c in (a, b):
            self.assertEqual(set(c), {"file", "pair", "expect", "verdict", "score", "rules"})
            self.assertTrue(all(isinstance(v, float) for v in c["rules"].values()) and "heated" in c["rules"], c)
        self.assertGreaterEqual(a["score"], 0)
        self.assertLess(b["score"], 0)
        self.assertEqual(found["summary"]["overall"]["pairs_right"], 1)
        self.assertEqual(found["summary"]["rules"]["public_shaming"]["holds_by_rule"], 1)
        self.assertEqual(found["summary"]["hold_against_pass"], {"auc": 1, "low": 1, "high": 1})
        self.assertEqual(found["summary"]["order_within_pairs"], {"of": 1, "share": 1})
        self.assertEqual(found["summary"]["cpu"]["judged"]["messages"], 2)

    def test_the_score_is_the_greatest_distance_of_a_rule_whose_needs_are_met(self):
        (self.dir / "own.conf").write_text("[public_shaming]\nthreshold = 100\n[loud]\ntitle = t\nwhy = w\nstart = 7\nweight.shouting = 1\nneeds = readers < 0\n")
        found = self.json_of(self.set)["cases"][0]
        self.assertEqual(found["rules"]["loud"], 7)
        self.assertEqual((found["verdict"], found["score"] < 0), ("pass", True))

    def test_what_is_not_judged_passes_with_a_score_below_all_others(self):
        self.write_set(self.case("b.eml", "pass"), self.case("c.eml", "either"))
        b, c = self.json_of(self.set)["cases"]
        self.assertEqual((c["verdict"], c["rules"], c["pair"]), ("pass", {}, None))
        self.assertLess(c["score"], b["score"])
        self.assertEqual(self.json_of(self.set)["summary"]["not_judged"], {"foreign_sender": 1})
        self.assertRegex(self.run_it(self.set), r"(?m)^not judged: 1,.*\n  foreign_sender +1$")

    def test_equal_scores_count_half_and_a_pair_is_drawn_as_a_whole(self):
        self.write_set(self.case("a.eml", "hold", pair="1"), self.case("a.eml", "pass", pair="1"))
        summary = self.json_of(self.set)["summary"]
        self.assertEqual(summary["hold_against_pass"], {"auc": 0.5, "low": 0.5, "high": 0.5})
        self.assertEqual((summary["order_within_pairs"], summary["overall"]["pairs_right"]), ({"of": 1, "share": 0.5}, 0))
        self.write_set(*[self.case(h, "hold", pair=h + p) + "\n" + self.case(p, "pass", pair=h + p) for h in ("a.eml", "c.eml") for p in ("a.eml", "b.eml", "c.eml")])
        summary = self.json_of(self.set)["summary"]
        self.assertEqual((summary["hold_against_pass"]["auc"], summary["order_within_pairs"]), (0.5, {"of": 6, "share": 0.5}))
        self.assertLess(summary["hold_against_pass"]["low"], 0.4)
        self.assertGreater(summary["hold_against_pass"]["high"], 0.6)

    def test_either_counts_for_neither_and_has_a_curve_of_its_own(self):
        self.write_set(self.case("a.eml", "either"), self.case("b.eml", "pass"))
        summary = self.json_of(self.set)["summary"]
        self.assertEqual((summary["overall"]["holds"], summary["overall"]["passes"]), (0, 1))
        self.assertIsNone(summary["hold_against_pass"])
        self.assertEqual(summary["hold_or_either_against_pass"]["auc"], 1)

    def test_misses_are_told_with_their_signals(self):
        self.write_set(self.case("a.eml", "pass", why="wrong on purpose"), self.case("b.eml", "hold", rules=["heated"]), self.case("c.eml", "hold"))
        said = self.run_it(self.set, "--misses")
        self.assertRegex(said, r"(?m)^HELD a\.eml .*wrong on purpose\n    public_shaming\+.*\n    \"Grace, I think it's best")
        self.assertRegex(said, r"(?m)^missed b\.eml .* heated\n.*\n    readers=1 ")
        self.assertIn("not judged: foreign_sender", said)

    def test_recipients_of_the_envelope_are_taken_where_they_are_given(self):
        self.write_set(self.case("a.eml", "pass", rcpt=["grace.okafor@larchmoor.example"]))
        self.assertIn("to Grace Okafor", self.run_it(self.set, "--explain"))
        self.write_set(self.case("b.eml", "pass", rcpt=["grace.okafor@larchmoor.example", "will.tan@larchmoor.example"]))
        self.assertIn("hidden Will Tan", self.run_it(self.set, "--explain"))

    def test_what_was_seen_before_counts(self):
        thread = b"In-Reply-To: <first@larchmoor.example>\nReferences: <first@larchmoor.example>\nMIME-Version"
        (self.set / "b.eml").write_bytes(TO_HER_ALONE.replace(b"MIME-Version", thread, 1).replace(b"To: ", b"Cc: Will Tan <will.tan@larchmoor.example>\nTo: ", 1))
        (self.set / "h.eml").write_bytes(re.sub(b"(?m)^Message-ID:.*$", b"Message-ID: <first@larchmoor.example>", TO_HER_ALONE).replace(b"09:12", b"08:12"))
        self.write_set(self.case("b.eml", "pass", history=["h.eml"]))
        self.assertIn("newly_added = 1", self.run_it(self.set, "--explain"))
        self.write_set(self.case("b.eml", "pass"))
        self.assertNotIn("newly_added", self.run_it(self.set, "--explain"))

    def test_some_may_be_picked_by_name(self):
        self.assertEqual([c["file"] for c in self.json_of(self.set, "--only", "b*")["cases"]], ["b.eml"])
        self.assertEqual(len(self.json_of(self.set, "--only", "b*", "--only", "a.*")["cases"]), 2)
        self.assertIn("no message", self.run_it(self.set, "--only", "z*", want=FAILED))

    def test_threads_change_no_figure(self):
        self.write_set(*[self.case(f, "pass", pair=str(i)) for i in range(20) for f in ("a.eml", "b.eml", "c.eml")])
        one, many = (self.json_of(self.set, "--jobs", n) for n in ("1", "4"))
        one["summary"].pop("cpu"), many["summary"].pop("cpu")
        self.assertEqual(one, many)

    def test_faults_of_a_set_name_file_and_line(self):
        good, at = self.case("a.eml", "hold"), f"{self.set}/cases.jsonl:2: "
        for line, said in (("{file: 1}", "no JSON object"), ("[]", "no JSON object"), ('{"file": "a.eml"}', "there is no expect"),
                           (self.case("nowhere.eml", "hold"), "nowhere.eml"), (self.case("a.eml", "maybe"), "expect is none of"),
                           (self.case("a.eml", "hold", world="nowhere"), "nowhere/world.conf"), (self.case("a.eml", "hold", rcpt="x"), "rcpt"),
                           (self.case("a.eml", "hold", rules=[1]), "rules"), (self.case("a.eml", "hold", history=["nowhere.eml"]), "nowhere.eml")):
            self.write_set(good, line)
            fault = self.run_it(self.set, want=FAILED)
            self.assertIn(at, fault)
            self.assertIn(said, fault)
        self.assertIn("cases.jsonl", self.run_it(self.dir / "nowhere", want=FAILED))

    def test_a_world_that_cannot_be_loaded_is_a_failure_with_file_and_line(self):
        (self.set / "larchmoor/world.conf").write_text("[scope]\ninternal = x\n")
        self.assertIn("larchmoor/world.conf:2: [scope] internal", self.run_it(self.set, want=FAILED))

    # ---- ordinary mail ----

    def ordinary(self):
        folder = self.dir / "ordinary"
        shutil.copytree(WORLD, folder)
        for name, message in (("1.eml", TOLD_OFF), ("2.eml", TO_HER_ALONE), ("3.eml", FROM_OUTSIDE)):
            (folder / name).write_bytes(message)
        return folder

    def check_ordinary(self, found, names):
        self.assertEqual(set(found), {"ordinary", "summary"})
        o = found["ordinary"]
        self.assertEqual((o["messages"], o["judged"], o["holds"], len(o["held"])), (3, 2, 1, 1))
        held = o["held"][0]
        self.assertEqual((set(held), held["file"], held["rule"]), ({"file", "rule", "score", "evidence"}, names, "public_shaming"))
        self.assertTrue(any(e["text"].startswith("Grace, I think it's best") for e in held["evidence"]))
        self.assertAlmostEqual(found["summary"]["holds_per_1000"], 1000 / 3)
        self.assertAlmostEqual(found["summary"]["holds_per_1000_by_rule"]["public_shaming"], 1000 / 3)

    def test_a_folder_of_ordinary_mail_has_its_world_with_it(self):
        folder = self.ordinary()
        self.check_ordinary(self.json_of("--ordinary", folder), "1.eml")
        said = self.run_it("--ordinary", folder)
        self.assertIn("ordinary mail: 3 messages, 2 judged, 1 held: 333.33 per 1,000", said)
        self.assertRegex(said, r"(?m)^held 1\.eml  public_shaming \+[0-9.]+\n    \"Grace, I think it's best")

    def test_an_mbox_is_read_in_the_world_that_is_named(self):
        mbox = self.dir / "sent"
        mbox.write_bytes(b"".join(b"From x Mon Nov 16 09:12:00 2026\n" + m.replace(b"\n\nHello", b"\n\n>From here: Hello") + b"\n"
                                  for m in (TOLD_OFF, TO_HER_ALONE, FROM_OUTSIDE)))
        self.check_ordinary(self.json_of("--ordinary", mbox, "--world", WORLD), "sent:1")
        self.assertIn("sent:1", self.run_it("--ordinary", mbox, "--world", WORLD, "--only", "*:1", "--explain"))

    def test_a_maildir_is_read_without_what_is_not_delivered_yet(self):
        for name, message in (("cur/1:2,S", TOLD_OFF), ("cur/2:2,S", TO_HER_ALONE), ("new/3", FROM_OUTSIDE), ("tmp/4", TOLD_OFF)):
            path = self.dir / "maildir" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(message)
        self.check_ordinary(self.json_of("--ordinary", self.dir / "maildir", "--world", WORLD), "1:2,S")

    def test_without_a_world_the_configuration_holds_as_it_is(self):
        folder = self.ordinary()
        (folder / "world.conf").unlink()
        self.assertEqual(self.json_of("--ordinary", folder)["ordinary"]["judged"], 0)

    def test_a_set_and_ordinary_mail_may_be_judged_together(self):
        found = self.json_of(self.set, "--ordinary", self.ordinary())
        self.assertEqual((len(found["cases"]), found["ordinary"]["messages"]), (2, 3))

    def test_faults_of_ordinary_mail_name_what_is_not_there(self):
        self.assertIn("nowhere/world.conf", self.run_it("--ordinary", self.ordinary(), "--world", self.dir / "nowhere", want=FAILED))
        self.assertIn("nowhere", self.run_it("--ordinary", self.dir / "nowhere", want=FAILED))

    def test_what_makes_no_sense_is_refused(self):
        for words in ([], ["a", "b"], ["a", "--misses", "--json"], ["a", "--world", "b"], ["a", "--jobs", "0"]):
            self.assertIn("usage: forbear eval", self.run_it(*words, want=USAGE))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
