"""What Ana takes back comes as a message that opens as a draft, its Bcc restored, the advice beside it; by SMTPUTF8 too."""
from e2e import letters, web

WAYS = {
    "rfc822": ({"bcc": ["mia@corp.example"]}, {}),
    "global": ({"bcc": ["zoë@client.example"], "subject": "Über das Release"}, {"mail_options": ("SMTPUTF8", "BODY=8BITMIME")}),
}


def _take_back(s, kind, change, options):
    s.says(f"Ana blames Ben before the team, with {change['bcc'][0]} in Bcc, and takes it back.")
    letter = letters.dressing_down(**change)
    nth = len(s.mailboxes.from_forbear(letter.sender)) + 1
    queue_id = s.send(letter, **options)
    s.is_held(queue_id)
    web.press(s.link(s.notice(letter.sender, nth)), "withdraw")
    s.left_queue(queue_id)
    returned = s.notice(letter.sender, nth + 1)
    part = [p for p in returned.iter_attachments()][-1]
    s.check(part.get_content_type() == f"message/{kind}", f"it comes back as message/{kind}")
    original = part.get_payload(0)
    s.check(original["X-Unsent"] == "1", "marked as not sent yet, so that it opens as a draft")
    s.check(letter.bcc[0] in str(original["Bcc"]) and original["Message-ID"] == letter.message_id, "with everybody whom she addressed")
    s.check(original.get_payload(decode=True).decode().replace("\r\n", "\n").strip() == letter.body.strip(), "word for word")
    told = " ".join(returned.get_body(("plain",)).get_content().split())
    s.check("What to do instead: Three messages do it better." in told, "and the advice stands beside it")
    s.nobody_has(letter)


def story(s):
    for kind, (change, options) in WAYS.items():
        _take_back(s, kind, change, options)
