"""One sandbox, from within its namespace: Postfix and the programs of forbear, and what a story asks of them."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from e2e import letters, mail, people, queue, store
from e2e.ports import answers
from e2e.wait import NotAsTold, until

PROGRAMS = ("helper", "keeper", "milter", "web")  # in this order they start; the last is the first to stop
STOP_S = 8

CONF = {
    "forbear.mode": "hold",
    "forbear.node": "sandbox",
    "forbear.log_level": "verbose",
    "scope.internal_domains": "corp.example",
    "scope.customer_domains": "client.example",
    "scope.protected": "council@corp.example",
    "scope.shared": "desk@corp.example",
    "hold.delay": "1h",
    "hold.grace": "4s",
    "people.file": "/etc/forbear/people.csv",
    "people.lists": "/etc/forbear/lists.csv",
    "keeper.reconcile": "2s",
    "notice.from": "forbear@gateway.corp.example",
    "notice.patience": "3s",
    "notice.gather": "0s",  # a story has one sender for all that it sends
    "hold.cap": "0",
}


def conf_text(values):
    sections = {}
    for name, value in values.items():
        section, key = name.split(".", 1)
        sections.setdefault(section, []).append(f"{key} = {value}")
    return "\n".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())


def in_stage(stage):
    """The environment in which the staged command is found, and finds its library."""
    return {"PATH": f"{stage}/usr/bin:{os.environ['PATH']}", "LD_LIBRARY_PATH": str(next(stage.rglob("libforbear.so")).parent)}


class Sandbox:
    """says() is the transcript; the rest is what a story does and expects."""

    def __init__(self, run, folder, ports):
        self.stage, self.folder, self.ports = Path(run) / "stage", Path(folder), ports
        self.processes = {}
        self.died_well = []
        self.mailboxes = mail.Mailboxes(self.folder / "mail")
        self.conf = dict(CONF)
        self.conf.update({"milter.socket": f"inet:{ports['milter']}@127.0.0.1", "web.listen": f"127.0.0.1:{ports['web']}",
                          "web.base_url": f"http://127.0.0.1:{ports['web']}", "notice.smtp": f"127.0.0.1:{ports['smtp']}"})

    # Starting and stopping

    def configure(self, conf=(), rules=""):
        """Writes /etc/forbear; what runs already reads it when it is started again or told to."""
        self.conf.update(conf)
        etc = Path("/etc/forbear")
        (etc / "forbear.conf").write_text(conf_text(self.conf))
        (etc / "people.csv").write_text(people.DIRECTORY)
        (etc / "lists.csv").write_text(people.LISTS)
        if rules:
            (etc / "rules.conf").write_text(rules)

    def start(self):
        self._start_postfix()
        subprocess.run(["systemd-tmpfiles", "--create", str(next(self.stage.rglob("tmpfiles.d/*.conf")))], check=True)
        self.forbear("keygen")
        for name in PROGRAMS:
            self.start_program(name)

    def _start_postfix(self):
        log = self.log("postfix").open("ab")
        self.processes["postfix"] = subprocess.Popen(["postfix", "start-fg"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                     start_new_session=True)
        until(lambda: answers(self.ports["smtp"]) and answers(self.ports["submission"]), "Postfix answers")

    def program(self, name):
        return str(next(self.stage.rglob(f"forbear-{name}")))

    def log(self, name):
        return self.folder / "log" / f"{name}.log"

    def _command(self, name, environment):
        """As its unit has it: its own user, no privileges, nothing of ours in its environment."""
        if name == "helper":
            return ["systemd-socket-activate", "--accept", "--listen=/run/forbear/helper.sock", "setpriv", "--no-new-privs", "--groups=postdrop",
                    "--inh-caps=-all", "--bounding-set=-all,+setuid,+setgid,+dac_read_search", self.program(name),
                    "--mta", "postfix", "--allow-user", "forbear-keeper"]
        return ["setpriv", "--reset-env", f"--reuid=forbear-{name}", f"--regid=forbear-{name}", "--init-groups", "--no-new-privs",
                "--inh-caps=-all", "--bounding-set=-all", "env", *(f"{k}={v}" for k, v in environment.items()), self.program(name)]

    def start_program(self, name, **environment):
        Path(f"/run/forbear/{name}.sock").unlink(missing_ok=True)  # one that a killed program left would look like a ready one
        log = self.log(name).open("ab")
        self.processes[name] = subprocess.Popen(self._command(name, environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", umask=0o007,
                                                start_new_session=True)
        until(lambda: self._ready(name) or self.processes[name].poll() is not None, f"forbear-{name} is ready")
        if not self._ready(name):
            raise NotAsTold(f"forbear-{name} ended with {self.processes[name].returncode}: {self.log(name).read_text()[-2000:]}")

    def _ready(self, name):
        if name in self.ports:
            return answers(self.ports[name])
        path = Path(f"/run/forbear/{name}.sock")
        if not path.exists():
            return False
        if name == "helper":
            shutil.chown(path, "root", "forbear-keeper")
            path.chmod(0o660)
            return True  # a connection would start a helper for nothing
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(path)) == 0

    def stop_program(self, name, how=signal.SIGTERM):
        """Stops it and says how it ended: 0 where it stopped in good order."""
        process = self.processes.pop(name)
        process.send_signal(how)
        if name in self.ports:  # libmilter looks whether it is to stop every five seconds, or when somebody calls
            time.sleep(0.05)
            answers(self.ports[name])
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise NotAsTold(f"{name} did not stop within {STOP_S} s") from None

    def restart(self, name, **environment):
        if name in self.processes:
            self.stop_program(name)
        self.start_program(name, **environment)

    def stop(self):
        """Stops all. Returns what did not stop as it should."""
        faults = []
        for name in [n for n in reversed(self.processes)]:
            early = self.processes[name].poll()
            if early is not None:
                faults.append(f"{name} had ended with {early}")
                continue
            try:
                code = self.stop_program(name)
            except NotAsTold as e:
                faults.append(str(e))
                continue
            if name in ("keeper", "milter", "web") and code != 0:
                faults.append(f"forbear-{name} ended with {code}")
        return faults

    def _command_of_admin(self, *arguments):
        done = subprocess.run([str(self.stage / "usr/bin/forbear"), *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=30, env={**os.environ, **in_stage(self.stage)})
        if done.returncode:
            raise NotAsTold(f"forbear {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done

    def forbear(self, *arguments):
        """The admin's command; its output."""
        return self._command_of_admin(*arguments).stdout

    def warnings(self):
        """What `forbear config check` warns of."""
        return self._command_of_admin("config", "check").stderr

    # Telling

    def says(self, text):
        print(f"  {text}", flush=True)

    def check(self, true, text):
        """One thing that must be so."""
        print(f"    {'ok ' if true else 'NOT'} {text}", flush=True)
        if not true:
            raise NotAsTold(text)

    # Sending and receiving

    def send(self, letter, port="submission", login="", **options):
        """Submits, by default as its sender with a password; the queue id."""
        if port == "submission" and not login:
            login = letter.sender
        return mail.submit(self.ports[port], letter, login or None, **options)

    def sendmail(self, letter):
        mail.sendmail(letter)

    def send_many(self, many):
        """All by one sender, on one connection; their queue ids."""
        return mail.submit_many(self.ports["submission"], many, many[0].sender)

    def postfix_set(self, *lines):
        """Changes main.cf and loads it."""
        for line in lines:
            subprocess.run(["postconf", "-e", line], check=True)
        subprocess.run(["postfix", "reload"], check=True, capture_output=True)
        time.sleep(1)  # for the processes that still read the old one to end

    def arrives(self, letter, *addresses, within=20):
        """Waits until every one has it; says so, and returns the last one's copy."""
        copies = []
        for address in addresses or letter.recipients:
            copies = until(lambda: self.mailboxes.raw_of(address, letter.message_id), f"the letter reaches {address}", within)
        self.check(len(copies) == 1, f"it arrived, once, at {', '.join(addresses or letter.recipients)}")
        return copies[0]

    def copies(self, letter):
        """How many copies there are in all mailboxes of those it went to."""
        everyone = set(people.MAILBOXES)
        return sum(len(self.mailboxes.raw_of(address, letter.message_id)) for address in everyone)

    def nobody_has(self, letter):
        self.check(self.copies(letter) == 0, "nobody has it")

    def is_held(self, queue_id, within=5):
        until(lambda: queue.where(queue_id) == "hold", f"{queue_id} is in the hold queue", within)
        self.check(True, "Postfix holds it in its own queue")

    def is_state(self, queue_id, state, within=20):
        until(lambda: store.state(queue_id) == state, f"the store says {state} (it says {store.state(queue_id)})", within)
        self.check(True, f"the store says {state}")

    def left_queue(self, queue_id, within=20):
        until(lambda: queue.where(queue_id) is None, f"{queue_id} leaves the queue", within)

    def notice(self, address, nth=1, within=20):
        """The @nth mail from forbear to @address."""
        found = until(lambda: len(self.mailboxes.from_forbear(address)) >= nth and self.mailboxes.from_forbear(address),
                      f"mail number {nth} from forbear to {address}", within)
        return found[nth - 1]

    def links(self, notice):
        text = notice.get_body(("plain",)).get_content()
        return re.findall(rf"https?://127\.0\.0\.1:{self.ports['web']}/h/[A-Za-z0-9._~=-]+", text)

    def link(self, notice):
        found = self.links(notice)
        self.check(len(set(found)) == 1, f"the notice has one link, of {len(found[0]) if found else 0} characters")
        self.check(len(found[0]) <= 360, "the link is at most 360 characters long")
        return found[0]

    def hold_one(self, letter=None):
        """The beginning of many stories: a letter is held and its sender told. Letter, queue id, link."""
        letter = letter or letters.dressing_down()
        nth = len(self.mailboxes.from_forbear(letter.sender)) + 1
        queue_id = self.send(letter)
        self.is_held(queue_id)
        link = self.link(self.notice(letter.sender, nth))
        self.nobody_has(letter)
        return letter, queue_id, link

    # Looking behind the curtain

    def logged(self, name, pattern):
        """Lines of that program's log that match."""
        lines = self.log(name).read_text(errors="replace").splitlines()
        return [line for line in lines if re.search(pattern, line)]

    def queue_id_of(self, letter):
        """The queue id of a letter whose submission did not tell it."""
        name = re.escape(letter.message_id)
        line = until(lambda: self.logged("mail", rf"cleanup.*: [0-9A-Za-z]+: message-id={name}"), "Postfix logs the letter")[0]
        return re.search(r": ([0-9A-Za-z]+): message-id=", line).group(1)

    def pause(self, seconds):
        time.sleep(seconds)
