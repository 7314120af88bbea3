"""Postfix's queue, as its own tools show it."""
import json
import subprocess


def _run(*command):
    return subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout


def listed():
    """queue id -> queue name, of all that is queued."""
    rows = (json.loads(line) for line in _run("postqueue", "-j").splitlines())
    return {row["queue_id"]: row["queue_name"] for row in rows}


def where(queue_id):
    """"hold", "active", ..., or None where it has left the queue."""
    return listed().get(queue_id)


def held():
    return {queue_id for queue_id, name in listed().items() if name == "hold"}


def show(queue_id):
    """Envelope, header and body, as postcat prints them."""
    return _run("postcat", "-q", queue_id)


def hold(queue_id):
    _run("postsuper", "-h", queue_id)


def release(queue_id):
    _run("postsuper", "-H", queue_id)
    _run("postqueue", "-i", queue_id)


def delete(queue_id):
    _run("postsuper", "-d", queue_id, "hold")
