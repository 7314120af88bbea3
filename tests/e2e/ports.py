"""Ports on 127.0.0.1, a block for each sandbox: below those that the kernel gives out, and never used by two at once."""
import fcntl
import socket

from e2e.places import BASE

NAMES = ("smtp", "refusing", "submission", "unfiltered", "milter", "web")
FIRST, BLOCKS, STEP = 21000, 100, 10


def _is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def claim():
    """A block: its ports by name, and the lock that keeps it for as long as it is open."""
    (BASE / "ports").mkdir(exist_ok=True)
    for block in range(BLOCKS):
        lock = open(BASE / "ports" / str(block), "w")
        ports = {name: FIRST + block * STEP + i for i, name in enumerate(NAMES)}
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        if all(_is_free(port) for port in ports.values()):
            return ports, lock
        lock.close()
    raise SystemExit("no free ports on 127.0.0.1")


def answers(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0
