"""Where things are: the source tree, the build, and what the sandbox writes."""
import os
import stat
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build"
BASE = Path("/var/tmp/forbear-sandbox")

# A private folder is laid over each of these, in the sandbox's own mount namespace only. What is missing on the machine
# is made, empty, for something to be laid over; `--clean` removes it again.
COVERED = ("/etc/postfix", "/etc/forbear", "/run", "/var/spool/postfix", "/var/lib/postfix", "/var/lib/forbear",
           "/usr/share/forbear")
MADE = BASE / "made"


def base():
    """BASE, made where it is missing; refused where somebody else could have put it there."""
    BASE.mkdir(mode=0o755, exist_ok=True)
    info = BASE.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != 0 or info.st_mode & 0o022:
        raise SystemExit(f"{BASE} is not a folder of root's alone")
    return BASE


def make_covered():
    base()
    for path in COVERED:
        if not os.path.isdir(path):
            with MADE.open("a") as made:
                made.write(path + "\n")
            os.makedirs(path, mode=0o755)
