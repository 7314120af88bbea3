"""tests/sandbox: the whole system on loopback, to try out, or to tell stories on."""
import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from contextlib import contextmanager, suppress

from e2e import browser, crew, letters, mail, stories
from e2e.build import build
from e2e.people import MAILBOXES
from e2e.places import BASE, MADE, base, make_covered
from e2e.sandbox import in_stage

HELP = """\
Without options: starts everything, says how to send and where to look, and runs until Ctrl-C."""

READY = """
The sandbox is running: Postfix with forbear in front of it, on 127.0.0.1 alone. Ctrl-C stops it.

  try it       tests/sandbox --send          a letter that dresses Ben down before the team (in another terminal)
  submission   127.0.0.1:{submission}  AUTH PLAIN, no TLS: ana@corp.example, ben@, cleo@, dan@, mia@ (the manager); password "sandbox"
               curl -s smtp://127.0.0.1:{submission} --user ana@corp.example:sandbox --mail-from ana@corp.example \\
                    --mail-rcpt team@corp.example --upload-file LETTER.eml
  mailboxes    tests/sandbox --read ana      what came to ana@corp.example, as text; ben, ..., or kai@client.example
               maildirs: {mail}/corp.example/ana, ..., {mail}/client.example/kai
  page         http://127.0.0.1:{web}/   the link is in the notice, in Ana's mailbox
  inside       tests/sandbox --enter postqueue -p     or  tests/sandbox --enter forbear list
  logs, conf   {folder}/log, {folder}/etc-forbear
"""


def _arguments():
    p = argparse.ArgumentParser(prog="tests/sandbox", description=HELP)
    p.add_argument("--stories", action="store_true", help="list the stories")
    p.add_argument("--story", nargs="+", metavar="NAME", help="tell these; exit 0 when all went as told")
    p.add_argument("--jobs", type=int, default=1, metavar="N", help="stories at a time")
    p.add_argument("--send", action="store_true", help="send a letter that will be held, in the running sandbox")
    p.add_argument("--read", metavar="NAME", help="print what came to that mailbox of the running sandbox")
    p.add_argument("--enter", nargs=argparse.REMAINDER, metavar="COMMAND", help="run a command inside the running sandbox")
    p.add_argument("--clean", action="store_true", help="remove all that the sandbox ever made, but for packages and users")
    return p.parse_args()


@contextmanager
def in_use():
    """Others may use the sandbox's folder too; nobody may clean it meanwhile."""
    with open(base() / "in-use", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def clean():
    with open(base() / "in-use", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("a sandbox is running: stop it first") from None
        made = MADE.read_text().split() if MADE.exists() else []
        for path in made:
            if os.path.isdir(path) and not os.listdir(path):
                os.rmdir(path)
        shutil.rmtree(BASE)
    print("removed. What stays: build/, the packages that tests/setup installed, and the users "
          "forbear-milter, forbear-keeper and forbear-web.")
    return 0


def list_stories():
    for name in stories.names():
        print(f"{name:34} {stories.line(stories.find(name))}")
    print(f"{browser.NAME:34} {stories.line(browser)}")
    return 0


def prepare(tests=False, **kind):
    run = crew.run_folder()
    make_covered()
    build(run / "stage", tests, **kind)
    return run


def tell(names, jobs):
    unknown = set(names) - set(stories.names()) - {browser.NAME}
    if unknown:
        raise SystemExit(f"no such story: {', '.join(sorted(unknown))}; tests/sandbox --stories lists them")
    lacks = browser.why_not() if browser.NAME in names else ""
    if lacks:
        raise SystemExit(f"{browser.NAME}: {lacks}")
    run, failed = prepare(), []

    def on_end(p, as_told):
        print(crew.transcript(p), end="")
        print(f"{'as told' if as_told else 'NOT AS TOLD'}: {p.name} ({p.seconds():.1f} s)\n", flush=True)
        if not as_told:
            failed.append(p.name)
            print(crew.logs(p))

    try:
        crew.tell(run, names, jobs, on_end, browser.MOST_S if browser.NAME in names else crew.STORY_S)
    finally:
        if not failed:
            crew.remove(run)
    return 1 if failed else 0


def stay():
    run = prepare()
    p = crew.start(run, "sandbox", "wait", to_terminal=True)
    try:
        while p.process.poll() is None and not (p.folder / "ready").exists():
            time.sleep(0.05)
        if p.process.poll() is not None:
            print(crew.logs(p))
            return 1
        state = json.loads((p.folder / "state.json").read_text())
        (p.folder / "pid").write_text(str(p.process.pid))
        print(READY.format(folder=p.folder, mail=state["mail"], **state["ports"]), flush=True)
        p.process.wait()
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        crew.end(p)
        crew.remove(run)
        print("stopped", flush=True)


def _running():
    """The folder of the sandbox that was started last and runs."""
    for pid_file in sorted(BASE.glob("run-*/sandbox/pid"), key=lambda f: -f.stat().st_mtime):
        with suppress(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)
            return pid_file.parent
    raise SystemExit("no sandbox is running: start one with tests/sandbox")


def send():
    folder = _running()
    ports = json.loads((folder / "state.json").read_text())["ports"]
    letter = letters.dressing_down()
    queue_id = mail.submit(ports["submission"], letter, letter.sender)
    print(f"{letter.raw().decode()}\naccepted as {queue_id}. Ana's notice: tests/sandbox --read ana")
    return 0


def read(name):
    address = name if "@" in name else f"{name}@corp.example"
    if address not in MAILBOXES:
        raise SystemExit(f"no such mailbox: {address}; there are {', '.join(MAILBOXES)}")
    for letter in mail.Mailboxes(_running() / "mail").letters(address):
        print(mail.readable(letter))
    return 0


def enter(command):
    folder = _running()
    unshare = (folder / "pid").read_text()
    with open(f"/proc/{unshare}/task/{unshare}/children") as children:
        first = children.read().split()[0]
    os.environ.update(in_stage(folder.parent / "stage"))
    os.execvp("nsenter", ["nsenter", "--target", first, "--mount", "--pid", "--", *command])


def main():
    a = _arguments()
    os.umask(0o022)
    crew.heed_signals()
    if a.clean:
        return clean()
    if a.stories:
        return list_stories()
    if a.send:
        return send()
    if a.read:
        return read(a.read)
    if a.enter:
        return enter(a.enter)
    with in_use():
        return tell(a.story, a.jobs) if a.story else stay()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
