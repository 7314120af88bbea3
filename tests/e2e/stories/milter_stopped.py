"""With the milter stopped, mail flows on; what is held already is still released at its time."""
import signal

from e2e import letters

CONF = {"hold.delay": "6s"}
RULES = "[public_shaming]\ndelay = 6s\n"


def story(s):
    held = letters.dressing_down()
    queue_id = s.send(held)
    s.is_held(queue_id)
    s.says("The milter is killed.")
    s.stop_program("milter", signal.SIGKILL)
    second = letters.dressing_down()
    s.send(second)
    s.arrives(second, "ben@corp.example", "dan@corp.example")
    s.arrives(held, "ben@corp.example", "dan@corp.example")
    s.says("It is started again.")
    s.start_program("milter")
    third = letters.dressing_down()
    s.is_held(s.send(third))
    s.nobody_has(third)
