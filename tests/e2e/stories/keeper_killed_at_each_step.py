"""The keeper dies at every step of its work, one after the other, and is started again: nothing happens twice, nothing never."""
import re
import threading
import uuid

from e2e import letters, store, web
from e2e.places import SOURCE
from e2e.wait import NotAsTold, until

DELAY_S = 6
CONF = {"hold.delay": f"{DELAY_S}s", "keeper.reconcile": "1s"}
RULES = f"[public_shaming]\ndelay = {DELAY_S}s\n"
DIED = 99  # what a keeper that was told to die ends with

# "gone" is what a keeper says that finds a message out of the hold queue and did not live to note that it did that itself.
CLOSED = {"released", "withdrawn", "gone"}
READERS = ["ben@corp.example", "cleo@corp.example"]


def _points():
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


def _press(link, action):
    """As a person does: again, when the page says to try later."""
    until(lambda: (answer := web.get(link)).status == 200 and ("</form>" not in answer.body or web.press(link, action).status == 200),
          f"the page takes the wish to {action}", 20)


def _scene(s, point):
    """One letter is released, one withdrawn, one left alone, while the keeper dies. True where it did."""
    keeper = _Keeper(s, point)
    three = [letters.dressing_down(to=READERS, subject=f"Letter {uuid.uuid4().hex}") for _ in range(3)]
    ids = [s.send(letter) for letter in three]
    _press(_link(s, three[0]), "release")
    _press(_link(s, three[1]), "withdraw")
    _ends(s, ids, three)
    return keeper.end()


def _about(s, letter):
    """Notices and copies that name the letter's subject. One that was sent again, before its 250 was noted, has the same
    Message-ID and link, and counts once."""
    mails = {m["Message-ID"]: m for m in s.mailboxes.from_forbear(letter.sender)}
    return [m for m in mails.values() if letter.subject in m.as_string()]


def _link(s, letter):
    notice = until(lambda: _about(s, letter), "its notice", 30)[0]
    return s.link(notice)


def _ends(s, ids, three):
    until(lambda: {store.state(i) for i in ids} <= CLOSED, f"all are closed: {[store.state(i) for i in ids]}", 40)
    copies = [len(s.mailboxes.raw_of(READERS[0], letter.message_id)) for letter in three]
    if copies != [1, 0, 1]:
        raise NotAsTold(f"copies delivered of the three: {copies}")
    told = [len(_about(s, letter)) for letter in three]
    if told != [1, 2, 1]:
        raise NotAsTold(f"mails from forbear, of the three: {told}")


def story(s):
    for point in _points():
        s.check(_scene(s, point), f"killed at {point}: two delivered once, one returned")
