#!/usr/bin/env python3
"""The command `forbear`, as an admin meets it: what it prints, what it leaves behind, its exit codes.

usage: command.py FORBEAR SOURCE_ROOT
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

FORBEAR, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
WORLD = SOURCE / "tests/rules/worlds/larchmoor"
HEATED = SOURCE / "tests/rules/cases/restraint-1-told-off-before-all"
HEATED_WORDS = (HEATED / "case.eml").read_text()
FIRST_JUDGE = f"[judge]\nmodel = {SOURCE / 'model/judge.bin'}"
BOTH_JUDGES = f"{FIRST_JUDGE}\nsecond_model = {SOURCE / 'model/second.bin'}"
PASSES, WOULD_TELL, WOULD_HOLD, FAILED, USAGE, CONFIG = 0, 10, 20, 1, 64, 78


class Command(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.dir)
        self.conf = self.dir / "forbear.conf"
        for name in WORLD.glob("*.csv"):
            shutil.copy(name, self.dir)
        self.write_conf()

    def write_conf(self, mode="hold", more=""):
        self.conf.write_text((WORLD / "world.conf").read_text() + f"""
[forbear]
mode = {mode}
state_dir = state
keys_dir = keys
data_dir = {SOURCE / 'conf'}
[rules]
file = none
phrases = none
{more}
""")

    def run_it(self, *words, want=0):
        done = subprocess.run([FORBEAR, *words, "-c", self.conf], capture_output=True, text=True)
        self.assertEqual(done.returncode, want, done.stdout + done.stderr)
        return done.stdout if want in (PASSES, WOULD_TELL, WOULD_HOLD) else done.stderr

    def keys(self):
        return {p.name: (p.read_bytes(), p.stat().st_mode & 0o777) for p in (self.dir / "keys").rglob("*") if p.is_file()}

    def test_keygen_makes_every_key_with_its_mode(self):
        self.run_it("keygen")
        modes = {name: mode for name, (_, mode) in self.keys().items()}
        self.assertEqual({modes.pop(n) for n in ("signing.key", "box.key")}, {0o400})
        self.assertEqual(modes.pop("hash.key"), 0o440)
        self.assertEqual(set(modes.values()), {0o644})
        self.assertEqual(len(modes), 2)

    def test_keygen_replaces_nothing_and_rotation_keeps_the_old_public_key(self):
        self.run_it("keygen")
        before = self.keys()
        self.run_it("keygen")
        self.assertEqual(self.keys(), before)
        self.run_it("keygen", "--rotate")
        after = self.keys()
        self.assertNotEqual(after["signing.key"], before["signing.key"])
        self.assertEqual(len(after), len(before) + 1)
        del before["signing.key"]
        self.assertLessEqual(before.items(), after.items())

    def test_config_check_says_ok_with_and_without_keys(self):
        self.assertIn("OK", self.run_it("config", "check"))
        self.run_it("keygen")
        self.assertIn("OK", self.run_it("config", "check"))

    def test_config_check_names_file_line_and_key(self):
        self.write_conf(more="[hold]\ndelya = 15m")
        said = self.run_it("config", "check", want=CONFIG)
        line = self.conf.read_text().splitlines().index("delya = 15m") + 1
        for part in (str(self.conf), str(line), "hold", "delya"):
            self.assertIn(part, said)

    def texts(self, language, change):
        """A data_dir of its own, where that language's page.txt is changed."""
        if not (self.dir / "data").exists():
            shutil.copytree(SOURCE / "conf", self.dir / "data")
        texts = self.dir / "data/templates" / language / "page.txt"
        texts.parent.mkdir(exist_ok=True)
        texts.write_text(change(texts.read_text() if texts.exists() else ""))
        self.conf.write_text(self.conf.read_text().replace(f"data_dir = {SOURCE / 'conf'}", "data_dir = data"))

    def test_config_check_names_what_a_language_does_not_say(self):
        self.texts("de", lambda text: text.replace("{{#held}}Ihre Nachricht ist noch nicht gesendet{{/held}}\n", ""))
        self.texts("xx", lambda text: "{{#held}}Yoo{{/held}}\n")
        done = subprocess.run([FORBEAR, "config", "check", "-c", self.conf], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: template de/page.txt is said in English where it lacks {{#held}}\n", done.stderr)
        self.assertIn("xx/page.txt is said in English where it lacks {{#moment}}, {{#held_state}}, {{#held_time}}, ", done.stderr)

    def test_config_check_refuses_texts_that_nobody_would_see(self):
        for language, change, said in (
                ("fr", lambda text: "\n{{#helt}}x{{/helt}}\n" + text, "template fr/page.txt, line 2: nothing asks for the text {{#helt}}"),
                ("de", lambda text: "{{#held}}x{{/held}}\n" + text, "{{#held}} is there twice"),
                ("en", lambda text: text.replace("{{#footer}}", "{{#foot}}").replace("{{/footer}}", "{{/foot}}"), "there is no part {{>footer}}"),
                ("en", lambda text: "{{#nonsense}}x{{/nonsense}}\n" + text, "template en/page.txt, line 1: nothing asks for the text {{#nonsense}}"),
                ("en", lambda text: text + "{{#when}}x{{/when}}\n", "nothing asks for the text {{#when}}"),
                ("de", lambda text: "{{! a note }}\n\nHallo\n" + text, "template de/page.txt, line 3: what stands outside {{#name}}...{{/name}} is never said"),
                ("fr", lambda text: "{{#letters_mine}}x{{/letters_mine}}\n" + text, "nothing asks for the text {{#letters_mine}}"),
                ("xx", lambda text: "{{#held}}x", "template xx/page.txt, line 1: {{#held}} has no end")):
            shutil.rmtree(self.dir / "data", ignore_errors=True)
            self.texts(language, change)
            self.assertIn(said, self.run_it("config", "check", want=CONFIG))

    def test_config_check_refuses_links_that_would_be_too_long(self):
        self.write_conf(more="[web]\nbase_url = https://" + "x" * 80)
        self.assertIn("make links of 380 characters: 20 more than", self.run_it("config", "check", want=CONFIG))

    def warned(self, web):
        """What is said of the page alone, with these lines in [web]."""
        self.write_conf(more="[web]\n" + web)
        done = subprocess.run([FORBEAR, "config", "check", "-c", self.conf], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return "".join(line for line in done.stderr.splitlines(True) if "warning: web." in line)

    def certificate(self, host, days=90):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
                        "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
                        "-keyout", self.dir / f"{host}.key", "-out", self.dir / f"{host}.crt"], check=True, capture_output=True)
        return f"tls_certificate = {host}.crt\ntls_key = {host}.key\n"

    def test_config_check_warns_of_links_that_senders_cannot_follow(self):
        self.assertEqual(self.warned("base_url = https://forbear.example.org"), "")
        self.assertEqual(self.warned("base_url = https://[2001:db8::1]:8443/mail"), "")
        for loopback in ("127.0.0.1:8480", "localhost", "[::1]:8480"):
            self.assertIn("this machine alone", self.warned(f"base_url = http://{loopback}"))
        self.assertIn("no domain", self.warned("base_url = https://forbear"))
        self.assertIn("by http", self.warned("base_url = http://forbear.example.org"))
        self.assertIn("neither web.tls_certificate nor", self.warned("base_url = https://forbear.example.org:8480\nproxies ="))
        self.assertIn("port 80, but web.listen has 8480", self.warned("base_url = http://forbear.example.org\nproxies ="))

    def test_config_check_reads_the_certificate(self):
        ours = self.certificate("forbear.example.org") + "listen = 0.0.0.0:443\n"
        soon = self.certificate("soon.example.org", 5) + "listen = 0.0.0.0:443\n"
        self.assertEqual(self.warned("base_url = https://forbear.example.org\n" + ours), "")
        self.assertIn("speaks HTTPS alone", self.warned("base_url = http://forbear.example.org\n" + ours))
        self.assertIn("not for other.example.org", self.warned("base_url = https://other.example.org\n" + ours))
        self.assertIn("expires within 14 days", self.warned("base_url = https://soon.example.org\n" + soon))

    def test_config_check_refuses_a_certificate_that_cannot_be_served(self):
        for host in ("one.example.org", "two.example.org"):
            self.certificate(host)
        for lines, said in (("tls_key = one.example.org.key", "both or none"),
                            ("tls_certificate = gone.crt\ntls_key = one.example.org.key", "gone.crt"),
                            ("tls_certificate = one.example.org.crt\ntls_key = two.example.org.key", "two.example.org.key is not the key of"),
                            ("tls_certificate = one.example.org.key\ntls_key = one.example.org.key", "web.tls_certificate: ")):
            self.write_conf(more="[web]\n" + lines)
            self.assertIn(said, self.run_it("config", "check", want=CONFIG))

    def test_config_check_refuses_a_public_key_that_is_none(self):
        self.run_it("keygen")
        (self.dir / "keys/public/AAAAAAAA.pub").write_text("k4.public.short\n")
        self.assertIn("AAAAAAAA.pub", self.run_it("config", "check", want=CONFIG))

    def test_the_sample_is_a_sound_configuration_of_all_defaults(self):
        sample = self.dir / "sample.conf"
        sample.write_text(subprocess.run([FORBEAR, "config", "sample"], capture_output=True, text=True, check=True).stdout)
        show = [FORBEAR, "config", "show", sample]
        shown = subprocess.run(show, capture_output=True, text=True, check=True).stdout
        self.assertIn("forbear.mode = observe", shown.splitlines())

    def check(self, *words, want):
        return self.run_it("check", HEATED / "case.eml", *words, want=want)

    def test_the_exit_code_of_check_is_the_verdict(self):
        for mode, want in (("hold", WOULD_HOLD), ("notify", WOULD_TELL), ("observe", WOULD_TELL)):
            self.write_conf(mode)
            self.assertEqual(self.check(want=want).splitlines()[0], f"{mode}: public_shaming")

    def test_check_says_why_and_says_it_to_programs(self):
        why = self.check(want=WOULD_HOLD)
        self.assertIn("somebody whom the others who read it can recognise", why)
        self.assertIn("Instead: Three messages do it better.", why)
        self.assertTrue(any(line.startswith('  "') and line.strip('" ').split('"')[0] in HEATED_WORDS for line in why.splitlines()), why)
        self.assertIn("public_shaming", self.check("--explain", want=WOULD_HOLD))
        verdict = json.loads(self.check("--json", want=WOULD_HOLD))
        self.assertEqual((verdict["action"], verdict["rule"]), ("hold", "public_shaming"))

    def test_check_shows_what_the_judge_is_given(self):
        facts, text = self.check("--facts", want=WOULD_HOLD).split("\n", 1)
        self.assertEqual(facts, "to: list of 3; cc: none; readers: 4-9; outside: none; alone before with: nobody")
        self.assertTrue(text.startswith("subject: Brightwater. Hello everyone,\n\n[READER], I think it's best"), text)
        self.assertEqual(self.check("--facts", "--sender", "someone@elsewhere.example", want=PASSES), "pass: not judged (foreign_sender)\n")

    def test_the_second_judge_may_be_left_out(self):
        self.write_conf(more=BOTH_JUDGES + "\ntwice = no")
        self.assertEqual(json.loads(self.check("--json", want=WOULD_HOLD))["judge"]["again"], 0)
        self.write_conf(more=BOTH_JUDGES.replace("second.bin", "none.bin"))
        self.assertIn("none.bin", self.check(want=CONFIG))
        self.write_conf(more=FIRST_JUDGE)
        done = subprocess.run([FORBEAR, "config", "check", "-c", self.conf], capture_output=True, text=True)
        self.assertIn("second.bin is not there: nothing is read again", done.stderr)

    def test_check_tells_programs_all_that_the_judge_says(self):
        self.assertIsNone(json.loads(self.check("--json", want=WOULD_HOLD))["judge"], "there are no weights")
        self.write_conf(more=BOTH_JUDGES)
        judge = json.loads(self.check("--json", want=WOULD_HOLD))["judge"]
        self.assertEqual(set(judge), {"facts", "subject", "text", "hold", "rules", "left_early", "cut", "windows", "again", "sentences"})
        self.assertEqual((len(judge["rules"]), judge["windows"], judge["again"], judge["left_early"], judge["cut"]), (8, 1, 1, False, False))
        decisive = max(judge["sentences"], key=lambda s: s["evidence"])
        self.assertIn(decisive["text"], judge["text"])
        self.assertTrue(all(v >= -2 for s in judge["sentences"] for v in s["acts"].values()))

    def test_check_takes_the_envelope_it_is_given(self):
        self.assertEqual(self.check("--sender", "someone@elsewhere.example", want=PASSES), "pass: not judged (foreign_sender)\n")

    def test_a_message_that_is_not_there_is_a_failure_with_its_name(self):
        self.assertIn("nowhere.eml", self.run_it("check", self.dir / "nowhere.eml", want=FAILED))

    def test_looking_makes_no_store(self):
        os.mkdir(self.dir / "state")
        for words in (("list",), ("counts",), ("events", "4Sjh2k0fMzz1abc")):
            self.assertIn("forbear.db", self.run_it(*words, want=FAILED))
        self.assertEqual(os.listdir(self.dir / "state"), [])

    def test_a_decision_needs_a_reason_of_one_line(self):
        for reason in ((), ("--reason", ""), ("--reason", "two\nlines"), ("--reason", "x" * 201)):
            self.assertIn("usage", self.run_it("release", "4Sjh2k0fMzz1abc", *reason, want=USAGE))

    def test_what_is_no_command_is_refused(self):
        for words in ([], ["nonsense"], ["list", "more"], ["check"], ["keygen", "--unknown"], ["counts", "--days", "0"], ["config", "sing"]):
            self.assertEqual(subprocess.run([FORBEAR, *words], capture_output=True).returncode, USAGE, words)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
