"""Ana's messages are held, and she reads and decides in a real browser: tests/browser, and what became of the mail."""
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from e2e import letters, store
from e2e.places import SOURCE

NAME = "browser"
HERE = SOURCE / "tests" / "browser"
CONF = {"hold.cap": "0", "notice.gather": "0s", "hold.delay": "2h"}
BROWSER_S = 400  # a minute, where little else runs
MOST_S = BROWSER_S + 60
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "CERT_IN_CHAIN", "UNABLE_TO_VERIFY", "UNABLE_TO_GET_ISSUER")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # those whom this machine trusts; node knows only those that it was built with


def why_not():
    """Installs what package-lock.json says, where it is not there; why it cannot be had, or nothing."""
    lock, had = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if had.exists() and had.stat().st_mtime >= lock.stat().st_mtime:
        return ""
    env = {"NODE_EXTRA_CA_CERTS": CERTIFICATES, **os.environ}
    done = subprocess.run(["npm", "ci", "--no-progress"], cwd=HERE, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=300)
    if done.returncode == 0:
        had.touch()
        return ""
    if any(code in done.stderr for code in UNREACHABLE):
        return "npm's registry cannot be reached"
    raise SystemExit(f"tests/browser: npm ci failed:\n{done.stderr[-4000:]}")


def pictures():
    """Where pictures of the page are kept: never within the repository."""
    return os.environ.get("FORBEAR_ARTEFACTS") or str(Path(tempfile.gettempdir()) / "forbear-artefacts")


def _held(s, **change):
    return s.hold_one(letters.dressing_down(**change))


def story(s):
    minimum = _held_for_long(s)
    held = {name: _held(s) for name in ("release", "withdraw", "plain", "keyboard", "talked", "wrong")}
    rich = letters.dressing_down(cc=["mia@corp.example"], bcc=["dan@corp.example"])
    held["held"] = s.hold_one(rich)
    held["minimum"] = minimum
    done = _browse(s, {name: link for name, (_, _, link) in held.items()} | {"subject": rich.subject})
    _what_became(s, held)
    s.check(done, "every test in the browser passed")


def _held_for_long(s):
    """One that may be sent only after an hour; those after it at once."""
    s.configure({"hold.minimum": "1h"})
    s.restart("milter")
    held = _held(s)
    s.configure({"hold.minimum": "0s"})
    s.restart("milter")
    return held


def _browse(s, plan):
    folder, home = s.folder, tempfile.mkdtemp(dir=s.folder)
    (folder / "plan.json").write_text(json.dumps(plan | {"pictures": pictures()}))
    done = subprocess.run(["node", str(HERE / "page.mjs"), str(folder / "plan.json"), str(folder / "results.jsonl")],
                          stdin=subprocess.DEVNULL, timeout=BROWSER_S, env={"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8"})
    shutil.rmtree(home, ignore_errors=True)
    return done.returncode == 0


def _what_became(s, held):
    for name, state in {"release": "released", "plain": "released", "talked": "released", "withdraw": "withdrawn", "keyboard": "withdrawn",
                        "held": "held", "wrong": "held", "minimum": "held"}.items():
        letter, queue_id, _ = held[name]
        s.says(f"{name}:")
        s.is_state(queue_id, state)
        if state == "released":
            s.arrives(letter, "ben@corp.example")
        else:
            s.nobody_has(letter)
    s.check(store.state(held["minimum"][1]) == "held", "what may not be sent yet was not sent")


def results(folder):
    path = folder / "results.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
