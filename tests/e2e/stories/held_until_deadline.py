"""Ana does nothing: when the delay ends, the message is delivered."""
import time

from e2e import store, web

CONF = {"hold.delay": "5s"}
RULES = "[public_shaming]\ndelay = 5s\n"


def story(s):
    sent = time.time()
    s.says("Ana writes to the whole team and blames Ben by name, and the delay is five seconds.")
    letter, queue_id, link = s.hold_one()
    s.says("She goes for a walk.")
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example")
    s.check(time.time() - sent >= 4, f"not before its time: after {time.time() - sent:.1f} s")
    s.is_state(queue_id, "released")
    s.check(not store.markers(), "its marker is gone")
    s.check(web.get(link).status == 200, "the link still answers, and says what happened")
