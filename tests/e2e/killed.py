"""Killing the keeper at each of its named points, in a course of things that leads there."""
import re
import threading
import uuid

from e2e import letters, store, web
from e2e.places import SOURCE
from e2e.wait import NotAsTold, until

DELAY_S = 9  # a slow machine must press two buttons in it
CONF = {"hold.delay": f"{DELAY_S}s", "keeper.reconcile": "1s"}
RULES = f"[public_shaming]\ndelay = {DELAY_S}s\n"
ANSWER, MOVED = 1, 3  # fb_post_kind
RELEASE, WITHDRAW = 1, 2
TELLING = {"decided", "looked_up", "notice_ready", "notice_submitted"}  # points on the way to a decision
DIED = 99  # what a keeper that was told to die ends with

READERS = ["ben@corp.example", "cleo@corp.example"]


def points():
    """All that are in the keeper."""
    found = {point for source in (SOURCE / "keeper").glob("*.c") for point in re.findall(r'FB_CRASH_POINT\("(\w+)"\)', source.read_text())}
    return sorted(found)


class _Keeper:
    """A keeper that is told to die at a point, and a service manager that starts it again."""

    def __init__(self, s, point):
        self.s, self.died = s, False
        s.restart("keeper", FORBEAR_CRASH_AT=point)
        self.process = s.processes["keeper"]
        self.manager = threading.Thread(target=self._manage, daemon=True)
        self.manager.start()

    def _manage(self):
        self.died = self.process.wait() == DIED
        if self.died:
            self.s.start_program("keeper")

    def end(self):
        if self.manager.is_alive():
            self.process.terminate()
            self.manager.join(20)
            self.s.processes.pop("keeper")
            self.s.start_program("keeper")
        return self.died


def _taken(link, action):
    """Whether the page took the wish: now, or before the keeper died over it. Then there is no such button any more."""
    page = web.get(link)
    try:
        return page.status == 200 and web.send(link, web.form(page.body, action)).status == 200
    except LookupError:
        return True


def _press(link, action):
    """As a person does: again, when the page says to try later."""
    until(lambda: _taken(link, action), f"the page takes the wish to {action}", 20)


def _letters(n):
    return [letters.dressing_down(to=READERS, subject=f"Letter {uuid.uuid4().hex}") for _ in range(n)]


def _three(s):
    """One letter is released, one withdrawn, one left alone."""
    three = _letters(3)
    ids = [s.send(letter) for letter in three]
    _press(_link(s, three[0]), "release")
    _press(_link(s, three[1]), "withdraw")
    _ends(s, ids, three, [1, 0, 1], [1, 2, 1])


def _gathered(s):
    """Of the second and third one mail tells."""
    three = _letters(3)
    ids = s.send_many(three)
    _ends(s, ids, three, [1, 1, 1], [1, 1, 1])
    if _about(s, three[1])[0]["Message-ID"] != _about(s, three[2])[0]["Message-ID"]:
        raise NotAsTold("they were not gathered")


def _told(s):
    """A letter is held, its sender told, and the keeper has noted that."""
    letter = _letters(1)[0]
    queue_id = s.send(letter)
    until(lambda: _about(s, letter), "its notice", 30)
    until(lambda: store.column(queue_id, "sealed") and store.column(queue_id, "key_box") is None, "its sender is told", 30)
    return letter, queue_id


def _moved(s):
    letter, queue_id = _told(s)
    store.post(queue_id, MOVED)
    _ends(s, [queue_id], [letter], [1], [2])
    if "the wait begins anew" not in str(store.steps(queue_id)):
        raise NotAsTold("its wait did not begin anew")


def _answered(s):
    letter, queue_id = _told(s)
    store.post(queue_id, ANSWER, WITHDRAW, _about(s, letter)[0]["Message-ID"])
    _ends(s, [queue_id], [letter], [0], [2])


def _helped(s):
    """It asks to send on what does not open yet."""
    letter, queue_id = _told(s)
    mails = len(s.mailboxes.from_forbear(letter.sender))
    store.post(queue_id, ANSWER, RELEASE, _about(s, letter)[0]["Message-ID"])
    until(lambda: store.posts() == 0 and len(s.mailboxes.from_forbear(letter.sender)) > mails, "she is told from when", 30)
    _ends(s, [queue_id], [letter], [1], [1])


def _left_alone(s):
    letter, queue_id = _told(s)
    _ends(s, [queue_id], [letter], [1], [2])


# Where only a certain course of things leads to a point: that, and the conf for it.
COURSES = {
    "gathered": (_gathered, {"notice.gather": "10s"}),
    "moved": (_moved, {}),
    "later_submitted": (_moved, {}),
    "answered": (_answered, {}),
    "helped": (_helped, {"hold.minimum": "4s"}),
    "reminded": (_left_alone, {"notice.reminder": "2s"}),
}


def scene(s, point):
    """Tells it; True where the keeper died in it."""
    course, conf = COURSES.get(point, (_three, {}))
    s.configure({"notice.gather": "0s", "hold.minimum": "0s", "notice.reminder": "0s", **conf}, RULES)
    s.restart("milter")
    keeper = _Keeper(s, point)
    course(s)
    return keeper.end()


def _about(s, letter):
    """Notices and copies that name the letter's subject. One that was sent again, before its 250 was noted, has the same
    Message-ID and link, and counts once."""
    mails = {m["Message-ID"]: m for m in s.mailboxes.from_forbear(letter.sender)}
    return [m for m in mails.values() if letter.subject in m.as_string()]


def _link(s, letter):
    notice = until(lambda: _about(s, letter), "its notice", 30)[0]
    return s.link(notice)


def _ends(s, ids, sent, copies, told):
    """So many copies of each were delivered, and so many mails tell of each; what became of each is on the record, and by whom."""
    ends = ["released" if n else "withdrawn" for n in copies]
    until(lambda: [store.state(i) for i in ids] == ends, f"they end {ends}", 40)
    are = [len(s.mailboxes.raw_of(READERS[0], letter.message_id)) for letter in sent]
    if are != copies:
        raise NotAsTold(f"copies delivered: {are}, not {copies}")
    are = [len(_about(s, letter)) for letter in sent]
    if are != told:
        raise NotAsTold(f"mails from forbear: {are}, not {told}")
