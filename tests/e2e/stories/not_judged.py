"""Mail that forbear must not judge is delivered although its words would be held: each reason, counted and logged."""
from collections import Counter

from e2e import letters, store

READERS = ["ben@corp.example", "cleo@corp.example", "dan@corp.example", "mia@corp.example",
           "ana@corp.example", "kai@client.example"]
CONF = {
    "scope.networks": "192.0.2.0/24",  # so that only a password makes a client ours
    "limits.message_size": "64k",
    "limits.judged_size": "32k",
    "limits.header_fields": "40",
    "limits.parts": "6",
    "limits.recipients": "5",
}


def _parts(n):
    return "".join(f"--b\nContent-Type: text/plain\n\nBen, you never do what we agreed ({i}).\n" for i in range(n)) + "--b--\n"


def _with(**headers):
    return {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}


def _attached(kind):
    return {"Content-Type": kind, "Content-Transfer-Encoding": "base64"}


# reason: what is said of it, how the letter differs, how it is sent
CASES = [
    ("null_sender", "without a sender, as bounces are", {}, {"sender": ""}),
    ("foreign_client", "without a password, from no network of ours", {}, {"port": "smtp"}),
    ("foreign_sender", "a customer's address", {"sender": "kai@client.example"}, {"login": "ana@corp.example"}),
    ("login_mismatch", "in Ana's name with Ben's password", {}, {"login": "ben@corp.example"}),
    ("protected", "with the works council in copy", {"cc": ["council@corp.example"]}, {}),
    ("protected", "with the works council in Bcc", {"bcc": ["council@corp.example"]}, {}),
    ("protected", "from the works council", {"sender": "council@corp.example"}, {}),
    ("shared_sender", "from an address that several people read", {"sender": "desk@corp.example"}, {}),
    ("other_from", "with another From", _with(From="dan@corp.example"), {}),
    ("auto_submitted", "written by a program", _with(Auto_Submitted="auto-generated"), {}),
    ("bulk", "Precedence: bulk", _with(Precedence="bulk"), {}),
    ("bulk", "Precedence: list", _with(Precedence="list"), {}),
    ("bulk", "of a mailing list", _with(List_Id="<team.corp.example>"), {}),
    ("calendar", "an answer to an invitation", _with(Content_Type="text/calendar; method=REPLY"), {}),
    ("own_notice", "from forbear's own address", {"sender": "forbear@gateway.corp.example"}, {"login": "ana@corp.example"}),
    ("too_large", "larger than the limit", {"body": "Ben, you never do what we agreed.\n" * 3000}, {}),
    ("too_many_recipients", "to more readers than the limit", {"to": READERS}, {}),
    ("header_limit", "with more header fields than the limit", {"headers": {f"X-Field-{i}": "x" for i in range(60)}}, {}),
    ("too_complex", "with more parts than the limit", {"body": _parts(9), "headers": {"Content-Type": 'multipart/mixed; boundary="b"'}}, {}),
    ("encrypted", "encrypted", _with(Content_Type='multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"'), {}),
    ("encrypted", "encrypted by S/MIME", {"body": "MIAGCSqGSIb3DQEHA6CAMIA=\n",
                                          "headers": _attached("application/pkcs7-mime; smime-type=enveloped-data")}, {}),
    ("no_text", "a picture", {"body": "iVBORw0KGgo=\n", "headers": _attached("image/png")}, {}),
    ("own_empty", "nothing but what somebody else wrote", {"body": "> Ben, you never do what we agreed.\n> You dropped the ball.\n"}, {}),
]


def _passes(s, reason, what, letter, how):
    s.send(letter, **how)
    s.arrives(letter, "ben@corp.example")
    s.check(s.logged("milter", rf"reason={reason}\b"), f"{what}: {reason}")


def _counted(s):
    """Counters are written in batches: the last when the milter stops."""
    s.restart("milter")
    for reason, times in Counter(reason for reason, *_ in CASES).items():
        s.check(store.count(f"not_judged.{reason}") >= times, f"{reason} is counted")


def story(s):
    s.says("The same words as in every other story, in mail that is none of forbear's business.")
    for reason, what, change, how in CASES:
        _passes(s, reason, what, letters.dressing_down(**change), how)
    _counted(s)
    s.says("With short queue ids nothing can be held.")
    s.postfix_set("enable_long_queue_ids = no")
    _passes(s, "short_queue_id", "a short queue id", letters.dressing_down(), {})
