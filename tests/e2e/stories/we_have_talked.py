"""Ana and Ben have talked: her message goes at once, and what she writes on that thread is not held for two weeks."""
from e2e import letters, store, web

CONF = {"hold.minimum": "10m"}


def _say(link, what):
    return web.post(link, token=link.rpartition("/")[2].rpartition(".")[0], action=what)


def story(s):
    letter, queue_id, link = s.hold_one()
    s.says("She calls Ben, and presses: we have talked.")
    s.check(_say(link, "talked").status == 303, "the page takes it")
    s.arrives(letter, "ben@corp.example", "cleo@corp.example")
    s.is_state(queue_id, "released")
    s.check(any("they have talked" in why for _, _, _, why in store.steps(queue_id)), "the record says why")
    s.says("She writes on that thread again.")
    again = letters.dressing_down(subject="Re: " + letter.subject, headers={"In-Reply-To": letter.message_id, "References": letter.message_id})
    s.send(again)
    s.arrives(again, "ben@corp.example", "cleo@corp.example")
    s.says("And on another.")
    s.hold_one()
