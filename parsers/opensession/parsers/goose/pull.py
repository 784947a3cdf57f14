"""Which rows of Goose's database changed, as lines: what `feed` makes events of.

~/.local/share/goose/sessions/sessions.db, schemas 1 (October 2025) to 16 (August 2026): which
columns there are is probed. Goose appends messages, and sets `updated_at` of their session; of a
conversation that it compacts, edits or retries it deletes the messages from some point on, or all,
and inserts others with new ids. So of a session that changed, the rows that were told are counted:
if they are not all there, it is read again from its beginning (`whole`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from opensession.parsers.agent import SLICE_BYTES, SourceRefused
from opensession.parsers.databases import Allowed, Database
from opensession.parsers.rows import Pulled, Replaced, Slice, texts

RECENT = 32
"""So many sessions that changed last are read on; any other that changes is read whole again."""

_BATCH = 64
_SESSION = (
    "id name description user_set_name session_type working_dir created_at updated_at input_tokens"
    " output_tokens accumulated_input_tokens accumulated_output_tokens"
    " accumulated_cache_read_tokens accumulated_cache_write_tokens accumulated_cost schedule_id"
    " provider_name model_config_json parent_session_id"
)
_MESSAGE = "id message_id session_id role created_timestamp metadata_json content_json"
_LEDGER = (
    "id session_id created_timestamp model input_tokens output_tokens cache_read_tokens"
    " cache_write_tokens cost cost_source is_compaction"
)

ALLOWED: Allowed = {
    "sessions": frozenset(_SESSION.split()),
    "messages": frozenset(_MESSAGE.split()),
    "usage_ledger": frozenset(_LEDGER.split()),
    "sqlite_sequence": None,
}
_REQUIRED = {
    "sessions": ("id", "updated_at"),
    "messages": ("id", "session_id", "role", "content_json", "created_timestamp"),
}


class Known(msgspec.Struct, array_like=True):
    """What was told of a session: its first and last message, how many, its last ledger row, and
    its own row as a hash.
    """

    first: int = 0
    last: int = 0
    count: int = 0
    ledger: int = 0
    row: int = 0
    done: bool = False


class Mark(msgspec.Struct, array_like=True):
    """How far all was told: sessions up to (`updated`, `session`), messages and ledger rows by id.

    `recent` are the sessions that changed last, the newest at the end; `feed` keeps the same ones.
    """

    updated: str = ""
    session: str = ""
    messages: int = 0
    ledger: int = 0
    recent: dict[str, Known] = {}


def touch(recent: dict[str, Any], session: str, value: Any) -> None:
    """Makes a session the newest of the recent ones; the oldest of too many is forgotten."""
    recent.pop(session, None)
    recent[session] = value
    if len(recent) > RECENT:
        del recent[next(iter(recent))]


def present(database: Database, mark: bytes) -> list[str] | None:
    """The sessions that are there."""
    return texts(database, "SELECT count(id), group_concat(id, char(10)) FROM sessions")


def pull(database: Database, mark: bytes, *, limit: int = SLICE_BYTES) -> Pulled:
    """The `Pull` of Goose's database."""
    return _Pulling(database, mark, limit).pulled()


class _Pulling:
    """One pull. Its steps stop where the slice is full; the mark then says where to go on."""

    def __init__(self, database: Database, mark: bytes, limit: int) -> None:
        self._database = database
        self._slice = Slice(limit)
        self._done: set[str] = set()
        self._columns = {
            table: [name for name in names.split() if name in found]
            for table, names in (
                ("sessions", _SESSION),
                ("messages", _MESSAGE),
                ("usage_ledger", _LEDGER),
            )
            if (found := database.columns(table))
        }
        self._ledgers: dict[str, list[dict[str, Any]]] = {}
        ledger = self._columns.get("usage_ledger", [])
        self._has_ledger = "id" in ledger and "session_id" in ledger
        for table, names in _REQUIRED.items():
            for name in names:
                if name not in self._columns.get(table, ()):
                    raise SourceRefused(f"not the expected database: no column {table}.{name}")
        if mark:
            self._mark = msgspec.msgpack.decode(mark, type=Mark)
            self._require_same()
        else:
            self._mark = Mark(messages=self._last("messages"), ledger=self._last("usage_ledger"))

    def pulled(self) -> Pulled:
        finished = self._updated() and self._touched_again() and self._by_rows()
        return self._slice.pulled(msgspec.msgpack.encode(self._mark), more=not finished)

    def _require_same(self) -> None:
        """Ids only grow in one database: fewer of them were given in one that was made anew."""
        if not self._database.columns("sqlite_sequence"):
            return
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'messages'"
        given = max(
            (seq for (seq,) in self._database.rows(query) if isinstance(seq, int)), default=0
        )
        if given < self._mark.messages:
            raise Replaced

    def _last(self, table: str) -> int:
        if table == "usage_ledger" and not self._has_ledger:
            return 0
        return self._int(f"SELECT coalesce(max(id), 0) FROM {table}")  # noqa: S608

    def _updated(self) -> bool:
        """Sessions that were updated since, the oldest update first; False if the slice is full."""
        mark = self._mark
        while True:
            place = (mark.updated, mark.session)
            batch = self._sessions(
                "(updated_at, id) > (?, ?) ORDER BY updated_at, id LIMIT ?", (*place, _BATCH)
            )
            self._look_up_ledger([str(row.get("id", "")) for row in batch])
            for row in batch:
                session = str(row.get("id", ""))
                if not self._session(session, row):
                    return False
                mark.updated, mark.session = str(row.get("updated_at", "")), session
            if len(batch) < _BATCH or (mark.updated, mark.session) == place:
                return True

    def _touched_again(self) -> bool:
        """Sessions told before that changed once more within the same second."""
        known = list(self._mark.recent)
        marks = ", ".join("?" * len(known))
        again = self._sessions(f"id IN ({marks}) AND updated_at >= ?", (*known, self._mark.updated))
        return all(self._session(str(row.get("id", "")), row) for row in again)

    def _by_rows(self) -> bool:
        """Sessions with new messages or ledger rows whose own row does not tell of them."""
        mark = self._mark
        for table in ("messages", "usage_ledger"):
            if table == "usage_ledger" and not self._has_ledger:
                continue
            last = mark.messages if table == "messages" else mark.ledger
            query = (
                f"SELECT session_id, max(id) FROM {table} WHERE id > ?"  # noqa: S608
                " GROUP BY session_id ORDER BY max(id)"
            )
            for session, newest in list(self._database.rows(query, (last,))):
                rows = self._sessions("id = ?", (session,))
                row = rows[0] if rows else {"id": session}
                if not self._session(str(session), row):
                    return False
                if not isinstance(newest, int):
                    raise SourceRefused(f"not the expected database: {table}.id is no number")
                if table == "messages":
                    mark.messages = newest
                else:
                    mark.ledger = newest
        return True

    def _session(self, session: str, row: dict[str, Any]) -> bool:
        """Tells what is new of one session; False if the slice is full before its end."""
        if not session or session in self._done:
            return True
        self._done.add(session)
        known = self._mark.recent.get(session)
        whole = known is None or not self._still_there(session, known)
        if known is None or whole:
            known = Known()
        digest = hash_of(row)
        news = self._messages(session, known.last)
        first = next(news, None)
        ledger = self._ledger(session, known.ledger)
        if not whole and first is None and not ledger and digest == known.row and known.done:
            return True
        touch(self._mark.recent, session, known)
        known.row, known.done = digest, False
        self._slice.add({"table": "sessions", "session": session, "whole": whole, **row})
        while first is not None:
            known.first = known.first or first["id"]
            known.last, known.count = first["id"], known.count + 1
            if not self._slice.add({"table": "messages", "session": session, **first}):
                return False
            first = next(news, None)
        for each in ledger:
            known.ledger = each["id"]
            if not self._slice.add({"table": "usage_ledger", "session": session, **each}):
                return False
        known.done = True
        return self._slice.add({"table": "end", "session": session})

    def _still_there(self, session: str, known: Known) -> bool:
        query = "SELECT min(id), count(*) FROM messages WHERE session_id = ? AND id <= ?"
        found = next(self._database.rows(query, (session, known.last)))
        return found == (known.first or None, known.count)

    def _sessions(self, where: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        return list(self._rows("sessions", where, parameters))

    def _messages(self, session: str, after: int) -> Iterator[dict[str, Any]]:
        return self._rows("messages", "session_id = ? AND id > ? ORDER BY id", (session, after))

    def _ledger(self, session: str, after: int) -> list[dict[str, Any]]:
        if session in self._ledgers:
            return [row for row in self._ledgers[session] if row["id"] > after]
        if not self._has_ledger:
            return []
        found = self._rows(
            "usage_ledger", "session_id = ? AND id > ? ORDER BY id", (session, after)
        )
        return list(found)

    def _look_up_ledger(self, sessions: list[str]) -> None:
        """The ledger rows of several sessions at once: Goose has no index for those of one."""
        self._ledgers = {session: [] for session in sessions}
        if not self._has_ledger or not sessions:
            return
        marks = ", ".join("?" * len(sessions))
        where = f"session_id IN ({marks}) ORDER BY id"
        owners = self._database.rows(
            f"SELECT session_id FROM usage_ledger WHERE {where}",  # noqa: S608
            sessions,
        )
        for (owner,), row in zip(
            list(owners), self._rows("usage_ledger", where, sessions), strict=True
        ):
            self._ledgers[str(owner)].append(row)

    def _rows(self, table: str, where: str, parameters: Sequence[Any]) -> Iterator[dict[str, Any]]:
        names = self._columns[table]
        query = f"SELECT {', '.join(names)} FROM {table} WHERE {where}"  # noqa: S608
        for values in self._database.rows(query, parameters):
            if table != "sessions" and not isinstance(values[0], int):
                raise SourceRefused(f"not the expected database: {table}.id is no number")
            yield {
                name: value
                for name, value in zip(names, values, strict=True)
                if value is not None and name != "session_id"
            }

    def _int(self, query: str) -> int:
        value = next(self._database.rows(query))[0]
        return value if isinstance(value, int) else 0


def hash_of(row: dict[str, Any]) -> int:
    """A number that tells two versions of a row apart."""
    return zlib.crc32(msgspec.json.encode(row))
