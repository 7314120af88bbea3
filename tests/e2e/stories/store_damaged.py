"""The store's file is overwritten with nonsense: it is set aside, and what is held is released by its marker."""
from e2e import store

CONF = {"hold.delay": "8s"}
RULES = "[public_shaming]\ndelay = 8s\n"


def story(s):
    letter, queue_id, _ = s.hold_one()
    s.says("The programs are stopped and the store is damaged.")
    for name in ("milter", "keeper"):
        s.stop_program(name)
    for path in store.DIR.glob("forbear.db-*"):
        path.unlink()
    (store.DIR / "forbear.db").write_bytes(b"this is no store. " * 4000)
    s.says("They are started again.")
    for name in ("keeper", "milter"):
        s.start_program(name)
    s.check(list(store.DIR.glob("forbear.db.damaged-*")), "the damaged one is kept beside the new one")
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example", within=40)
    s.left_queue(queue_id)
    s.hold_one()
