"""Which conversations of an editor's database changed, found without looking at the others.

The tables' keys are `UNIQUE ON CONFLICT REPLACE`: a row that is inserted again has a new number,
above all others. It is not known that Cursor never updates rows in place, which keeps the number;
there the rows of the latest conversations and the table of heads tell.
"""

from __future__ import annotations

from opensession.parsers.cursor import marks
from opensession.parsers.cursor.marks import Mark, hash_of
from opensession.parsers.databases import Database
from opensession.parsers.rows import Replaced

STAMP = (
    "octet_length(value) || ':' || CASE WHEN typeof(value) = 'text' AND"
    " instr(value, '\"lastUpdatedAt\":') > 0 THEN"
    " substr(value, instr(value, '\"lastUpdatedAt\":') + 16, 26) ELSE '' END"
)
"""Of a conversation's row, what differs when it was written again."""

_STAMP_OF = f"SELECT rowid, {STAMP} FROM cursorDiskKV WHERE key = ?"  # noqa: S608
_NEWEST = "SELECT rowid, key FROM cursorDiskKV ORDER BY rowid DESC LIMIT 9"
_AFTER = "SELECT rowid, key FROM cursorDiskKV WHERE rowid > ? ORDER BY rowid LIMIT ?"

_KEYS_AT_ONCE = 20_000
_WATCHED = 8
"""How many of the latest conversations are looked at by themselves."""

_DAY_MS = 86_400_000


def begin(database: Database, mark: Mark, *, heads: bool) -> None:
    """Notes up to where the first pass sees all rows, whatever is written meanwhile.

    `heads` says that there is a table of heads.
    """
    for row, key in reversed(list(database.rows(_NEWEST))):
        marks.check(mark, row, str(key))
    if not mark.checkpoints:
        mark.checkpoints.append((0, 0))
    if heads:
        for (updated,) in database.rows("SELECT max(lastUpdatedAt) FROM composerHeaders"):
            mark.latest = updated if isinstance(updated, int) else 0


def look(database: Database, mark: Mark, *, heads: bool) -> bool:
    """Notes the conversations that changed since the last look; True if there may be more.

    Raises `Replaced` where nothing is left of what was seen.
    """
    last = _seen(database, mark)
    if last is None:
        if mark.settled and not any(_stamp(database, name) for name in mark.settled):
            raise Replaced
        # None of the rows that were seen has its number: the file was compacted. What was
        # updated since is told again.
        mark.scan, mark.scanned = "", False
        mark.since = max(1, mark.updated - _DAY_MS)
        mark.checkpoints = []
        return True
    seen, row, key = 0, 0, ""
    for row, key in database.rows(_AFTER, (last, _KEYS_AT_ONCE)):
        seen += 1
        kind, _, rest = str(key).partition(":")
        name, _, bubble = rest.partition(":")
        if kind in ("composerData", "bubbleId", "codeBlockDiff") and name:
            marks.changed(mark, name, bubble if kind == "bubbleId" else "")
        if seen == _KEYS_AT_ONCE or len(mark.pending) >= marks.PENDING:
            marks.check(mark, row, str(key))
            return True
    if seen:
        marks.check(mark, row, str(key))
    _look_in_place(database, mark, heads=heads)
    return False


def _seen(database: Database, mark: Mark) -> int | None:
    """Up to which row all were seen: the last such that its number was not given again."""
    while mark.checkpoints:
        row, key_hash = mark.checkpoints[-1]
        if row == 0:
            return 0
        found = list(database.rows("SELECT key FROM cursorDiskKV WHERE rowid = ?", (row,)))
        if found and hash_of(str(found[0][0])) == key_hash:
            return row
        if not found and any(True for _ in database.rows(_AFTER, (row, 1))):
            return row  # written again, as rows are; had it been deleted, its number would be used
        mark.checkpoints.pop()
    return None


def _look_in_place(database: Database, mark: Mark, *, heads: bool) -> None:
    """Notes conversations whose rows were updated in place, as far as that is told."""
    for name in list(mark.settled)[-_WATCHED:]:
        known = mark.settled[name]
        if _stamp(database, name) not in (None, (known.row, known.stamp)):
            marks.changed(mark, name)
    if not heads:
        return
    for name, updated in database.rows(
        "SELECT composerId, lastUpdatedAt FROM composerHeaders"
        " WHERE lastUpdatedAt > ? ORDER BY lastUpdatedAt LIMIT ?",
        (mark.latest, marks.PENDING),
    ):
        if isinstance(name, str) and isinstance(updated, int):
            marks.changed(mark, name)
            mark.latest = updated


def _stamp(database: Database, name: str) -> tuple[int, str] | None:
    """The number and the stamp of a conversation's row; None if it is not there."""
    for row, stamp in database.rows(_STAMP_OF, (f"composerData:{name}",)):
        return row, stamp or ""
    return None
