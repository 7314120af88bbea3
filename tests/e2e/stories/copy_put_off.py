"""Ana takes a message back, and Postfix does not take the mail that returns it: the message is kept past its time, delivered to nobody, and returned when it does."""
from e2e import queue, web

DELAY_S = 10
RULES = f"[public_shaming]\ndelay = {DELAY_S}s\n"


def story(s):
    letter, queue_id, link = s.hold_one()
    s.says("From now on Postfix puts off whatever it is sent.")
    s.postfix_set("smtpd_sender_restrictions = defer")
    page = web.press(link, "withdraw")
    s.check("your message is kept meanwhile, and sent to nobody" in page.text, "the page says that it is kept")
    s.pause(DELAY_S + 2)
    s.check(s.logged("keeper", f"copy_later queue_id={queue_id}"), "the log says why")
    s.is_state(queue_id, "withdrawing")
    s.check(queue.where(queue_id) == "hold", "its delay is over, and it is still held")
    s.nobody_has(letter)
    s.says("Postfix works again.")
    s.postfix_set("smtpd_sender_restrictions =")
    s.is_state(queue_id, "withdrawn", 40)
    s.notice("ana@corp.example", 2)
    s.nobody_has(letter)
