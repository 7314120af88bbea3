"""tests/run: every test, one line each; the last line is `N passed, N failed`."""
import json
import os
import subprocess
import sys
from dataclasses import dataclass

from e2e import browser, crew, stories
from e2e.__main__ import in_use, prepare
from e2e.places import BUILD


@dataclass
class Count:
    passed: int = 0
    failed: int = 0

    def add(self, passed, name, seconds, log=""):
        if passed:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok    ' if passed else 'FAILED'} {name} ({seconds:.1f} s)", flush=True)
        if not passed:
            print(log[-20000:], flush=True)


def meson_tests(count):
    log = BUILD / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)  # one of an earlier run must not speak for this one
    subprocess.run([*crew.NAMESPACE, "meson", "test", "-C", str(BUILD), "--no-rebuild"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    for test in map(json.loads, log.read_text().splitlines()):
        count.add(test["result"] == "OK", test["name"], test["duration"], test.get("stdout", "") + test.get("stderr", ""))


def all_stories(run, count):
    crew.tell(run, stories.names(), crew.cpus(),
              lambda p, as_told: count.add(as_told, p.name, p.seconds(), "" if as_told else crew.transcript(p) + crew.logs(p)))


def in_browser(run, count):
    """One line for each test in the browser, and one for what became of the mail."""
    lacks = browser.why_not()
    if lacks:
        print(f"SKIP   {browser.NAME}: {lacks}", flush=True)
        return

    def on_end(p, as_told):
        for one in browser.results(p.folder):
            count.add(one["passed"], f"{p.name}: {one['name']}", one["seconds"], one["log"])
        count.add(as_told, p.name, p.seconds(), "" if as_told else crew.transcript(p) + crew.logs(p))

    crew.tell(run, [browser.NAME], 1, on_end, browser.MOST_S)


def main():
    os.umask(0o022)
    crew.heed_signals()
    count = Count()
    with in_use():
        run = prepare(tests=True)
        meson_tests(count)
        all_stories(run, count)
        in_browser(run, count)
        if not count.failed:
            crew.remove(run)
    print(f"{count.passed} passed, {count.failed} failed", flush=True)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
