"""The signing key is changed while a message waits: nothing is restarted, links given out before decide, new ones are signed with the new key."""
import signal

from e2e import web
from e2e.wait import until


def _kid(link):
    return link.rpartition("/")[2].split(".")[3]


def story(s):
    letter, _, before = s.hold_one()
    s.says("The admin changes the key, and has the keeper read it.")
    s.forbear("keygen", "--rotate")
    s.processes["keeper"].send_signal(signal.SIGUSR1)
    until(lambda: s.logged("keeper", " reloaded "), "the keeper has read it")
    other, queue_id, after = s.hold_one()
    s.check(_kid(before) != _kid(after), "a new link is signed with the new key")
    s.check(web.press(before, "release").status == 200, "the old link still decides")
    s.arrives(letter, "ben@corp.example")
    s.forbear("release", queue_id, "--reason", "to try the new key")
    s.arrives(other, "ben@corp.example")
    s.check(s.processes["keeper"].poll() is None, "and the keeper ran through all of it")
