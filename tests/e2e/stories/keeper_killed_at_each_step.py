"""The keeper dies at every step of its work, one after the other, and is started again: nothing happens twice, nothing never."""
import re
import threading

from e2e import letters, store, web
from e2e.places import SOURCE
from e2e.wait import NotAsTold, until

DELAY_S = 6
CONF = {"hold.delay": f"{DELAY_S}s", "keeper.reconcile": "1s"}
RULES = f"[public_shaming]\ndelay = {DELAY_S}s\n"
DIED = 99  # what a keeper that was told to die ends with

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
    to_release, to_withdraw, to_leave = (letters.dressing_down(to=READERS) for _ in range(3))
    known = len({m["Message-ID"] for m in s.mailboxes.from_forbear("ana@corp.example")})
    ids = [s.send(letter) for letter in (to_release, to_withdraw, to_leave)]
    links = _links(s, known)
    _press(links[0], "release")
    _press(links[1], "withdraw")
    _ends(s, ids, (to_release, to_withdraw, to_leave))
    return keeper.end()


def _notices(s):
    """link -> notice, each Message-ID once: one that was sent again before its 250 was noted is the same mail."""
    return {m["Message-ID"]: m for m in s.mailboxes.from_forbear("ana@corp.example")}


def _links(s, known):
    """The links of the three notices, in the order in which the letters were sent."""
    until(lambda: len(_notices(s)) >= known + 3, "three notices", 30)
    texts = [m.get_body(("plain",)).get_content() for m in list(_notices(s).values())[known:]]
    return [re.search(r"http://\S+/h/\S+", text).group() for text in texts]


def _ends(s, ids, three):
    left = {"released", "withdrawn"}
    until(lambda: {store.state(i) for i in ids} <= left, f"all are closed: {[store.state(i) for i in ids]}", 40)
    copies = [len(s.mailboxes.raw_of(READERS[0], letter.message_id)) for letter in three]
    if sorted(copies) != [0, 1, 1]:
        raise NotAsTold(f"copies delivered: {copies}")
    if sorted(store.state(i) for i in ids) != ["released", "released", "withdrawn"]:
        raise NotAsTold(f"states: {[store.state(i) for i in ids]}")


def story(s):
    for point in _points():
        s.check(_scene(s, point), f"killed at {point}: two delivered once, one returned")
