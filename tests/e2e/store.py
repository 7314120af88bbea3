"""forbear's store, read by SQLite's own hand: what a story cannot see from outside."""
import os
import re
import sqlite3
from pathlib import Path

from e2e.places import SOURCE

DIR = Path("/var/lib/forbear")
STATES = re.findall(r"^STATE\((\w+)", (SOURCE / "lib/hold/states.def").read_text(), re.M)


def _rows(sql, *values, name="forbear.db"):
    try:
        db = sqlite3.connect(f"file:{DIR}/{name}?mode=ro", uri=True, timeout=5)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()
    except sqlite3.Error:
        return []


def state(queue_id):
    """The newest hold's state, or None where there is no row."""
    rows = _rows("SELECT state FROM hold WHERE queue_id = ? ORDER BY created_s DESC, rowid DESC", queue_id)
    return STATES[rows[0][0]] if rows else None


def column(queue_id, name):
    rows = _rows(f"SELECT {name} FROM hold WHERE queue_id = ?", queue_id)
    return rows[0][0] if rows else None


def steps(queue_id):
    """What happened, oldest first: (was, became, who, why)."""
    return _rows("SELECT was, became, who, why FROM event JOIN hold ON hold.id = event.hold WHERE queue_id = ? ORDER BY seq", queue_id)


def states():
    """state -> how many holds are in it."""
    return {STATES[number]: n for number, n in _rows("SELECT state, count(*) FROM hold GROUP BY state")}


def count(name):
    """A counter, over all days."""
    return _rows("SELECT coalesce(sum(n), 0) FROM count WHERE name = ?", name)[0][0] if _rows("SELECT 1 FROM count") else 0


def post(queue_id, kind, action=0, message_id="", box=b""):
    """Writes a letter to the keeper about that hold, by its owner, as the milter does (kinds: fb_post_kind)."""
    db = sqlite3.connect(DIR / "forbear.db", timeout=5, isolation_level=None)
    try:
        db.execute("INSERT INTO post (kind, at_s, hold, action, message_id, owner, box)"
                   " SELECT ?, unixepoch(), id, ?, ?, ifnull(owner, x''), ? FROM hold WHERE queue_id = ?", (kind, action, message_id, box, queue_id))
    finally:
        db.close()
    os.utime(DIR / "markers")


def posts():
    """How many letters the keeper has not done with."""
    return _rows("SELECT count(*) FROM post")[0][0]


def remembered():
    """How many mails the history has seen."""
    rows = _rows("SELECT count(*) FROM mail WHERE sent_s IS NOT NULL", name="history.db")
    return rows[0][0] if rows else 0


def files():
    """The bytes of everything that forbear keeps."""
    return {str(path.relative_to(DIR)): path.read_bytes() for path in DIR.rglob("*") if path.is_file()}


def markers():
    return {path.name for path in (DIR / "markers").glob("*")}
