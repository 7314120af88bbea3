"""The page, as a browser without JavaScript sees it."""
import html
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: object
    body: str

    @property
    def text(self):
        """What a reader sees: tags away, blanks as one."""
        without = re.sub(r"(?s)<(style|script|head)\b.*?</\1>|<[^>]+>", " ", self.body)
        return " ".join(html.unescape(without).split())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


_plain = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


def trust(authority):
    """From now on HTTPS is believed where that authority, or one of the machine's, says so."""
    global _plain
    context = ssl.create_default_context(cafile=authority)
    _plain = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _Stay)


def _ask(request):
    try:
        with _plain.open(request, timeout=10) as r:
            return Answer(r.status, r.headers, r.read().decode())
    except urllib.error.HTTPError as e:
        with e:
            return Answer(e.code, e.headers, e.read().decode())


def get(url):
    return _ask(urllib.request.Request(url))


def head(url):
    return _ask(urllib.request.Request(url, method="HEAD"))


def post(url, **fields):
    return _ask(urllib.request.Request(url, data=urllib.parse.urlencode(fields).encode(), method="POST"))


def press(url, action):
    """Loads the page, presses the button of that action, follows to where it leads. Returns the page that is shown then."""
    return send(url, form(get(url).body, action))


def send(url, fields):
    """Sends a form's fields, and follows to where the answer leads."""
    fields = dict(fields)
    answer = post(urllib.parse.urljoin(url, fields.pop("")), **fields)
    if answer.status == 303:
        return get(urllib.parse.urljoin(url, answer.headers["Location"]))
    return answer


def form(body, action):
    """The fields that a browser would send with the button whose value is @action; "" is where they go to."""
    for one in re.findall(r"(?s)<form\b.*?</form>", body):
        fields = {"": _attribute(one, "action") or ""}
        for tag in re.findall(r"<(?:input|button)\b[^>]*>", one):
            name, value = _attribute(tag, "name"), _attribute(tag, "value")
            if name and (name != "action" or value == action):
                fields[name] = value or ""
        if fields.get("action") == action:
            return fields
    raise LookupError(f"the page has no button to {action}")


def _attribute(tag, name):
    found = re.search(rf"""\b{name}=(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", tag)
    return html.unescape(next(g for g in found.groups() if g is not None)) if found else None
