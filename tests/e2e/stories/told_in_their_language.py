"""Cleo, of whom the directory says that she reads German, is told in German, sees the page so, and answers so."""
from e2e import letters, web


def story(s):
    s.says("Cleo blames Ben before the team, in English.")
    letter, queue_id, link = s.hold_one(letters.dressing_down(sender="cleo@corp.example"))
    notice = s.notice("cleo@corp.example")
    told = " ".join(notice.get_body(("plain",)).get_content().split())
    s.check("Ihre Nachricht ist noch nicht hinausgegangen." in told and "heute um" in told, "the notice is in German, and so is its time")
    s.check("Kritik an einer Person vor anderen" in told and "An Ben allein:" in told, "and so are the reason and the advice")
    s.check("wäre diese Nachricht gleich hinausgegangen." in told and "would have gone" not in told, "and the smallest change")
    page = web.get(link).text
    s.check("Kritik an einer Person vor anderen" in page and "Criticism of a person" not in page, "the page too")
    s.says("She answers: zurücknehmen.")
    s.send(letters.answer(notice, "Zurücknehmen\n"))
    s.left_queue(queue_id)
    s.is_state(queue_id, "withdrawn")
    returned = s.notice("cleo@corp.example", 2)
    s.check("Ihre Nachricht wurde zurückgenommen" in " ".join(returned.get_body(("plain",)).get_content().split()), "what comes back says so in German")
    s.nobody_has(letter)
