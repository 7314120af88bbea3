"""A scanner opens every link of the notice, and all that those pages lead to: the message waits as before."""
import html
import re
import urllib.parse

from e2e import queue, store, web

ENOUGH = 60
TRICKS = ("{}?utm_source=mail", "{}#top", "{}/", "{}.", "{}%20", "{}?action=release", "{}?action=withdraw&confirm=yes", "{}/release")


def _links(notice):
    """Of every part, as scanners find them: whatever looks like one."""
    found = set()
    for part in notice.walk():
        if part.get_content_maintype() == "text":
            found |= {html.unescape(u).rstrip(".,") for u in re.findall(r"https?://[^\s\"'<>]+", part.get_content())}
    return found


def _leads_to(url, answer):
    """Every address in a page, the forms' own too."""
    found = re.findall(r"""\b(?:href|src|action|formaction|content)=["']?([^"'\s>]+)""", answer.body) + [answer.headers["Location"] or ""]
    whole = {urllib.parse.urljoin(url, html.unescape(one)) for one in found if one}
    return {u for u in whole if u.startswith(url.split("/h/")[0])}


def _scan(links):
    """By GET and by HEAD, on and on. What was asked for, with the statuses of both."""
    todo, seen = list(links), {}
    while todo and len(seen) < ENOUGH:
        url = todo.pop()
        if url not in seen:
            answer = web.get(url)
            seen[url] = (answer.status, web.head(url).status)
            todo += _leads_to(url, answer)
    return seen


def story(s):
    letter, queue_id, link = s.hold_one()
    notice, before = s.notice(letter.sender), store.steps(queue_id)
    links = _links(notice)
    s.check(link in links and len(links) == 1, "the notice has one link, in each of its parts")
    s.says("A scanner opens it, then all that the page names.")
    seen = _scan(links)
    s.check(seen[link] == (200, 200), "the page comes, by GET and by HEAD")
    s.check(all(got == head for got, head in seen.values()), f"{len(seen)} addresses, each of which answers HEAD as it answers GET")
    s.says("Another makes links of its own of it.")
    _scan(trick.format(link) for trick in TRICKS)
    s.check(store.steps(queue_id) == before, "the store has no new event")
    s.check(queue.where(queue_id) == "hold" and store.state(queue_id) == "held", "it is held as before")
    s.nobody_has(letter)
    s.says("Ana's own click still works.")
    web.press(link, "withdraw")
    s.is_state(queue_id, "withdrawn")
