"""A message that the admin put on hold by hand is nobody's business: forbear never releases, reads or deletes it."""
from e2e import letters, queue

CONF = {"hold.delay": "3s", "keeper.reconcile": "1s"}
RULES = "[public_shaming]\ndelay = 3s\n"


def story(s):
    s.says("The admin puts whatever comes from Cleo on hold (access(5), HOLD).")
    s.postfix_set("smtpd_sender_restrictions = inline:{cleo@corp.example=HOLD}")
    own = letters.calm(sender="cleo@corp.example", to=["dan@corp.example"])
    own_id = s.send(own)
    s.is_held(own_id)
    s.says("Ana's message is held by forbear, and its delay ends.")
    letter = letters.dressing_down()
    queue_id = s.send(letter)
    s.is_held(queue_id)
    s.arrives(letter, "ben@corp.example", "cleo@corp.example")
    s.pause(3)
    s.says("The keeper is started again, and looks at everything.")
    s.restart("keeper")
    s.pause(3)
    s.check(queue.where(own_id) == "hold", "the admin's own hold is where it was")
    s.nobody_has(own)
    s.check(not s.logged("keeper", own_id), "the keeper does not even name it")
