"""Ana thinks better of it and takes the message back: it returns to her, and nobody else ever gets it."""
from e2e import store, web


def story(s):
    s.says("Ana writes to the whole team and blames Ben by name.")
    letter, queue_id, link = s.hold_one()
    s.says("She opens the link and presses withdraw.")
    page = web.press(link, "withdraw")
    s.check(page.status == 200, "the page says so")
    s.left_queue(queue_id)
    s.is_state(queue_id, "withdrawn")
    returned = s.notice("ana@corp.example", 2)
    original = next(returned.iter_attachments()).get_content()
    s.check(original["Message-ID"] == letter.message_id, "she gets it back as an attachment")
    s.check(original.get_content().strip() == letter.body.strip(), "word for word")
    s.nobody_has(letter)
    s.check(not store.markers(), "its marker is gone")
