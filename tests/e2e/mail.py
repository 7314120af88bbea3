"""Letters: written, submitted, and read in the mailboxes."""
import smtplib
import subprocess
import uuid
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.utils import formatdate

from e2e.people import PASSWORD
from e2e.postfix import maildir


@dataclass
class Letter:
    """sender and recipients are the envelope's too; bcc is in the envelope alone, but for sendmail(1)."""
    sender: str
    to: list
    subject: str
    body: str
    cc: list = field(default_factory=list)
    bcc: list = field(default_factory=list)
    headers: dict = field(default_factory=dict)
    date: str = field(default_factory=lambda: formatdate(localtime=True))
    message_id: str = field(default_factory=lambda: f"<{uuid.uuid4().hex}@corp.example>")

    @property
    def recipients(self):
        return [*self.to, *self.cc, *self.bcc]

    def raw(self):
        """As it is submitted: CRLF line ends."""
        fields = {"From": self.sender, "To": ", ".join(self.to), "Cc": ", ".join(self.cc), "Subject": self.subject,
                  "Date": self.date, "Message-ID": self.message_id, "MIME-Version": "1.0",
                  "Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit"}
        fields.update(self.headers)
        head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
        return f"{head}\n{self.body}".replace("\n", "\r\n").encode()


class Refused(Exception):
    """What the server said."""
    def __init__(self, code, text):
        super().__init__(f"{code} {text}")
        self.code = code


def _expect(reply, *codes):
    code, text = reply
    if code not in codes:
        raise Refused(code, text.decode(errors="replace"))
    return text.decode(errors="replace")


def submit(port, letter, login=None, mail_options=(), rcpt_options=(), raw=None, sender=None):
    """Submits by SMTP; returns the queue id that the last reply names."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        smtp.ehlo("client.corp.example")
        if login:
            smtp.login(login, PASSWORD)
        return _hand_over(smtp, letter, mail_options, rcpt_options, raw, sender)


def _hand_over(smtp, letter, mail_options=(), rcpt_options=(), raw=None, sender=None):
    _expect(smtp.mail(letter.sender if sender is None else sender, mail_options), 250)
    for address in letter.recipients:
        _expect(smtp.rcpt(address, rcpt_options), 250, 251)
    said = _expect(smtp.data(raw or letter.raw()), 250)
    return said.rpartition("queued as ")[2].split()[0]


def submit_many(port, letters, login):
    """All of them on one connection; their queue ids."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        smtp.ehlo("client.corp.example")
        smtp.login(login, PASSWORD)
        return [_hand_over(smtp, letter) for letter in letters]


def sendmail(letter):
    """Submits by sendmail(1), with the Bcc field that it takes recipients from."""
    raw = letter.raw().replace(b"\r\n", b"\n")
    if letter.bcc:
        raw = f"Bcc: {', '.join(letter.bcc)}\n".encode() + raw
    subprocess.run(["/usr/sbin/sendmail", "-i", "-t", "-f", letter.sender], input=raw, check=True, capture_output=True)


def readable(letter):
    """As a mail program shows it: the fields that matter, the text, the names of what is attached."""
    head = "".join(f"{name}: {letter[name]}\n" for name in ("Date", "From", "To", "Subject") if letter[name])
    body = letter.get_body(("plain", "html"))
    attached = "".join(f"[attached: {part.get_content_type()}]\n" for part in letter.iter_attachments())
    return f"{'-' * 72}\n{head}\n{body.get_content() if body else ''}{attached}"


class Mailboxes:
    def __init__(self, folder):
        self.folder = folder

    def files(self, address):
        """Raw messages, oldest first."""
        new = self.folder / maildir(address) / "new"
        paths = sorted(new.iterdir(), key=lambda p: p.stat().st_mtime_ns) if new.is_dir() else []
        return [p.read_bytes() for p in paths]

    def letters(self, address):
        return [message_from_bytes(raw, policy=policy.default) for raw in self.files(address)]

    def raw_of(self, address, message_id):
        """The raw messages with that Message-ID."""
        return [raw for raw in self.files(address) if message_from_bytes(raw)["Message-ID"] == message_id]

    def from_forbear(self, address):
        """Notices, advice and returned messages."""
        return [m for m in self.letters(address) if m["From"] and "forbear@" in m["From"]]
