"""Others answer Ana's notice, in their name or in hers: nothing happens to her message."""
from e2e import store
from e2e.letters import answer
from e2e.mail import Refused

NOTICE = "ana@corp.example"


def _nothing(s, queue_id, letter, what):
    s.pause(1)
    s.check(store.state(queue_id) == "held" and s.copies(letter) == 0, f"{what}: it is held as before")


def story(s):
    letter, queue_id, link = s.hold_one()
    notice = s.notice(NOTICE)
    s.says("Ben has seen the notice over her shoulder, and answers it in his own name.")
    s.send(answer(notice, "RELEASE", sender="ben@corp.example"))
    s.notice("ben@corp.example")
    s.check(True, "he is told how notices are answered, and no more")
    _nothing(s, queue_id, letter, "by Ben")
    s.says("He answers in her name, with his own password.")
    s.send(answer(notice, "RELEASE"), login="ben@corp.example")
    _nothing(s, queue_id, letter, "in her name")
    s.says("Somebody outside, and a program on this machine without a password, answer in her name.")
    try:
        s.send(answer(notice, "RELEASE"), port="smtp", login="")
    except Refused:
        pass
    s.sendmail(answer(notice, "RELEASE"))
    _nothing(s, queue_id, letter, "without a password")
    s.says("Ana answers, but does not name the notice.")
    s.send(answer(notice, "RELEASE", headers={"In-Reply-To": "<guessed@gateway.corp.example>"}))
    _nothing(s, queue_id, letter, "without its Message-ID")
    s.says("She answers to the team, too.")
    s.send(answer(notice, "RELEASE", cc=["mia@corp.example"]))
    _nothing(s, queue_id, letter, "to others")
    s.check(not s.logged("milter", " fault "), "nothing failed")
