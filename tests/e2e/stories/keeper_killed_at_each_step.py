"""The keeper dies at every step of its work, one after the other, and is started again: nothing happens twice, nothing never."""
from e2e import killed

CONF, RULES = killed.CONF, killed.RULES


def story(s):
    for point in killed.points():
        if point not in killed.COURSES:
            s.check(killed.scene(s, point), f"killed at {point}: two delivered once, one returned")
