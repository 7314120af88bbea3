"""Nobody is held without knowing: where the MTA refuses the notice, the message is released at once."""
from e2e import letters


def story(s):
    s.says("Postfix refuses everything at the port that notices go to.")
    s.configure({"notice.smtp": f"127.0.0.1:{s.ports['refusing']}"})
    s.restart("keeper")
    letter = letters.dressing_down()
    queue_id = s.send(letter)
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example")
    s.is_state(queue_id, "released")
    s.check(not s.mailboxes.from_forbear("ana@corp.example"), "although its delay is an hour")
    s.says("And where nothing answers there, after the patience of three seconds.")
    s.configure({"notice.smtp": "127.0.0.1:9"})
    s.restart("keeper")
    letter = letters.dressing_down()
    queue_id = s.send(letter)
    s.is_held(queue_id)
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", within=40)
    s.is_state(queue_id, "released")
