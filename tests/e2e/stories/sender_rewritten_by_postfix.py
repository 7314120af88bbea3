"""Postfix rewrites the sender after the milter has judged: the message is found again, and released like any other."""
from e2e import web

CONF = {"hold.delay": "6s"}
RULES = "[public_shaming]\ndelay = 6s\n"


def story(s):
    s.says("Postfix makes first.last@corp.example of ana@corp.example in every envelope.")
    s.postfix_set("sender_canonical_maps = static:first.last@corp.example", "sender_canonical_classes = envelope_sender")
    letter, queue_id, _ = s.hold_one()
    s.says("Ana does nothing: it is released at its time, not taken for somebody else's.")
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example")
    s.is_state(queue_id, "released")
    s.says("The next one she releases by its link.")
    letter, queue_id, link = s.hold_one()
    web.press(link, "release")
    s.arrives(letter, "ben@corp.example")
    s.is_state(queue_id, "released")
