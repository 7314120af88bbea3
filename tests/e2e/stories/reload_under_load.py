"""The policy is loaded anew while mail flows: nothing is lost, refused or judged by half of a policy."""
import signal

from e2e import letters
from e2e.wait import until

MANY, ROUNDS = 20, 6


def story(s):
    s.says("Calm mail flows while the milter loads its policy again and again, twice a broken one.")
    calm = []
    for i in range(ROUNDS):
        s.configure({"forbear.mode": "nonsense" if i in (2, 4) else "hold"})
        s.processes["milter"].send_signal(signal.SIGUSR1)
        batch = [letters.calm() for _ in range(MANY)]
        s.send_many(batch)
        calm += batch
    until(lambda: len(s.mailboxes.files("ben@corp.example")) == len(calm), "all of them arrive", 60)
    s.check(True, f"all {len(calm)} arrived")
    s.check(s.processes["milter"].poll() is None, "the milter runs on")
    s.check(s.logged("milter", "reload_failed|nonsense"), "its log tells of the broken ones")
    s.says("With observe, a message that was held before now passes.")
    s.hold_one()
    s.configure({"forbear.mode": "observe"})
    s.processes["milter"].send_signal(signal.SIGUSR1)
    s.pause(1)
    letter = letters.dressing_down()
    s.send(letter)
    s.arrives(letter, "ben@corp.example")
