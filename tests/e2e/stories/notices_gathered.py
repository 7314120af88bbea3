"""Ana writes three angry mails in a row: she is told of the first at once, and of the others in one mail, with a link for each."""
from e2e import letters, queue, web

GATHER_S = 6
CONF = {"notice.gather": f"{GATHER_S}s"}


def story(s):
    s.says("Ana writes to the team; she is told at once.")
    s.hold_one()
    s.says("She writes twice more.")
    two = [letters.dressing_down(subject=subject) for subject in ("The second of them", "The third of them")]
    ids = [s.send(letter) for letter in two]
    for queue_id in ids:
        s.is_held(queue_id)
    other = letters.dressing_down(sender="cleo@corp.example", subject="By somebody else")
    s.send(other)
    s.notice("cleo@corp.example")
    s.check(len(s.mailboxes.from_forbear("ana@corp.example")) == 1, "Cleo is told of hers meanwhile, Ana of nothing new")
    gathered = s.notice("ana@corp.example", 2, GATHER_S + 10)
    links = s.links(gathered)
    s.check(len(set(links)) == 2, "then one mail tells her of both, with a link for each")
    pages = [web.get(link).text for link in links]
    s.check([letter.subject in page for letter, page in zip(two, pages)] == [True, True], "and each page shows its own message")
    s.says("She sends one of them on.")
    web.press(links[0], "release")
    s.arrives(two[0], "cleo@corp.example")
    s.check(queue.where(ids[1]) == "hold", "the other stays where it is")
    s.nobody_has(two[1])
    s.pause(GATHER_S + 1)
    s.check(len(s.mailboxes.from_forbear("ana@corp.example")) == 2, "nothing more was written to her")
