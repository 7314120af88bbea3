"""A withdrawn message comes back with the Bcc readers that only the envelope had, and none of them ever got it."""
from e2e import letters, web


def story(s):
    s.says("Ana blames Ben before the team, with Mia and the customer in Bcc.")
    letter = letters.dressing_down(bcc=["mia@corp.example", "kai@client.example"])
    letter, queue_id, link = s.hold_one(letter)
    web.press(link, "withdraw")
    s.left_queue(queue_id)
    original = next(s.notice("ana@corp.example", 2).iter_attachments()).get_content()
    s.check("mia@corp.example" in original["Bcc"] and "kai@client.example" in original["Bcc"], "the returned copy says who was in Bcc")
    s.check("team@corp.example" in original["To"] and "team" not in original["Bcc"], "and who was not")
    s.nobody_has(letter)
