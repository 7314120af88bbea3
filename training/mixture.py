"""What one epoch is trained on. Cases come in pairs that differ in little; harmless mail is mixed in. Chance falls anew in every epoch:

- harmless mail borrows the audience, thread and time of cases, so that the facts alone say nothing;
- some pairs stand inside a longer harmless mail, the same for both, so that one sentence must weigh in a long text;
- thread facts are dropped from some pairs, since many gateways do not know them."""
import json
import random
import re
from collections import defaultdict

THREAD_FACTS = re.compile(r"; (new on thread|reply after|answers): [^;]*")


def read(paths):
    return [json.loads(line) for path in paths for line in open(path, encoding="utf-8")]


def by_pair(cases):
    pairs = defaultdict(list)
    for d in cases:
        pairs[d["pair"]].append(d)
    return list(pairs.values())


def words(d):
    return len(d["text"].split())


def drop_thread(pair):
    return [dict(d, facts=THREAD_FACTS.sub("", d["facts"])) for d in pair]


def dilute(pair, around, rng):
    """Stands the pair into the text of a harmless mail, before or behind it."""
    front = rng.random() < 0.6
    return [dict(d, text=f"{around}\n\n{d['text']}" if front else f"{d['text']}\n\n{around}") for d in pair]


def in_turn(items, count, epoch):
    """@count of @items at most: through the epochs all of them come, in an order of chance, before any comes again."""
    order = random.Random(0).sample(items, len(items))
    return [order[(epoch * count + i) % len(items)] for i in range(min(count, len(items)))]


class Mixture:
    """@cases, @always: labelled, in pairs; an epoch takes @share of the first and @always_share of the second, and @each_epoch of
    @harmless: mail of which hardly any deserves a hold ("w" its weight, "hard" what an earlier judge suspected)."""

    def __init__(self, cases, always, harmless, each_epoch, share=1.0, always_share=1.0):
        self.labelled = [(by_pair(cases), share), (by_pair(always), always_share)]
        self.harmless, self.each_epoch = harmless, each_epoch
        self.donors = [d["facts"] for d in cases + always for _ in range(3 if d["hold"] else 1)]
        self.fillers = [d["text"] for d in harmless if 25 <= words(d) <= 130]

    def pair(self, pair, rng):
        if len(pair) == 2 and not any(d["rules"][7] for d in pair) and rng.random() < 0.25:
            pair = drop_thread(pair)
        if self.fillers and max(map(words, pair)) < 110 and rng.random() < 0.3:
            pair = dilute(pair, rng.choice(self.fillers), rng)
        return pair

    def mail(self, d, rng):
        d = dict(d, hold=0, w=d.get("w", 0.6))
        if rng.random() < 0.45:
            d["facts"] = rng.choice(self.donors)
        elif rng.random() < 0.7:
            d["facts"] = d["facts"].replace("; at night", "")
        return [d]

    def epoch(self, epoch, rng):
        hard = [d for d in self.harmless if d.get("hard")]
        rest = [d for d in self.harmless if not d.get("hard")]
        drawn = in_turn(hard, int(0.4 * self.each_epoch), epoch)
        drawn += in_turn(rest, self.each_epoch - len(drawn), epoch)
        pairs = [p for labelled, share in self.labelled for p in in_turn(labelled, round(share * len(labelled)), epoch)]
        return [self.pair(p, rng) for p in pairs] + [self.mail(d, rng) for d in drawn]
