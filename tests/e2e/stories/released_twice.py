"""The release button pressed twice sends once, and the second time the page says that it was done."""
from e2e import store, web


def story(s):
    letter, queue_id, link = s.hold_one()
    fields = web.form(web.get(link).body, "release")
    s.says("Ana presses release, and again.")
    first, second = web.send(link, fields), web.send(link, fields)
    s.check(first.status == 200 and second.status == 200, "both times a page")
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example")
    s.is_state(queue_id, "released")
    s.says("She comes back later and presses the button of the page that she still has open.")
    third = web.send(link, fields)
    s.check(third.status == 200 and "withdraw" not in third.body, "the page has no button any more")
    s.says("Or tries to take it back.")
    late = web.send(link, {**fields, "action": "withdraw"})
    s.check(late.status == 200 and store.state(queue_id) == "released", "it stays released")
    s.pause(1)
    s.check(s.copies(letter) == 4, "each of the four readers has one copy")
