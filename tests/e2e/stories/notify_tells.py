"""In notify mode the message is delivered, and its sender is told what it might have been."""
from e2e import letters, store

CONF = {"forbear.mode": "notify"}


def story(s):
    s.says("Ana blames Ben before the team.")
    letter = letters.dressing_down()
    queue_id = s.send(letter)
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example")
    notice = s.notice("ana@corp.example")
    s.check("/h/" not in notice.get_body(("plain",)).get_content(), "she is told, without a link: nothing is to be decided")
    s.is_state(queue_id, "told")
    s.check(not store.column(queue_id, "box"), "what was found is erased")
