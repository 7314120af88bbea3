"""A calm message to the team is delivered at once, and nothing is added to it."""
from e2e import letters


def story(s):
    s.says("Ana asks the team about lunch.")
    letter = letters.calm()
    queue_id = s.send(letter)
    copy = s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example")
    s.left_queue(queue_id)
    s.check(copy.endswith(letter.raw().replace(b"\r\n", b"\n")), "header and body are as she wrote them")
    s.check(not s.mailboxes.from_forbear("ana@corp.example"), "she hears nothing of forbear")
