"""Does to a message what a verdict says would have let it pass."""
import email
import email.policy
import re


def _leave_off(letter, addresses):
    for name in ("To", "Cc"):
        stay = [a for a in letter[name].addresses if a.addr_spec.lower() not in addresses] if letter[name] else []
        del letter[name]
        if stay:
            letter[name] = stay


def _address_to(letter, address):
    del letter["To"], letter["Cc"]
    letter["To"] = address


def _leave_out(letter, sentences):
    part = letter.get_body(("plain", "html"))
    text = part.get_content()
    for sentence in sentences:
        text, found = re.subn(r"\s+".join(map(re.escape, sentence.split())), "", text, count=1)
        if not found:
            raise LookupError(f"it is not in the message: {sentence}")
    part.set_content(text, subtype=part.get_content_subtype(), cte="8bit")


def done(change, message, recipients):
    """The changed message and its recipients; None where there is nothing to do."""
    letter = email.message_from_bytes(message, policy=email.policy.default)
    addresses = change["reader"].split()
    if change["kind"] in ("none", "unknown"):
        return None
    if change["kind"] == "words":
        _leave_out(letter, change["text"].split("\n"))
    elif change["kind"] == "alone":
        _address_to(letter, *addresses)
        recipients = recipients and addresses
    else:
        _leave_off(letter, addresses)
        recipients = recipients and [r for r in recipients if r.lower() not in addresses]
    return letter.as_bytes(), recipients
