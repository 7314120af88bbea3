"""With the helper away nothing can be looked up or released; when it is back, everything that is due happens."""
from e2e import letters, queue

CONF = {"hold.delay": "3s"}
RULES = "[public_shaming]\ndelay = 3s\n"


def story(s):
    s.says("The helper is stopped; Ana's message is held.")
    s.stop_program("helper")
    letter = letters.dressing_down()
    queue_id = s.send(letter)
    s.is_held(queue_id)
    s.pause(5)
    s.check(queue.where(queue_id) == "hold", "its delay is over, and it is safe in the queue")
    s.says("The helper is back.")
    s.start_program("helper")
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example", within=40)
