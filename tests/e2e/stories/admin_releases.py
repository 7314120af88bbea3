"""An admin releases a held message, on the record and with a reason."""
from e2e import store


def story(s):
    letter, queue_id, _ = s.hold_one()
    s.says("Ana is ill and calls the admin.")
    s.check(queue_id in s.forbear("list"), "forbear list shows it, by its queue id")
    s.forbear("release", queue_id, "--reason", "asked for by phone")
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example")
    s.is_state(queue_id, "released")
    s.check(any(who.startswith("admin:") and "asked for by phone" in why for _, _, who, why in store.steps(queue_id)),
            "the event names the admin and the reason")
