"""Two hundred messages are held at once; each sender is told; all are released at their time, each once."""
from e2e import letters, queue, store
from e2e.wait import until

MANY = 200
CONF = {"hold.delay": "25s"}
RULES = "[public_shaming]\ndelay = 25s\n"


def story(s):
    s.says(f"{MANY} messages that blame Ben.")
    sent = [letters.dressing_down(to=["ben@corp.example", "cleo@corp.example", "dan@corp.example"]) for _ in range(MANY)]
    ids = s.send_many(sent)
    until(lambda: len(store.markers() | {i for i in ids if store.state(i) not in (None, "pending", "held")}) >= MANY, "all are recorded")
    s.check(len(set(ids)) == MANY, "all were accepted")
    until(lambda: len(s.mailboxes.files("ana@corp.example")) >= MANY, "every notice has arrived", 60)
    s.check(True, f"{MANY} notices")
    until(lambda: len(s.mailboxes.files("ben@corp.example")) >= MANY, "all are delivered", 60)
    until(lambda: not queue.listed(), "the queue is empty", 30)
    s.pause(1)
    s.check(len(s.mailboxes.files("ben@corp.example")) == MANY, "each reader has each message once")
    s.check(len(s.mailboxes.files("ana@corp.example")) == MANY, "and Ana one notice for each")
    until(lambda: store.states() == {"released": MANY}, "the store says released, of all of them")
