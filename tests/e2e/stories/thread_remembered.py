"""A manager who is new on a thread is known as such, one who was on it is not; and what is remembered nobody can read."""
from e2e import letters, store, web
from e2e.wait import until

ADDED = "Mia Lindqvist is new on this thread"
CONF = {
    "scope.networks": "192.0.2.0/24",  # so that only a password makes a client ours
    "history.incoming": "yes",
}
RULES = """\
[added]
title = Somebody above was added
why = A manager who was not on it reads the thread from here on.
advice = Write without the manager first.
start = -5
weight.newly_added_manager = 10
"""
WORDS = (b"zanzibar", b"corp.example", b"client.example", b"ana@", b"<thread-")


def _learned(s, letter):
    """Waits until what passed is written, which is a second later."""
    mails = store.remembered()
    return lambda: until(lambda: store.remembered() > mails, f"{letter.message_id} is remembered")


def _answer(letter, **change):
    return letters.calm(to=[letter.sender], subject="Re: zanzibar", headers={"In-Reply-To": letter.message_id, "References": letter.message_id}, **change)


def story(s):
    s.says("Ben writes to Ana. She answers, and puts her director in copy.")
    first = letters.calm(sender="ben@corp.example", to=["ana@corp.example"], subject="zanzibar", message_id="<thread-1@corp.example>")
    learned = _learned(s, first)
    s.send(first)
    s.arrives(first, "ana@corp.example")
    learned()
    answer = _answer(first, cc=["mia@corp.example"])
    answer, queue_id, link = s.hold_one(answer)
    s.check(ADDED in web.get(link).text, "she is told that the director is new on the thread")
    s.says("She takes it back, and sends it once more.")
    web.press(link, "withdraw")
    s.left_queue(queue_id)
    answer, queue_id, link = s.hold_one(_answer(first, cc=["mia@corp.example"]))
    s.check(ADDED in web.get(link).text, "what was taken back made nobody part of the thread")
    web.press(link, "release")
    s.arrives(answer, "mia@corp.example")

    s.says("A customer writes to her and to the director. She answers both.")
    second = letters.calm(sender="kai@client.example", to=["ana@corp.example"], cc=["mia@corp.example"], subject="zanzibar",
                          message_id="<thread-2@client.example>")
    learned = _learned(s, second)
    s.send(second, port="smtp")
    s.arrives(second, "ana@corp.example", "mia@corp.example")
    learned()
    s.says("The milter is started again meanwhile.")
    s.stop_program("milter")
    s.start_program("milter")
    learned = _learned(s, second)
    answer = _answer(second, cc=["mia@corp.example"])
    s.send(answer)
    s.arrives(answer, "kai@client.example", "mia@corp.example")
    learned()
    s.check(True, "the director was on the thread, and is not new on it")

    found = [word for word in WORDS if any(word in data.lower() for name, data in store.files().items() if name.startswith("history.db"))]
    s.check(not found, f"no address, id or subject is in the history {found or ''}")
    s.check(all(path.stat().st_mode & 0o777 == 0o600 for path in store.DIR.glob("history.db*")), "and nobody but the milter may read it")
    s.check(not s.logged("milter", "history_failed|history_damaged"), "nothing failed")
