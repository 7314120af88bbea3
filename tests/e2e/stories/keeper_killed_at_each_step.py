"""The keeper dies at every step of carrying out what was decided, one after the other, and is started again: nothing happens twice, nothing never."""
from e2e import killed

CONF, RULES = killed.CONF, killed.RULES


def story(s):
    for point in killed.points():
        if point not in killed.COURSES and point not in killed.TELLING:
            s.check(killed.scene(s, point), f"killed at {point}: two delivered once, one returned")
