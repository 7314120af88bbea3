"""Altered, foreign and expired links change nothing, and all get the same answer."""
from e2e import letters, queue, web
from e2e.wait import until

CONF = {"hold.retention": "1m"}


def _last(link):
    base, _, last = link.rpartition("/")
    token, _, key = last.rpartition(".")
    return base, token, key


def _altered(text, at):
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


def story(s):
    letter, queue_id, link = s.hold_one()
    base, token, key = _last(link)
    s.says("Someone tries links of their own.")
    fields = web.form(web.get(link).body, "release")
    forged = {
        "a signature that was altered": f"{base}/{_altered(token, -40)}.{key}",
        "a claim that was altered": f"{base}/{_altered(token, 20)}.{key}",
        "a token cut short": f"{base}/{token[:-8]}.{key}",
        "no token": f"{base}/.{key}",
        "nonsense": f"{base}/v4.public.AAAA.{key}",
    }
    answers = set()
    for what, url in forged.items():
        answer = web.get(url)
        s.check(answer.status == 404, f"{what}: 404")
        answers.add(answer.body)
        bad = url.rpartition("/")[2].rpartition(".")[0]
        s.check(web.post(url, **{"token": bad, "action": "release"}).status in (400, 404), "and nothing to press")
    s.check(len(answers) == 1, "all of them the same page")
    s.says("A form sent to another link than its own.")
    s.check(web.post(link, token=_altered(token, -40), action="release").status == 400, "is refused")
    s.says("A link of another gateway, signed by its key.")
    s.stop_program("keeper")
    s.configure({"forbear.node": "elsewhere"})
    s.start_program("keeper")
    s.restart("web")
    s.check(web.get(link).status == 404, "is refused")
    s.check(web.post(link, token=fields["token"], action="release").status == 404, "also when it decides")
    s.stop_program("keeper")
    s.configure({"forbear.node": "sandbox"})
    s.start_program("keeper")
    s.restart("web")
    s.check(web.get(link).status == 200, "while at home it still answers")
    s.check(queue.where(queue_id) == "hold", "the message is held as before")
    _expired(s)
    s.check(queue.where(queue_id) == "hold", "the first message is held as before")
    s.nobody_has(letter)


def _expired(s):
    s.says("A link expires a minute after the delay of its message, which is held still: the helper is away.")
    s.configure({"hold.delay": "6s", "hold.longest": "6s"}, "[public_shaming]\ndelay = 6s\n")
    s.restart("milter")
    s.restart("keeper")
    letter = letters.dressing_down()
    queue_id = s.send(letter)
    link = s.link(s.notice(letter.sender, 2, within=5))
    s.stop_program("helper")
    token = _last(link)[1]
    until(lambda: web.get(link).status == 404, "the link expires", 75, every=1)
    s.check(True, "after a minute it is answered like a forged one")
    s.check(web.post(link, token=token, action="withdraw").status == 404, "also when it decides")
    s.check(queue.where(queue_id) == "hold", "the message is held still")
    s.start_program("helper")
    s.arrives(letter, "ben@corp.example", within=40)
