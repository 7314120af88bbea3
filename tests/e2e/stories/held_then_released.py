"""Ana dresses Ben down before the team; it is held; she reads the notice, opens the page, and sends it after all."""
from e2e import web


def story(s):
    s.says("Ana writes to the whole team and blames Ben by name.")
    letter, queue_id, link = s.hold_one()
    s.check(not s.mailboxes.from_forbear("ben@corp.example"), "Ben hears nothing of it")
    told = " ".join(s.notice("ana@corp.example").get_body(("plain",)).get_content().split())
    s.check(told.startswith('Without "Ben, you never do what we agreed." this would have gone. Your message has not left yet.'),
            "the notice says first of all what would have let it pass")
    s.check(told.index("you never do what we agreed") < told.index("Three messages do it better. To Ben alone:"), "then the very words, then what to do instead")
    s.says("She opens the link.")
    page = web.get(link)
    s.check('not been sent yet Without "Ben, you never do what we agreed." this would have gone.' in page.text, "the page says that first too")
    s.check(page.status == 200 and "you never do what we agreed" in page.text, "the page shows her very words")
    s.check("no-store" in page.headers["Cache-Control"] and "default-src 'none'" in page.headers["Content-Security-Policy"],
            "and forbids keeping it, framing it, and foreign scripts")
    s.says("She presses release.")
    page = web.press(link, "release")
    s.check(page.status == 200, "the page says so")
    copy = s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example", "ana@corp.example")
    s.check(b"forbear" not in copy.lower(), "nothing in it tells that it was held")
    s.is_state(queue_id, "released")
