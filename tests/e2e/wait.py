"""Waiting with an end."""
import time


class NotAsTold(Exception):
    """Something happened otherwise than the story says."""


def until(happens, what, within=20, every=0.05):
    """Asks happens() until it is true, and returns what it said. @within, @every: seconds."""
    end = time.monotonic() + within
    while True:
        said = happens()
        if said:
            return said
        if time.monotonic() > end:
            raise NotAsTold(f"waited {within} s: {what}")
        time.sleep(every)
