"""A private Postfix: its conf, its ports, its accounts. What differs from a production gateway is said where it differs."""
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from e2e.people import ACCOUNTS, MAILBOXES, PASSWORD, TEAM

# What the package itself keeps in /etc/postfix; main.cf, master.cf and what an admin has there stay outside.
PACKAGE_FILES = ("postfix-files", "postfix-files.d", "dynamicmaps.cf", "dynamicmaps.cf.d", "post-install", "postfix-script",
                 "postfix-tls-script")

MAIN = """\
compatibility_level = 3.6
myhostname = gateway.corp.example
mydomain = corp.example
myorigin = $mydomain
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = {folder}/log/mail.log
smtpd_peername_lookup = no
notify_classes =
biff = no

# delivery: both domains are here, and nothing ever leaves this machine
virtual_mailbox_domains = corp.example client.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:/etc/postfix/mailboxes
virtual_alias_maps = texthash:/etc/postfix/aliases
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
default_transport = error:nothing leaves the sandbox
relay_transport = error:nothing leaves the sandbox

# submission
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = /etc/postfix/sasl
smtpd_sasl_local_domain = $mydomain
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination

# forbear: these are what a production gateway needs
enable_long_queue_ids = yes
transport_maps = inline:{{ forbear@$myhostname=discard: }}
smtpd_milters = {{ inet:127.0.0.1:{milter}, default_action=accept, connect_timeout=5s, content_timeout=30s }}
non_smtpd_milters = $smtpd_milters
"""

# Nothing is chrooted: the folders that are laid over the machine's hold no copies of its libraries.
# The second and fourth are for the tests: one that refuses every notice, one that no milter looks at.
MASTER = """\
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{refusing} inet n - n - - smtpd -o smtpd_sender_restrictions=reject
127.0.0.1:{submission} inet n - n - - smtpd -o syslog_name=postfix/submission -o smtpd_sasl_auth_enable=yes
127.0.0.1:{unfiltered} inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_milters=
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
virtual   unix - n n - - virtual
discard   unix - - n - - discard
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""

SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: /etc/postfix/sasldb2
"""


def _package_files(etc):
    source = Path("/etc/postfix")
    for name in PACKAGE_FILES:
        if (source / name).is_dir():
            shutil.copytree(source / name, etc / name)
        elif (source / name).exists():
            shutil.copy(source / name, etc / name)


def _accounts(etc):
    database = etc / "sasldb2"
    for name in ACCOUNTS:
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", str(database), "-u", "corp.example", name], input=PASSWORD, text=True, check=True,
                       capture_output=True)
    shutil.chown(database, "root", "postfix")
    database.chmod(0o640)


def lay_out(folder, ports):
    """Writes what is to be laid over /etc/postfix, /var/spool/postfix and /var/lib/postfix. Before anything is laid over."""
    etc = folder / "etc-postfix"
    (etc / "sasl").mkdir(parents=True)
    _package_files(etc)
    nobody = pwd.getpwnam("nobody")
    (etc / "main.cf").write_text(MAIN.format(folder=folder, uid=nobody.pw_uid, gid=nobody.pw_gid, **ports))
    (etc / "master.cf").write_text(MASTER.format(**ports))
    (etc / "sasl/smtpd.conf").write_text(SASL)
    (etc / "mailboxes").write_text("".join(f"{a} {maildir(a)}/\n" for a in MAILBOXES))
    (etc / "aliases").write_text(f"team@corp.example {', '.join(TEAM)}\n")
    _accounts(etc)
    mail = folder / "mail"
    mail.mkdir()
    os.chown(mail, nobody.pw_uid, nobody.pw_gid)
    (folder / "spool-postfix").mkdir()
    (folder / "lib-postfix").mkdir()
    shutil.chown(folder / "lib-postfix", "postfix", "postfix")


def maildir(address):
    name, _, domain = address.partition("@")
    return f"{domain}/{name}"
