"""Builds, and lays what is installed into a folder of the run: programs must not change under a story."""
import fcntl
import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

from e2e.places import BUILD, SOURCE, base

WHERE = {"prefix": "/usr", "sysconfdir": "/etc", "localstatedir": "/var"}
TESTED = (BUILD, {**WHERE, "werror": True, "crash_points": True})
RELEASE = (SOURCE / "build-release", {**WHERE, "werror": True, "buildtype": "release", "b_lto": True})  # as README has it installed


def _options(options):
    return [f"-D{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in options.items()]


def _configured(folder, options):
    try:
        listed = json.loads((folder / "meson-info/intro-buildoptions.json").read_text())
    except OSError:
        return None
    have = {option["name"]: option["value"] for option in listed}
    return all(have.get(name) == value for name, value in options.items())


def _quietly(*command):
    done = subprocess.run(command, cwd=SOURCE, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise SystemExit(f"{(done.stdout + done.stderr)[-8000:]}\nfailed: {' '.join(command)}")


@contextmanager
def _alone():
    with open(base() / "build.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _installed(folder):
    targets = json.loads((folder / "meson-info/intro-targets.json").read_text())
    return [str(Path(name).relative_to(folder)) for target in targets if target["installed"] for name in target["filename"]]


def build(stage, tests, kind=TESTED):
    """Builds what is not built, with the @tests or only what is installed, and installs it under @stage."""
    folder, options = kind
    with _alone():
        configured = _configured(folder, options)
        if configured is None:
            _quietly("meson", "setup", str(folder), str(SOURCE), *_options(options))
        elif not configured:
            _quietly("meson", "setup", "--reconfigure", str(folder), str(SOURCE), *_options(options))
        _quietly("ninja", "-C", str(folder), *([] if tests else _installed(folder)))
        _quietly("meson", "install", "-C", str(folder), "--no-rebuild", "--quiet", "--destdir", str(stage))
