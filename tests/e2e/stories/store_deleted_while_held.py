"""The store is deleted while a message is held: its marker alone gets it delivered at its time."""
from e2e import store

CONF = {"hold.delay": "8s"}
RULES = "[public_shaming]\ndelay = 8s\n"


def story(s):
    letter, queue_id, _ = s.hold_one()
    s.says("Somebody deletes the store.")
    for path in store.DIR.glob("forbear.db*"):
        path.unlink()
    s.check(store.markers() == {queue_id}, "the marker is still there")
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example", within=40)
    s.left_queue(queue_id)
    s.says("The next message is held as ever.")
    s.hold_one()
