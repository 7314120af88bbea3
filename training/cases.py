"""Written cases -> inputs of the judge, one JSON object a line:  cases.py OUT.jsonl CASES.jsonl ...

Two forms of cases, told apart by what stands beside them:
- NAME.jsonl with NAME.worlds.json: whole messages of invented companies; facts and roles come from their directories, as the gateway
  takes them from the admin's (format: ../model/README.md);
- NAME.jsonl alone: short texts with roles already in place and an audience by name (`aud`), from which plausible facts are drawn, the
  same for both of a pair wherever `aud` leaves them open.
"""
import collections
import email.utils
import json
import os
import random
import re
import sys

from labels import RULES

SHOWN = 6  # roles in a field; the rest is counted
BEARERS = 3  # a part of an absent person's name counts where at most so many bear it
WORDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib/rules/ordinary.def")
ORDINARY = set(re.findall(r'WORD\("(.+?)"\)', open(WORDS, encoding="utf-8").read()))  # names that are words more often


def listed(roles):
    more = len(roles) - SHOWN
    return ", ".join(roles[:SHOWN] + ([f"+{more}"] if more > 0 else []))


def counted(n):
    return str(n) if n < 4 else "4-9" if n < 10 else "10+"


def share(outsiders, all_of_them):
    return "none" if not outsiders else "all" if outsiders == all_of_them else "some"


def waited(minutes):
    return "minutes" if minutes <= 15 else "an hour" if minutes <= 90 else "hours" if minutes < 1440 else "days"


# ---- whole messages ----

class World:
    """The directory of one invented company."""

    def __init__(self, w):
        self.people = {p["email"].lower(): p for p in w["people"]}
        self.lists = {a.lower(): [m.lower() for m in members] for a, members in (w.get("lists") or {}).items()}
        self.domains = {d.lower() for d in w["domains"]}
        self.bearers = collections.Counter(part for p in self.people.values() for part in set(p["name"].split()))

    def inside(self, address):
        return address.split("@")[-1] in self.domains

    def bosses(self, address):
        """The chain above, the nearest first."""
        chain = []
        while address in self.people and self.people[address].get("manager"):
            address = self.people[address]["manager"].lower()
            if address in chain:
                break
            chain.append(address)
        return chain

    def role(self, address, sender, to):
        if address in self.lists:
            return f"list of {len(self.lists[address])}"
        if not self.inside(address):
            return "outsider"
        mine, its, roles = self.bosses(sender), self.bosses(address), []
        if address in mine:
            roles.append("my manager" if address == mine[0] else "my boss above")
        if sender in its:
            roles.append("my report" if sender == its[0] else "my report below")
        others = [self.bosses(a) for a in to if a != address and a in self.people]
        if any(chain[:1] == [address] for chain in others):
            roles.append("addressee's manager")
        elif any(address in chain for chain in others):
            roles.append("addressee's boss above")
        if not roles:
            higher = address in self.people and len(its) < (len(mine) if sender in self.people else 9)
            roles.append("senior" if higher else "peer")
        return " and ".join(roles)


def facts_of(d, world):
    sender, to, cc = d["from"].lower(), [a.lower() for a in d["to"]], [a.lower() for a in d.get("cc") or []]
    past, everybody = d.get("history") or [], to + cc
    readers = {m for a in everybody for m in world.lists.get(a, [a])} - {sender}

    def roles(addresses):
        return listed([world.role(a, sender, to) for a in addresses])

    facts = [f"to: {roles(to)}", f"cc: {roles(cc) if cc else 'none'}", f"readers: {counted(len(readers))}",
             f"outside: {share(sum(not world.inside(a) for a in everybody), len(everybody))}"]
    thread = [h for h in past if h.get("thread")]
    if thread:
        before = {a.lower() for h in thread for a in [h["from"], *h["to"]]}
        new = [a for a in everybody if a not in before]
        facts.append(f"new on thread: {roles(new) if new else 'none'}")
    if len(readers) > 1:
        alone = [h for h in past if len(h["to"]) == 1 and not h.get("thread")]
        private = {h["to"][0].lower() for h in alone if h["from"].lower() == sender} | {h["from"].lower() for h in alone if h["to"][0].lower() == sender}
        facts.append("alone before with: " + (", ".join(sorted(world.role(a, sender, to) for a in private & readers)) or "nobody"))
    now, answered = email.utils.parsedate_to_datetime(d["date"]), d.get("reply_to")
    if answered:
        minutes = (now - email.utils.parsedate_to_datetime(answered["date"])).total_seconds() / 60
        facts += [f"reply after: {waited(minutes)}", f"answers: {'colleague' if world.inside(answered['from'].lower()) else 'outsider'}"]
    if now.hour >= 21 or now.hour < 6:
        facts.append("at night")
    return "; ".join(facts), readers


def roles_for_names(d, world, readers):
    """A function that puts roles in the place of names."""
    sender, to, cc = d["from"].lower(), [a.lower() for a in d["to"]], [a.lower() for a in d.get("cc") or []]
    boss, names = world.bosses(sender)[:1], []
    for address, p in world.people.items():
        if address == sender:
            continue
        tag = "TO" if address in to else "CC" if address in cc else "READER" if address in readers else "MYBOSS" if [address] == boss else "COLLEAGUE"
        parts = p["name"].split()
        if tag == "COLLEAGUE":
            parts = [x for x in parts if world.bearers[x] <= BEARERS and x.lower() not in ORDINARY]
        names += [(x, tag) for x in [p["name"], *(p.get("aliases") or []), *parts] if len(x) > 2]
    names.sort(key=lambda n: -len(n[0]))
    patterns = [(re.compile(rf"(?<![\w@.]){re.escape(name)}(?![\w@]|['\u2019]t\b)"), f"[{tag}]") for name, tag in names]

    def put(text):
        for pattern, role in patterns:
            text = pattern.sub(role, text)
        return re.sub(r"\[(\w+)\](?:\s+\[\1\])+", r"[\1]", text)
    return put


def from_message(d, world):
    facts, readers = facts_of(d, world)
    put = roles_for_names(d, world, readers)
    return {"facts": facts, "subject": d["subject"], "text": put(d["body"]), "hold": int(d["expect"] == "hold"),
            "evidence": [put(x) for x in d.get("evidence") or []], "acts": [[put(x), act] for x, act in d.get("acts") or []]}


# ---- audiences by name ----

ALONE = {"peer": "peer", "report": "my report", "boss": "my manager", "exec": "senior", "outsider": "outsider"}


def audience(name, r):
    """(to, cc, newly added) of an audience by name; @r: what was drawn for the pair."""
    k, other_boss, own_boss, top = r["k"], r["other_boss"], r["own_boss"], r["top"]
    if name in ALONE:
        return [ALONE[name]], [], []
    return {
        "peers": (["peer"] * (k + 1), [], []),
        "list": ([f"list of {r['list']}"], ["peer"] * (k == 4), []),
        "peer+peers": (["peer"], ["peer"] * k, []),
        "peer+hisboss": (["peer"], [other_boss] + ["peer"] * max(0, k - 2), [other_boss]),
        "peer+myboss": (["peer"], [own_boss] + ["peer"] * (k == 3), [own_boss]),
        "report+peers": (["my report"], [r["beside_report"]] * k, []),
        "boss+peers": (["my manager"], ["peer"] * k, []),
        "peers+exec": (["peer"] * k, [top], [top]),
        "outsider+peers": (["outsider"], ["peer"] * k, []),
        "outsider+boss": (["outsider"], [own_boss], [own_boss]),
        "newboss": (["peer"] * k, [own_boss if k % 2 else other_boss], [own_boss if k % 2 else other_boss]),
    }[name]


def drawn(pair):
    rng = random.Random(pair)
    return {"k": rng.randint(1, 4), "list": rng.choice([5, 7, 9, 12, 18, 26, 40, 60]), "thread": rng.random() < 0.4,
            "after": rng.choice(["minutes", "an hour", "hours", "hours", "days"]), "night": rng.random() < 0.1, "alone": rng.random() < 0.12,
            "other_boss": rng.choice(["addressee's manager"] * 2 + ["addressee's boss above"]), "own_boss": rng.choice(["my manager"] * 2 + ["my boss above"]),
            "top": rng.choice(["senior", "senior", "my boss above"]), "beside_report": rng.choice(["my report", "peer"])}


def from_audience(d):
    r = drawn(d["pair"])
    to, cc, new = audience(d["aud"], r)
    everybody = to + cc
    readers = sum(int(x.split()[-1]) if x.startswith("list") else 1 for x in everybody)
    facts = [f"to: {listed(to)}", f"cc: {listed(cc) if cc else 'none'}", f"readers: {counted(readers)}",
             f"outside: {share(everybody.count('outsider'), len(everybody))}"]
    thread = d.get("thread", r["thread"]) or d["aud"] == "newboss"
    if thread:
        facts.append(f"new on thread: {listed(new) if new else 'none'}")
    if readers > 1:
        a_list = to[0].startswith("list")
        told = d.get("alone", r["alone"] and not a_list and "not_prewired" not in d["rules"])
        facts.append(f"alone before with: {'nobody' if not told else 'peer' if a_list else to[0]}")
    if thread:
        facts += [f"reply after: {d.get('after', r['after'])}", f"answers: {'outsider' if to[0] == 'outsider' else 'colleague'}"]
    if r["night"]:
        facts.append("at night")
    return {"facts": "; ".join(facts), "subject": d.get("subject", ""), "text": d["text"], "hold": int(d["hold"]),
            "evidence": d.get("evidence") or [], "acts": d.get("acts") or []}


# ---- files ----

def read(path):
    beside = re.sub(r"\.jsonl$", ".worlds.json", path)
    worlds = {w["world"]: World(w) for w in json.load(open(beside, encoding="utf-8"))} if os.path.exists(beside) else None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        try:
            d = json.loads(line)
            made = from_message(d, worlds[d["world"]]) if worlds else from_audience(d)
        except (ValueError, KeyError) as e:
            sys.exit(f"{path}:{number}: not a case: {e!r}")
        yield {"id": d["id"], "pair": d["pair"], "rules": [int(rule in d["rules"]) for rule in RULES], **made}


def main():
    out, paths = sys.argv[1], sys.argv[2:]
    with open(out, "w", encoding="utf-8") as f:
        for path in paths:
            for d in read(path):
                f.write(json.dumps(d, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
