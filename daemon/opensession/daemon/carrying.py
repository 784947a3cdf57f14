"""Sessions that an index which was put aside has and the next one lacks, since neither archive nor
source could give them again: finding them, and taking their rows over.

    archive off, file deleted              the index was all there was of them
    archive damaged, file deleted          what is left of them is less than the index had
    archive off, deleted from a database   the index was all there was, and the database goes on

Of a source that is gone its own row is taken over too, so that cursor and events fit; it counts as
not archived, since the archive has less. A session is stored in one transaction, stripped by the
rules of now before: a crash leaves none half done, and the next start goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec

from opensession.core import search_text
from opensession.daemon.dispatch import DAMAGED
from opensession.daemon.store import body, events_write, restrip, sessions_write
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import Transaction, open_index, open_reader
from opensession.daemon.store.leaks_write import Leaks, noted_more
from opensession.daemon.store.restrip import Prepared
from opensession.daemon.store.sources import AWAY
from opensession.daemon.store.writer import Writer
from opensession.parsers.agent import Source


class Session(msgspec.Struct, frozen=True):
    """A session as an index has it; `number` is its row's. One of no source has an empty path."""

    number: int
    agent: str
    native_id: str
    parent: str
    count: int
    folders: tuple[str, str]
    source: Source

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.agent, self.native_id


class Lost(msgspec.Struct, frozen=True):
    """A session that is to be taken over; with `whole` the row of its source is, too."""

    session: Session
    whole: bool


class Survey(msgspec.Struct, frozen=True):
    """`lost` can be taken over, newest first. So many are `left`: their source is there, or their
    bytes are, and it is for those to give them.
    """

    lost: list[Lost]
    left: int


class Asked(msgspec.Struct, frozen=True):
    """What no index tells of a source: whether it `exists`, and whether it `keeps` sessions that it
    does not mention any more, as databases do.
    """

    exists: Callable[[Source], bool]
    keeps: Callable[[Source], bool]


class Carried(msgspec.Struct, frozen=True):
    """The rows of a session, by their columns, and of its source where that is taken over."""

    lost: Lost
    session: dict[str, Any]
    source: dict[str, Any]
    events: list[tuple[Any, ...]]
    search: list[tuple[int, str, str]]
    touches: list[tuple[Any, ...]]
    usage: list[dict[str, Any]]


class _Place(msgspec.Struct, frozen=True):
    """What the new index knows of a source."""

    state: str
    error: str
    archived_len: int
    missing_bytes: int


_SESSIONS = """
SELECT s.id, s.agent, s.native_id, s.parent, s.event_count, s.cwd, s.last_cwd,
  coalesce(o.root, ''), coalesce(o.path, '')
FROM {0}.session s LEFT JOIN {0}.source o ON o.id = s.source"""
_LACKING = """
LEFT JOIN next.session n ON (n.origin, n.agent, n.native_id) = (s.origin, s.agent, s.native_id)
WHERE n.id IS NULL OR n.event_count < s.event_count ORDER BY s.updated_us DESC"""
_OF_SOURCE = " WHERE o.agent = ? AND o.path = ?"
_PRESENT = "SELECT 1 FROM next.session WHERE origin = 'local' AND agent = ? AND native_id = ?"

_BARE = {
    "state": "gone",
    "retries": 0,
    "generation": 1,
    "archived_len": 0,
    "archive_size": 0,
    "archive_frames": 0,
    "archive_gap": 0,
}


def survey(aside: Path, index: Path, asked: Asked) -> Survey:
    """What an index that was put aside has and `index`, which is complete, lacks. A session that
    has fewer events there lacks them only where its source has not given all of them.

    Raises apsw.Error or CorruptDatabase.
    """
    db = open_reader(aside)
    try:
        db.execute("ATTACH ? AS next", (f"{index.absolute().as_uri()}?mode=ro",))
        places: dict[tuple[str, str], list[Session]] = {}
        for each in _sessions(db, "main", _LACKING):
            places.setdefault((each.agent, each.source.path), []).append(each)
        lost: list[Lost] = []
        left = 0
        for place, lacking in places.items():
            absent = [each for each in lacking if db.execute(_PRESENT, each.key).get is None]
            found = _lost(db, place, lacking, absent, asked)
            lost += found
            left += len({each.key for each in absent} - {each.session.key for each in found})
        return Survey(lost, left)
    finally:
        db.close()


def _lost(
    db: apsw.Connection,
    place: tuple[str, str],
    lacking: list[Session],
    absent: list[Session],
    asked: Asked,
) -> list[Lost]:
    """Those sessions of one source that nothing else can give again."""
    held = {each.key: each.count for each in _sessions(db, "next", _OF_SOURCE, place)}
    shorter = [each for each in lacking if each.key in held]
    known = _known(db, place)
    source = lacking[0].source
    if not (absent or shorter) or not source.path or (known and known.state == "refused"):
        return []
    if asked.exists(source):
        database = known is not None and known.archived_len == 0 and asked.keeps(source)
        return [Lost(each, whole=False) for each in absent] if database else []
    if known is not None and known.state == "error" and known.error != DAMAGED:
        return [Lost(each, whole=False) for each in absent]  # a newer parser may do better
    if known is not None and known.archived_len and not known.missing_bytes:
        return []
    before = {each.key: each.count for each in _sessions(db, "main", _OF_SOURCE, place)}
    if any(count > before.get(key, -1) for key, count in held.items()):
        return []  # neither index has all of it
    return [Lost(each, whole=True) for each in (*absent, *shorter)]


def _known(db: apsw.Connection, place: tuple[str, str]) -> _Place | None:
    row = db.execute(
        "SELECT state, error, archived_len, missing_bytes FROM next.source"
        " WHERE agent = ? AND path = ?",
        place,
    ).get
    return None if row is None else _Place(*row)


def taken(
    aside: Path, lost: Lost, prepared: Prepared, rules: str, leaks: Leaks | None
) -> Carried | None:
    """A session of an index that was put aside, stripped by the rules of now (`rules` tells which);
    None if it is not in it any more. Raises what `open_index` raises.
    """
    db = open_index(aside)
    try:
        session = sessions_write.load(db, lost.session.number)
        if session is None or (session.agent, session.native_id) != lost.session.key:
            return None
        one = restrip.of_session(db, session, prepared)
        with Transaction(db, aside):
            restrip.store(db, [one])
        if leaks is not None and one.prepared.secrets:
            secrets = one.prepared.secrets
            leaks.record([noted_more(session.agent, session.native_id, secrets, dict(one.rows))])
        return _rows(db, lost, rules)
    finally:
        db.close()


def store(
    writer: Writer, one: Carried, is_forgotten: Callable[[str, str], bool]
) -> tuple[bool, list[Change]]:
    """Stores a session that was taken over, in the writer's thread, unless the index has as much of
    it by now; whether it did, and what that changed.
    """
    db = writer.db
    agent, native_id = one.lost.session.key
    with Transaction(db, writer.index):
        there = sessions_write.find(db, agent, native_id)
        if is_forgotten(agent, native_id):
            return False, []
        if there is not None:
            if there.event_count >= one.session["event_count"]:
                return False, []
            sessions_write.delete(db, there)
        source = _source(db, one)
        if source is None:
            return False, []
        number = _insert(db, "session", {**one.session, "source": source})
        base = events_write.key(number, 0)
        db.executemany(
            "INSERT INTO event (id, event_id, time_us, type, flags, task, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(base + seq, *rest) for seq, *rest in one.events],
        )
        db.executemany(
            "INSERT INTO search (rowid, text, parts) VALUES (?, ?, ?)",
            [(base + seq, text, parts) for seq, text, parts in one.search],
        )
        db.executemany(
            "INSERT INTO file_touch (session, seq, path, kind, time_us) VALUES (?, ?, ?, ?, ?)",
            [(number, *touch) for touch in one.touches],
        )
        for used in one.usage:
            _insert(db, "usage", {**used, "session": number})
        sessions_write.set_title(db, number, one.session["title"])
        events_write.unsettle(db, number)
    change = Change(
        session=number,
        native_id=native_id,
        agent=agent,
        short=one.session["short"],
        title=one.session["title"],
        first_seq=1,
        last_seq=one.session["event_count"],
        rewound=there is not None,
        new=there is None,
    )
    return True, [change]


def _sessions(
    db: apsw.Connection, schema: str, condition: str, values: tuple[str, ...] = ()
) -> list[Session]:
    return [
        Session(number, agent, name, parent, count, (cwd, last_cwd), Source(agent, root, path))
        for number, agent, name, parent, count, cwd, last_cwd, root, path in db.execute(
            _SESSIONS.format(schema) + condition, values
        )
    ]


def _rows(db: apsw.Connection, lost: Lost, rules: str) -> Carried:
    number = lost.session.number
    (session,) = _all(db, "session", "id = ?", number)
    (source,) = _all(db, "source", "id = (SELECT source FROM session WHERE id = ?)", number)
    for name in ("id", "source", "reread", "settled_us"):
        del session[name]
    if not lost.whole:
        session["absent"] = 1
    events: list[tuple[Any, ...]] = db.execute(
        "SELECT id & 0xFFFFFF, event_id, time_us, type, flags, task, body FROM event"
        " WHERE id BETWEEN ? AND ? ORDER BY id",
        (events_write.key(number, 1), events_write.key(number, events_write.MAX_SEQ)),
    ).fetchall()
    search = []
    for seq, event_id, time_us, code, _, task, content in events:
        event = body.decode(event_id, time_us, code, task, content)
        text = search_text.fts_text(search_text.search_text(event))
        if text:
            search.append((seq, text, search_text.identifier_parts(text)))
    touches = db.execute(
        "SELECT seq, path, kind, time_us FROM file_touch WHERE session = ?", (number,)
    ).fetchall()
    usage = _all(db, "usage", "session = ?", number)
    del source["id"]
    # What was not known to be deleted may be on a disk that is not mounted.
    deleted = source["state"] == "gone" and source["error"] != AWAY
    source = {**source, **_BARE, "error": "" if deleted else AWAY, "rules": rules}
    return Carried(lost, session, source, events, search, touches, usage)


def _source(db: apsw.Connection, one: Carried) -> int | None:
    """The row of a session's source, taken over where it is to be; None if there is none."""
    values = one.source
    place = (values["agent"], values["path"])
    found = db.execute(
        "SELECT id, missing_bytes FROM source WHERE agent = ? AND path = ?", place
    ).get
    if not one.lost.whole:
        return None if found is None else int(found[0])
    if found is None:
        return _insert(db, "source", values)
    values = {**values, "missing_bytes": max(int(found[1]), values["missing_bytes"])}
    columns = ", ".join(f"{name} = ?" for name in values)
    db.execute(
        f"UPDATE source SET {columns} WHERE id = ?",  # noqa: S608 - names of our own
        (*values.values(), found[0]),
    )
    return int(found[0])


def _insert(db: apsw.Connection, table: str, values: dict[str, Any]) -> int:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    query = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own
    db.execute(query, tuple(values.values()))
    return db.last_insert_rowid()


def _all(db: apsw.Connection, table: str, where: str, value: int) -> list[dict[str, Any]]:
    names = [str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")]
    query = f"SELECT {', '.join(names)} FROM {table} WHERE {where}"  # noqa: S608 - our own
    return [dict(zip(names, row, strict=True)) for row in db.execute(query, (value,))]
