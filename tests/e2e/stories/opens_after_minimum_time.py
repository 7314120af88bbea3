"""Where the conf wants some time between the stimulus and the response, a message is sent on only after it; taken back at any time."""
from e2e import queue, store, web

MINIMUM_S = 8
CONF = {"hold.minimum": f"{MINIMUM_S}s"}


def _release(link):
    """What the button sends, also while the page does not show one."""
    return web.post(link, token=link.rpartition("/")[2].rpartition(".")[0], action="release")


def story(s):
    letter, queue_id, link = s.hold_one()
    s.says("She wants it sent at once.")
    answer = _release(link)
    s.check(answer.status in (200, 303, 409), f"she gets an answer: {answer.status}")
    s.check(store.column(queue_id, "created_s") + MINIMUM_S == store.column(queue_id, "opens_s"), "it opens some time after it was held")
    s.pause(1)
    s.check(store.state(queue_id) == "held" and queue.where(queue_id) == "hold", "it is held all the same")
    s.nobody_has(letter)
    s.says("The time goes by.")
    s.pause(MINIMUM_S)
    _release(link)
    s.arrives(letter, "ben@corp.example", "cleo@corp.example")
    s.is_state(queue_id, "released")
    s.says("Another one she takes back at once.")
    letter, queue_id, link = s.hold_one()
    web.press(link, "withdraw")
    s.is_state(queue_id, "withdrawn")
    s.nobody_has(letter)
