"""In observe mode everything is delivered and only counted; words and sender are logged of volunteers alone."""
from e2e import letters, store
from e2e.wait import until

CONF = {"forbear.mode": "observe", "observe.volunteers": "dan@corp.example"}


def _traces(s):
    texts = [s.log(name).read_bytes() for name in ("milter", "keeper", "web", "helper")]
    return b"\n".join([*store.files().values(), *texts])


def story(s):
    s.says("Ana, who did not volunteer, blames Ben before the team.")
    letter = letters.dressing_down(body="Ben, you never do what we agreed, zanzibar. This is unacceptable. You dropped the ball again.\n")
    s.send(letter)
    s.arrives(letter, "ben@corp.example", "cleo@corp.example")
    until(lambda: store.count("observe.public_shaming") == 1, "it is counted")
    s.check(True, "it is counted, by rule and day")
    kept = _traces(s)
    s.check(b"zanzibar" not in kept and b"ana@" not in kept and letter.message_id.encode() not in kept,
            "neither store nor log has her words, her address or the message's id")
    s.check(not store.states() and not store.markers(), "nothing is recorded of the message")
    s.check(not s.mailboxes.from_forbear("ana@corp.example"), "she is told nothing")
    s.says("Dan, who did, does the same.")
    s.send(letters.dressing_down(sender="dan@corp.example"))
    until(lambda: s.logged("milter", "dan@corp.example.*never do"), "the log has his address and words")
    s.check(True, "the log has his address and the words that decided")
