"""The keeper dies while it gathers notices, reads the milter's letters and writes what follows a notice: all of it happens, and once."""
from e2e import killed

CONF, RULES = killed.CONF, killed.RULES


def story(s):
    for point in killed.points():
        if point in killed.COURSES:
            s.check(killed.scene(s, point), f"killed at {point}: everything happened, and once")
