"""While Ana's answer waits, Cleo writes on the same thread: Ana is told once, and her message waits anew, once."""
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from e2e import letters, store, web
from e2e.wait import until

LONGEST_S = 5400
CONF = {"hold.longest": f"{LONGEST_S}s"}


def _on(first, **change):
    return {"headers": {"In-Reply-To": first.message_id, "References": first.message_id}, "subject": "Re: " + first.subject, **change}


def story(s):
    s.says("Ben writes to the team, Ana answers in anger.")
    first = letters.calm(sender="ben@corp.example", subject="The release")
    s.send(first)
    s.arrives(first, "ana@corp.example")
    here = timezone(timedelta(hours=5, minutes=30))
    angry, queue_id, link = s.hold_one(letters.dressing_down(**_on(first, date=format_datetime(datetime.now(here)))))
    was = store.column(queue_id, "deadline_s")
    s.pause(2)
    s.says("Cleo answers, too.")
    answer = letters.calm(**_on(first, sender="cleo@corp.example"))
    s.send(answer)
    s.arrives(answer, "ana@corp.example")
    told = s.notice("ana@corp.example", 2)
    text = " ".join(told.get_body(("plain",)).get_content().split())
    s.check("Cleo Martin" in text and "has just written" in text, "Ana is told who has just written")
    until(lambda: store.column(queue_id, "deadline_s") > was, "its wait begins anew")
    s.check(store.column(queue_id, "deadline_s") <= store.column(queue_id, "created_s") + LONGEST_S, "and never beyond the longest")
    marker = (store.DIR / "markers" / queue_id).read_text()
    s.check(f"deadline {store.column(queue_id, 'deadline_s')}\n" in marker, "the marker says so too")
    s.check(any("the thread moved" in why for _, _, _, why in store.steps(queue_id)), "and the record")
    s.nobody_has(angry)
    s.says("Dan answers as well.")
    anew = store.column(queue_id, "deadline_s")
    more = letters.calm(**_on(first, sender="dan@corp.example"))
    s.send(more)
    s.arrives(more, "ana@corp.example")
    until(lambda: store.posts() == 0, "the keeper has done with it")
    s.pause(1)
    s.check(len(s.mailboxes.from_forbear("ana@corp.example")) == 2 and store.column(queue_id, "deadline_s") == anew, "she is told once, and waits anew once")
    s.says("She sends it, by the link of the second mail.")
    page = web.get(s.link(told)).text
    s.check("Your words are shown from the link in the first notice" in page, "which has not the key to her words, and says where they are")
    s.check("(UTC+05:30)" in text and "(UTC+05:30)" in page, "and tells the time by her clock, as the mail does")
    web.press(s.link(told), "release")
    s.arrives(angry, "ben@corp.example", "cleo@corp.example")
    s.is_state(queue_id, "released")
