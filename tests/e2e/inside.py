"""The first process of a sandbox's own namespaces: lays its folders over the machine's, and tells one story, or waits.

Run by crew.py under unshare(1) as: python3 -m e2e.inside RUN NAME story|wait. When it ends, however it ends, the kernel
kills all that it started, and what was laid over the machine's folders is seen by nobody any more.
"""
import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

from e2e import browser, postfix, ports, stories
from e2e.sandbox import Sandbox
from e2e.wait import NotAsTold

# What is laid over what; the folders are of the sandbox's own.
LAID = {"etc-postfix": "/etc/postfix", "etc-forbear": "/etc/forbear", "run": "/run", "spool-postfix": "/var/spool/postfix",
        "lib-postfix": "/var/lib/postfix", "lib-forbear": "/var/lib/forbear"}


class Stop(BaseException):
    """SIGTERM or Ctrl-C."""


def _stop(signum, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Stop


def _mount(*arguments):
    return subprocess.run(["mount", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def _shared(path):
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == str(path) and "shared:" in line:
            return True
    return False


def _keep_mounts_here(folder):
    """No mount of ours may be seen outside. In a chroot "/" is no mount of its own and cannot be made private: there it
    depends on what the chroot lies on, which a first mount shows."""
    if _mount("--make-rprivate", "/").returncode == 0:
        return
    _mount("--bind", str(folder), str(folder))
    if _shared(folder):
        subprocess.run(["umount", str(folder)], check=True)
        raise SystemExit("this chroot lies on a shared mount: `mount --bind DIR DIR && mount --make-rprivate DIR` outside, then chroot again")


def _lay(source, target):
    done = _mount("--bind", str(source), target)
    if done.returncode:
        raise SystemExit(done.stderr)


def _lay_all(run, folder):
    for name, target in LAID.items():
        (folder / name).mkdir(exist_ok=True)
        _lay(folder / name, target)
    for shared in (run / "stage").rglob("share/forbear"):
        _lay(shared, "/usr/share/forbear")


def prepare(run, folder):
    os.umask(0o022)
    (folder / "log").mkdir()
    claimed, block = ports.claim()
    _keep_mounts_here(folder)
    postfix.lay_out(folder, claimed)
    _lay_all(run, folder)
    return Sandbox(run, folder, claimed), block


def _tell(sandbox, name):
    story = browser if name == browser.NAME else stories.find(name)
    print(f"{name}: {stories.line(story)}", flush=True)
    sandbox.configure(getattr(story, "CONF", {}), getattr(story, "RULES", ""))
    sandbox.start()
    story.story(sandbox)


def _wait(sandbox, folder):
    sandbox.configure({"hold.delay": "5m", "forbear.log_level": "info"})
    sandbox.start()
    (folder / "state.json").write_text(json.dumps({"ports": sandbox.ports, "mail": str(folder / "mail")}))
    (folder / "ready").touch()
    while True:
        signal.pause()


def main(run, name, mode):
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    folder = Path(run) / name
    sandbox, block = prepare(Path(run), folder)
    as_told = False
    try:
        if mode == "story":
            _tell(sandbox, name)
        else:
            _wait(sandbox, folder)
        as_told = True
    except NotAsTold as e:
        print(f"  NOT AS TOLD: {e}", flush=True)
    except Stop:
        print("  stopped" if mode == "story" else "", flush=True)
    except Exception:
        traceback.print_exc()
    faults = sandbox.stop()
    for fault in faults:
        print(f"  NOT AS TOLD: {fault}", flush=True)
    block.close()
    return 0 if as_told and not faults else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
