"""Ports on 127.0.0.1, a block for each sandbox: below those that the kernel gives out, and never used by two at once."""
import socket

NAMES = ("smtp", "refusing", "submission", "unfiltered", "milter", "web")
FIRST, BLOCKS, STEP = 21000, 100, 10


def _bind(port):
    """A socket on that port, or None where somebody has it. Two sandboxes may share nothing but the network."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", port))
        s.listen(1)
        return s
    except OSError:
        s.close()
        return None


def _is_free(port):
    s = _bind(port)
    if s:
        s.close()
    return s is not None


def claim():
    """A block: its ports by name, and the socket that keeps the block for as long as it is open."""
    for first in range(FIRST, FIRST + BLOCKS * STEP, STEP):
        keeper = _bind(first + STEP - 1)
        ports = {name: first + i for i, name in enumerate(NAMES)}
        if keeper and all(_is_free(port) for port in ports.values()):
            return ports, keeper
        if keeper:
            keeper.close()
    raise SystemExit("no free ports on 127.0.0.1")


def answers(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0
