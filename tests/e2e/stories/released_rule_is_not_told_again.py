"""Ana sent a message after all, and writes on in capitals: she is held for those alone, and told of nothing that she decided about before."""
from e2e import letters, web

CONF = {"notice.gather": "0s"}
RULES = """\
[loud]
title = It is written in capitals
why = Capitals read as shouting.
advice = Write it in small letters.
weight.shouting = 3
threshold = 3
"""
SHOUTED = "WHERE IS THE REPORT THAT WAS DUE TODAY?"


def story(s):
    letter, _, link = s.hold_one()
    s.says("Ana sends it, and writes to the same thread again, the same and louder.")
    web.press(link, "release")
    s.arrives(letter, "ben@corp.example")
    headers = {"In-Reply-To": letter.message_id, "References": letter.message_id}
    _, _, link = s.hold_one(letters.dressing_down(headers=headers, body=letter.body.replace("\n\nAna", f"\n{SHOUTED}\n\nAna")))
    told = " ".join(s.notice("ana@corp.example", 2).get_body(("plain",)).get_content().split())
    s.check(told.startswith(f'Without "{SHOUTED}" this would have gone.'), "the notice says first what of the new rule would have let it pass")
    s.check("Why: It is written in capitals" in told and "What to do instead: Write it in small letters." in told, "then that rule, and its advice")
    s.check(told.count("Why:") == 1 and "Ben" not in told.split("Why:")[1], "and nothing of the rule, the words and the readers that she decided about")
    s.check("Three messages" not in web.get(link).text, "nor does the page")
