"""While a message is held and after it is closed, store, write-ahead log and markers hold no subject, address or word of it."""
from e2e import letters, store, web

WORDS = (b"zanzibar", b"mombasa", b"never do what", b"ana@", b"team@", b"message-id")


def _readable(s, link):
    key = link.rpartition(".")[2].encode()
    everything = b"\n".join(store.files().values())
    return [word for word in (*WORDS, key) if word in everything.lower() or word in everything]


def story(s):
    letter = letters.dressing_down(subject="zanzibar")
    letter.body += "\nmombasa\n"
    letter, queue_id, link = s.hold_one(letter)
    s.is_state(queue_id, "held")
    s.check("zanzibar" in web.get(link).text, "the page shows subject and words, by the link's key")
    s.check(not (found := _readable(s, link)), f"the store's files have none of it {found or ''}")
    s.check(not store.column(queue_id, "box") and not store.column(queue_id, "key_box"), "what only the notice needed is erased")
    web.press(link, "release")
    s.arrives(letter, "ben@corp.example")
    s.is_state(queue_id, "released")
    s.check(not (found := _readable(s, link)), f"nor has it afterwards {found or ''}")
    logs = b"\n".join(s.log(name).read_bytes() for name in ("milter", "keeper", "web", "helper"))
    s.check(link.rpartition("/")[2].encode()[:60] not in logs and b"zanzibar" not in logs, "nor has a log")
