"""Ana's phone cannot reach the page: she answers the notice with the word that it names, and the message is sent."""
from e2e import queue, store
from e2e.letters import answer


def story(s):
    s.check("takes no mail" not in s.warnings() and "could not be tried" not in s.warnings(), "the admin's check finds that notices can be answered")
    letter, queue_id, link = s.hold_one()
    notice = s.notice("ana@corp.example")
    s.check("RELEASE" in notice.get_body(("plain",)).get_content(), "the notice says by which word it is sent")
    s.says("She writes something else first.")
    s.send(answer(notice, "Yes, yes, I know."))
    help = s.notice("ana@corp.example", 2)
    s.check("RELEASE" in help.get_body(("plain",)).get_content(), "she is told how it is done")
    s.check(help["In-Reply-To"] and help["Auto-Submitted"], "by an answer that no program answers")
    s.is_state(queue_id, "held")
    s.says("She answers with the word.")
    yes = answer(notice, "Release\n\nSent from my phone")
    answer_id = s.send(yes)
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example", "ana@corp.example")
    s.is_state(queue_id, "released")
    s.check(queue.where(answer_id) is None and s.copies(yes) == 0, "her answer is in no queue and in no mailbox")
    s.check(any("decided by an answer" in why for _, _, _, why in store.steps(queue_id)), "the record says that an answer decided")
    copy = s.arrives(letter, "ben@corp.example")
    s.check(b"forbear" not in copy.lower(), "nothing in the message tells that it was held")
    s.configure({"notice.from": "nobody@corp.example"})
    s.check("takes no mail to nobody@corp.example" in s.warnings(), "an address that Postfix refuses is warned of")
