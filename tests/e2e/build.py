"""Builds into build/, and lays what is installed into a folder of the run: programs must not change under a story."""
import fcntl
import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

from e2e.places import BUILD, SOURCE, base

OPTIONS = {"prefix": "/usr", "sysconfdir": "/etc", "localstatedir": "/var", "crash_points": True}


def _options():
    return [f"-D{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in OPTIONS.items()]


def _configured():
    try:
        listed = json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())
    except OSError:
        return None
    have = {option["name"]: option["value"] for option in listed}
    return all(have.get(name) == value for name, value in OPTIONS.items())


def _quietly(*command):
    done = subprocess.run(command, cwd=SOURCE, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise SystemExit(f"{(done.stdout + done.stderr)[-8000:]}\nfailed: {' '.join(command)}")


@contextmanager
def _alone():
    with open(base() / "build.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _installed():
    targets = json.loads((BUILD / "meson-info/intro-targets.json").read_text())
    return [str(Path(name).relative_to(BUILD)) for target in targets if target["installed"] for name in target["filename"]]


def build(stage, tests):
    """Builds what is not built, with the @tests or only what is installed, and installs it under @stage."""
    with _alone():
        configured = _configured()
        if configured is None:
            _quietly("meson", "setup", str(BUILD), str(SOURCE), *_options())
        elif not configured:
            _quietly("meson", "setup", "--reconfigure", str(BUILD), str(SOURCE), *_options())
        _quietly("ninja", "-C", str(BUILD), *([] if tests else _installed()))
        _quietly("meson", "install", "-C", str(BUILD), "--no-rebuild", "--quiet", "--destdir", str(stage))
