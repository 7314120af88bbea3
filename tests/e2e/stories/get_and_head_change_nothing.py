"""A link scanner loads the link a hundred times, by GET and by HEAD: the message stays held."""
from e2e import queue, store, web


def story(s):
    letter, queue_id, link = s.hold_one()
    before = store.steps(queue_id)
    s.says("Something loads the link a hundred times.")
    s.check({web.get(link).status for _ in range(100)} == {200}, "100 GET: 100 pages")
    s.check({web.head(link).status for _ in range(100)} == {200}, "100 HEAD: 100 headers")
    s.check(queue.where(queue_id) == "hold" and store.state(queue_id) == "held", "it is held as before")
    s.check(store.steps(queue_id) == before, "the store has no new event")
    s.nobody_has(letter)
    s.says("Ana's own click still works.")
    web.press(link, "release")
    s.arrives(letter, "ben@corp.example")
