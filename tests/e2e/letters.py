"""What people in the sandbox write: two that forbear holds, and some that it must not."""
from e2e.mail import Letter

TEAM = "team@corp.example"


def dressing_down(**change):
    """Public shaming: one colleague, by name, before the whole team."""
    values = {
        "sender": "ana@corp.example",
        "to": [TEAM],
        "subject": "The release that slipped again",
        "body": "All,\n\nBen, you never do what we agreed. You dropped the ball on the release again, and this is unacceptable.\n"
                "Everybody here had to clean up after you. It is your fault that the customer is angry with us.\n\nAna\n",
    }
    return Letter(**{**values, **change})


def calm(**change):
    values = {
        "sender": "ana@corp.example",
        "to": [TEAM],
        "subject": "Lunch on Thursday",
        "body": "Hello all,\n\nthe table is booked for noon. Please tell me by Wednesday what you would like to eat.\n\nAna\n",
    }
    return Letter(**{**values, **change})


def answer(notice, body, **change):
    """An answer to what forbear wrote."""
    headers = {"In-Reply-To": notice["Message-ID"], "References": notice["Message-ID"]}
    headers.update(change.pop("headers", {}))
    if headers["In-Reply-To"] != notice["Message-ID"]:
        headers["References"] = headers["In-Reply-To"]
    return Letter(**{"sender": notice["To"], "to": [notice["From"].addresses[0].addr_spec], "subject": f"Re: {notice['Subject']}", "body": body,
                     "headers": headers, **change})
