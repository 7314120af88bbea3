"""Ana reproaches Ben with her manager on Cc, and takes it back: the draft that returns has the manager left off."""
from e2e import web
from e2e.mail import Letter


def story(s):
    s.says("Ana writes to Ben, with Mia, who is her manager, on Cc.")
    letter = Letter(sender="ana@corp.example", to=["Ben Okafor <ben@corp.example>"], cc=["Mia Lindqvist <mia@corp.example>"], subject="The build",
                    body="Ben,\n\nthis is the third time this month that the build broke after your change. Please run the tests before you push.\n\nAna\n")
    letter, queue_id, link = s.hold_one(letter)
    change = "Without your manager, Mia Lindqvist, on Cc this would have gone."
    s.check(change in s.notice("ana@corp.example").get_body(("plain",)).get_content(), "the notice says what would have let it pass")
    s.check(change in web.get(link).text, "and so does the page")
    s.says("She presses withdraw.")
    web.press(link, "withdraw")
    s.left_queue(queue_id)
    returned = s.notice("ana@corp.example", 2)
    s.check(change in returned.get_body(("plain",)).get_content(), "what comes back says it once more")
    draft, original = [part.get_content() for part in returned.iter_attachments()]
    s.check("ben@corp.example" in draft["To"] and draft["Cc"] is None, "the draft goes to Ben alone")
    s.check(draft.get_content() == original.get_content(), "and is word for word as she wrote it")
    s.check("mia@corp.example" in original["Cc"] and original["Message-ID"] == letter.message_id, "the message itself comes back untouched beside it")
    s.nobody_has(letter)
    s.says("She sends the draft as it is.")
    again = Letter(sender="ana@corp.example", to=["ben@corp.example"], subject=draft["Subject"], body=draft.get_content())
    s.send(again)
    s.arrives(again, "ben@corp.example")
