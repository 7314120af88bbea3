"""Ana takes her message back by answering the notice, in German and below the quoted notice, as her mail program has it."""
from e2e import store
from e2e.letters import answer


def story(s):
    letter, queue_id, link = s.hold_one()
    s.says("She writes the word below what she answers.")
    quoted = "".join(f"> {line}\n" for line in s.notice("ana@corp.example").get_body(("plain",)).get_content().splitlines())
    s.send(answer(s.notice("ana@corp.example"), f"{quoted}\nZurückziehen\n"))
    s.left_queue(queue_id)
    s.is_state(queue_id, "withdrawn")
    back = s.notice("ana@corp.example", 2)
    original = [part.get_content() for part in back.iter_attachments()][-1]
    s.check(original["Message-ID"] == letter.message_id, "it comes back to her")
    s.nobody_has(letter)
    s.says("Somebody answers for her while she is away: her mail program itself.")
    letter, queue_id, link = s.hold_one()
    s.send(answer(s.notice("ana@corp.example", 3), "RELEASE", headers={"Auto-Submitted": "auto-replied"}))
    s.pause(2)
    s.is_state(queue_id, "held")
    s.check(store.posts() == 0 and len(s.mailboxes.from_forbear("ana@corp.example")) == 3, "nothing happens, and nothing is answered")
