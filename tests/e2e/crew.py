"""Runs stories, each in a namespace of its own, several at a time, each for a bounded time."""
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from e2e.places import base

STORY_S = 240     # a story that takes longer has failed, on a slow machine too
STOP_S = 10       # for stopping in good order; then the kernel does it
NAMESPACE = ("setpriv", "--pdeathsig", "KILL",  # if this process is killed, so is unshare, and by it all within
             "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "unchanged")
INSIDE = ("/usr/bin/python3", "-B", "-m", "e2e.inside")


def run_folder():
    return Path(tempfile.mkdtemp(prefix="run-", dir=base()))


@dataclass
class Performance:
    """One story on its way: the process that tells it, and what it says."""
    name: str
    folder: Path
    process: subprocess.Popen
    said: Path
    most_s: float = STORY_S
    since: float = field(default_factory=time.monotonic)
    stopped: bool = False

    def seconds(self):
        return time.monotonic() - self.since

    def stop(self):
        """unshare ignores SIGTERM; the process within, which is of its group, stops in good order."""
        self.stopped = True
        os.killpg(self.process.pid, signal.SIGTERM)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)


def start(run, name, mode, to_terminal=False, most_s=STORY_S):
    folder = run / name
    folder.mkdir()
    said = folder / "transcript"
    out = None if to_terminal else said.open("wb")
    folder.chmod(0o755)
    run.chmod(0o755)
    process = subprocess.Popen([*NAMESPACE, *INSIDE, str(run), name, mode], stdin=subprocess.DEVNULL, stdout=out, stderr=out and subprocess.STDOUT,
                               start_new_session=True)
    return Performance(name, folder, process, said, most_s)


def wait(going):
    """Waits until one of @going has ended, stopping those past their time; returns it."""
    while True:
        for p in going:
            if p.process.poll() is not None:
                return p
            if p.seconds() > p.most_s + STOP_S:
                p.kill()
            elif p.seconds() > p.most_s and not p.stopped:
                p.stop()
        time.sleep(0.05)


def end(p):
    """Stops @p and waits for it."""
    if p.process.poll() is None:
        p.stop()
        try:
            p.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            p.kill()
            p.process.wait()


def tell(run, names, jobs, on_end, most_s=STORY_S):
    """Tells all stories, @jobs at a time, each for at most @most_s; on_end(performance, as_told) after each."""
    waiting, going = list(names), []
    try:
        while waiting or going:
            while waiting and len(going) < jobs:
                going.append(start(run, waiting.pop(0), "story", most_s=most_s))
            p = wait(going)
            going.remove(p)
            on_end(p, p.process.returncode == 0)
    finally:
        for p in going:
            end(p)


def transcript(p):
    return p.said.read_text(errors="replace") if p.said.exists() else ""


def logs(p, limit=12000):
    """The end of each of its logs."""
    parts = []
    for log in sorted((p.folder / "log").glob("*")):
        text = log.read_text(errors="replace")[-limit:]
        parts.append(f"--- {log.name}\n{text}")
    return "\n".join(parts)


def interrupted(signum, frame):
    raise KeyboardInterrupt


def heed_signals():
    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(s, interrupted)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)


def cpus():
    return max(2, len(os.sched_getaffinity(0)))
