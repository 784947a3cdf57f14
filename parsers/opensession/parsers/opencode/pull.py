"""Taking what changed from a database: OpenCode's own log of changes, and rows where it has none.

    opencode.db   event     every change with the whole new message or part; only added to
                  session, message, part     as they are now (`older`)

A session is read from `event` if its creation stands there: older ones, and those that were
imported, are not or not wholly in it.

The order of rowids is that in which sessions changed. When the newest session is deleted, so are
its events, and their rowids are given to others. Therefore the mark names rows by id too, and of
each session the last event; where something does not fit, the log is gone through from the latest
row that does, and each session goes on after its last event.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.parsers.agent import SLICE_BYTES
from opensession.parsers.databases import Allowed, Database
from opensession.parsers.decoding import decode_any
from opensession.parsers.opencode import older
from opensession.parsers.opencode.lines import verbatim
from opensession.parsers.opencode.memory import is_id, touch
from opensession.parsers.opencode.queries import SESSION_COLUMNS
from opensession.parsers.opencode.values import obj, words
from opensession.parsers.rows import Pulled, Slice, texts

ALLOWED: Allowed = {
    "event": frozenset(("id", "aggregate_id", "seq", "type", "data")),
    "session": frozenset(SESSION_COLUMNS),
    "message": frozenset(("id", "session_id", "time_created", "time_updated", "data")),
    "part": frozenset(("id", "message_id", "session_id", "time_created", "time_updated", "data")),
}

LARGE_CHARACTERS = 16 << 10
"""Beyond this, what later events repeat is left out of an event."""

ANCHORS = 24
_ANEW_BYTES = SLICE_BYTES * 4
"""About how much of one session is taken at once when it begins anew."""


class Mark(msgspec.Struct, array_like=True):
    """Where a pull stopped.

    `anchors` are rowids and ids of events, the last one taken at the end. `sessions` are those that
    the feed remembers, in the same order, each with the `seq` of its last event (-1: of rows).
    """

    anchors: list[tuple[int, str]] = []
    sessions: dict[str, int] = {}
    rows: older.Mark = msgspec.field(default_factory=older.Mark)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Mark)


def present(database: Database, mark: bytes) -> list[str] | None:
    """The sessions that are there: rows and events of one that was deleted go with its own row."""
    return texts(database, "SELECT count(id), group_concat(id, char(10)) FROM session")


def pull(database: Database, mark: bytes) -> Pulled:
    """The pull of `rows.read_rows`."""
    return pull_slice(database, mark, Slice())


def pull_slice(database: Database, mark: bytes, taken: Slice) -> Pulled:
    """The same up to a size of its own."""
    now = _decoder.decode(mark) if mark else Mark()
    logged = _Logged(database)
    more = older.pull_rows(database, now.rows, now.sessions, taken, logged.is_whole)
    if not more and logged.exists:
        more = _pull_events(database, now, taken, logged)
    return taken.pulled(_encoder.encode(now), more=more)


class _Logged:
    """Which sessions have their whole history in `event`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, bool] = {}
        self.exists = bool(database.columns("event"))

    def is_whole(self, session: str) -> bool:
        if not self.exists:
            return False
        known = self._known.get(session)
        if known is None:
            created = self._database.rows(
                "SELECT 1 FROM event WHERE aggregate_id = ? AND type >= 'session.created'"
                " AND type < 'session.createe' LIMIT 1",
                (session,),
            )
            known = self._known[session] = next(created, None) is not None
        return known


def _pull_events(database: Database, now: Mark, taken: Slice, logged: _Logged) -> bool:
    """Takes events; whether there are more."""
    last = (_start(database, now), "")
    query = (
        "SELECT rowid, id, aggregate_id, seq, type, data FROM event WHERE rowid > ? ORDER BY rowid"
    )
    full = taken.full
    for rowid, event_id, session, seq, kind, data in database.rows(query, (last[0],)):
        if full:
            _anchor(now, last)
            return True
        known = is_id(session) and isinstance(seq, int) and logged.is_whole(session)
        if known and not _take(database, now, taken, (session, seq, kind, data)):
            _anchor(now, last)
            return True
        last = rowid, str(event_id)
        full = taken.full
    _anchor(now, last)
    return False


def _take(database: Database, now: Mark, taken: Slice, row: tuple[str, int, Any, Any]) -> bool:
    """Takes an event, after those of its session that are missing before it.

    False where there is room only for some of these.
    """
    session, seq, kind, data = row
    before = now.sessions.get(session, -1)
    if seq <= before:
        return True
    if seq > before + 1:
        taken_bytes = 0
        missing = database.rows(
            "SELECT seq, type, data FROM event"
            " WHERE aggregate_id = ? AND seq > ? AND seq < ? ORDER BY seq",
            (session, before, seq),
        )
        for number, its_kind, its_data in missing:
            if taken_bytes >= _ANEW_BYTES:
                return False
            taken_bytes += _add(now, taken, session, number, its_kind, its_data)
    _add(now, taken, session, seq, kind, data)
    return True


def _add(now: Mark, taken: Slice, session: str, seq: int, kind: Any, data: Any) -> int:
    shown = {"table": "event", "session": session, "seq": seq, "type": kind, "data": _lean(data)}
    taken.add(shown)
    touch(now.sessions, session, seq)
    return len(data) if isinstance(data, str) else 0


def _lean(data: Any) -> Any:
    """The data of an event, without what is repeated by later ones where it is large.

    The output of a running command is written again with every line of it, and the changes of a
    turn with every step.
    """
    if not isinstance(data, str):
        return None
    if len(data) <= LARGE_CHARACTERS:
        return verbatim(data)
    repeats = '"status":"running"' in data or '"diffs"' in data
    try:
        value = obj(decode_any(data)) if repeats else {}
    except ValueError:
        return data
    state = obj(obj(value.get("part")).get("state"))
    if words(state, "status") == "running":
        metadata = obj(state.get("metadata"))
        state["metadata"] = {key: metadata[key] for key in ("sessionId",) if key in metadata}
        return value
    summary = obj(obj(value.get("info")).get("summary"))
    if isinstance(summary.get("diffs"), list):
        for change in summary["diffs"]:
            for key in ("patch", "before", "after"):
                obj(change).pop(key, None)
        return value
    return verbatim(data)


def _start(database: Database, now: Mark) -> int:
    """The rowid of the latest event taken that is still there; 0 if none is."""
    while now.anchors:
        rowid, event_id = now.anchors[-1]
        found = database.rows("SELECT id FROM event WHERE rowid = ?", (rowid,))
        if next(found, None) == (event_id,):
            return rowid
        now.anchors.pop()
    return 0


def _anchor(now: Mark, last: tuple[int, str]) -> None:
    """Notes where the pull stopped; of older notes every second one goes when there are many."""
    rowid, event_id = last
    if not event_id:
        return
    now.anchors.append((rowid, event_id))
    if len(now.anchors) > ANCHORS:
        del now.anchors[: ANCHORS // 2 : 2]
