"""A released message is, byte for byte, what a Postfix without forbear delivers: DSN, 8BITMIME, SMTPUTF8, Bcc, sendmail(1) too."""
import copy
import re

from e2e import letters, web
from e2e.wait import until

# What names the moment and the way of one delivery.
TRACE = re.compile(rb"\A(?:(?:Return-Path|X-Original-To|Delivered-To|Received):.*\n(?:[ \t].*\n)*)+")
DSN = ("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;team@corp.example")

EIGHT_BIT = letters.dressing_down().body + "\nSchöne Grüße\n"

WAYS = {
    "plain": ({}, {}),
    "8BITMIME": ({"body": EIGHT_BIT}, {"mail_options": ("BODY=8BITMIME",)}),
    "SMTPUTF8": ({"bcc": ["zoë@client.example"], "subject": "Über das Release"}, {"mail_options": ("SMTPUTF8", "BODY=8BITMIME")}),
    "Bcc": ({"bcc": ["mia@corp.example", "kai@client.example"]}, {}),
    "DSN": ({}, {"mail_options": ("RET=HDRS", "ENVID=forbear-story"), "rcpt_options": DSN}),
}


def _stripped(raw):
    """Without the trace fields, and how many of each there were."""
    trace = TRACE.match(raw).group()
    return TRACE.sub(b"", raw), sorted(re.findall(rb"^([\w-]+):", trace, re.M))


def _reports(s):
    """Delivery reports that Ana got: their original envelope ids and what they say of whom."""
    found = []
    for report in s.mailboxes.letters("ana@corp.example"):
        if report.get_content_type() == "multipart/report":
            status = next(p for p in report.iter_parts() if p.get_content_type() == "message/delivery-status")
            text = status.as_string()
            found.append(re.findall(r"^(Original-Envelope-Id|Original-Recipient|Final-Recipient|Action): *(.*)$", text, re.M))
    return sorted(found)


def _held_and_released(s, letter, options):
    nth = len(s.mailboxes.from_forbear(letter.sender)) + 1
    s.is_held(s.send(letter, **options))
    web.press(s.link(s.notice(letter.sender, nth)), "release")
    return _everywhere(s, letter)


def _everywhere(s, letter):
    """Every reader's copy."""
    readers = ["ben@corp.example", "cleo@corp.example", *letter.bcc]
    return {reader: s.arrives(letter, reader) for reader in readers}


def _same(s, what, filtered, unfiltered):
    for reader, raw in filtered.items():
        s.check(_stripped(raw) == _stripped(unfiltered[reader]), f"{what}: {reader} got the very same bytes")


def _compare(s, what, change, options):
    s.says(f"{what}, through forbear and past it.")
    letter = letters.dressing_down(**change)
    twin = copy.copy(letter)
    twin.message_id = letter.message_id.replace("@corp", "0@corp")
    filtered = _held_and_released(s, letter, options)
    s.send(twin, port="unfiltered", login=twin.sender, **options)
    unfiltered = {reader: raw.replace(twin.message_id.encode(), letter.message_id.encode()) for reader, raw in _everywhere(s, twin).items()}
    _same(s, what, filtered, unfiltered)


def _sendmail(s):
    s.says("By sendmail(1), with a Bcc field.")
    letter = letters.dressing_down(bcc=["mia@corp.example"])
    nth = len(s.mailboxes.from_forbear(letter.sender)) + 1
    s.sendmail(letter)
    s.is_held(s.queue_id_of(letter))
    web.press(s.link(s.notice(letter.sender, nth)), "release")
    copies = _everywhere(s, letter)
    s.check(all(b"\nBcc:" not in raw and b"mia@" not in raw for reader, raw in copies.items() if "mia" not in reader),
            "nobody but Mia learns of her")
    s.check(all(_stripped(raw)[0].endswith(letter.body.encode()) for raw in copies.values()), "the words are the same")


def story(s):
    for what, (change, options) in WAYS.items():
        _compare(s, what, change, options)
    until(lambda: len(_reports(s)) == 2, "both delivery reports arrive")
    first, second = _reports(s)
    s.check(first == second, f"the delivery reports of both say the same: {len(first)} facts")
    _sendmail(s)
