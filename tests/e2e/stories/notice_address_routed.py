"""An admin copies from README what routes the notice's address, as an alias and as a transport: answers are taken, the rest goes nowhere."""
import re
import subprocess
from pathlib import Path

from e2e import letters
from e2e.places import SOURCE

ALIASES, MAIN = Path("/etc/postfix/local_aliases"), Path("/etc/postfix/main.cf")
AS_DEBIAN = ("transport_maps =", "mydestination = $myhostname", "local_recipient_maps = $alias_maps", f"alias_maps = hash:{ALIASES}",
             "alias_database = $alias_maps")
ELSEWHERE = "forbear@gateway.example.com"


def _readme(first):
    """The block of README that begins with @first, as it stands."""
    blocks = (SOURCE / "README.md").read_text().split("```\n")[1::2]
    return next(block for block in blocks if block.startswith(first))


def _run(*command):
    subprocess.run(command, check=True, capture_output=True)


def _new_aliases(s, text):
    ALIASES.write_text(text)
    _run("newaliases")
    s.postfix_set()  # a table that was changed within the second is not looked at again


def _tried(s, address, subject):
    """What the check says, what becomes of an answer, and of what the milter does not take."""
    s.check("takes no mail" not in s.warnings() and "could not be tried" not in s.warnings(), "the admin's check finds that notices can be answered")
    nth = len(s.mailboxes.from_forbear("ana@corp.example")) + 1
    letter, queue_id, _ = s.hold_one(letters.dressing_down(subject=subject))
    notice = s.notice("ana@corp.example", nth)
    s.check(address in notice["From"], f"the notice comes from {address}")
    s.send(letters.answer(notice, "RELEASE\n"))
    s.arrives(letter, "ben@corp.example", "cleo@corp.example")
    s.is_state(queue_id, "released")
    stray = s.send(letters.calm(sender="kai@client.example", to=[address]), port="smtp")
    s.left_queue(stray)
    ends = s.logged("mail", rf"{stray}: to=<{re.escape(address)}>")
    s.check(len(ends) == 1 and "status=sent" in ends[0], "what a stranger writes to it goes nowhere, and no bounce comes of it")


def story(s):
    s.says("Postfix knows its own host's name, and no alias yet.")
    s.postfix_set(*AS_DEBIAN)
    _run("postconf", "-M", "local/unix=local unix - n n - - local")
    _new_aliases(s, "")
    s.check("takes no mail to forbear@gateway.corp.example" in s.warnings(), "the admin's check warns")
    s.says("The admin copies the alias.")
    _new_aliases(s, _readme("# /etc/aliases\n"))
    _tried(s, "forbear@gateway.corp.example", "By alias")
    s.says("The address is to be one of no domain that Postfix knows; the admin copies the transport.")
    s.configure({"notice.from": ELSEWHERE})
    _run("postconf", "-X", "transport_maps")
    MAIN.write_text(MAIN.read_text() + _readme("# main.cf; "))
    s.postfix_set()
    for name in ("milter", "keeper"):
        s.restart(name)
    _tried(s, ELSEWHERE, "By transport")
