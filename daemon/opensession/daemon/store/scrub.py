"""Taking a value out of the index, where an older rule left it: rows, search, free pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from opensession.core import search_text
from opensession.core.hail import Event, SessionInfo
from opensession.daemon.archive import DamagedArchive, file_for
from opensession.daemon.archive.scrubbing import scrub as scrub_archive
from opensession.daemon.masking import Needles
from opensession.daemon.store import body, sources
from opensession.daemon.store.connect import Transaction
from opensession.daemon.store.events_write import MAX_SEQ, SEQ_BITS, key, unsettle
from opensession.daemon.store.sessions_write import ORIGIN, set_title
from opensession.daemon.store.writer import Writer

T = TypeVar("T")

_CANDIDATES = 100_000
_BLOCK = 8 << 20

TURN_ROWS = 200
TURN_PAGES = 200
"""So much is done in one turn of the writer: others do not wait for the whole."""

_TOKEN = re.compile(rb"[0-9A-Za-z]{12,}")


class Value:
    """A value as it was found, and what takes its place in the index. Raises ValueError for one
    that is too short.
    """

    def __init__(self, found: Sequence[str], shown: str) -> None:
        self.found = tuple(found)
        self.needles = Needles(found)
        self.shown = shown


class Scrubbed(msgspec.Struct, frozen=True):
    """What was changed in the index; `left` says that its file still holds bytes of the value."""

    events: int
    titles: int
    left: bool


def scrub_source(writer: Writer, source_id: int, value: Value) -> int:
    """Overwrites the value in a source's archive; how often it stood there.

    Raises `DamagedArchive` for a file that is not whole, `DiskFull`, OSError.
    """
    row = sources.load(writer.db, source_id)
    if row is None:
        return 0
    path = file_for(writer.archive_dir, row.agent, row.path)
    try:
        done = scrub_archive(path, row.source, value.needles)
    except FileNotFoundError:
        return 0
    if done is None:
        return 0
    with Transaction(writer.db, writer.index):
        sources.record_archived(writer.db, source_id, done.archived)
    return done.occurrences


Run = Callable[[Callable[[Writer], T]], T]
"""Does something in the writer's thread, between other work, and gives its result."""


def scrub_index(run: Run[Any], keys: Sequence[tuple[str, str]], value: Value) -> Scrubbed:
    """Replaces the value in the events of these sessions, and wherever the search finds it, then
    removes what deleted rows left in the file. Takes many short turns of the writer.
    """
    found: set[int] = run(lambda writer: set(_found_by_search(writer.db, value)))
    sessions: set[int] = run(lambda writer: set(_sessions(writer.db, keys)))
    for session in sessions:
        found.update(run(partial(_rows, session=session)))
    sessions |= {row >> SEQ_BITS for row in found}
    rows = sorted(found)
    events = titles = 0
    for start in range(0, len(rows), TURN_ROWS):
        turn = rows[start : start + TURN_ROWS]
        events += run(partial(_scrub_turn, items=turn, scrub=_scrub_event, value=value))
    for session in sorted(sessions):
        titles += run(partial(_scrub_turn, items=[session], scrub=_scrub_session, value=value))
    index: Path = run(lambda writer: writer.index)
    if events or titles or _holds(index, value):
        merging = run(partial(_merge, pages=-TURN_PAGES))
        while merging:
            merging = run(partial(_merge, pages=TURN_PAGES))
        run(Writer.checkpoint)
    left = _holds(index, value)
    for last in (_erase, _vacuum):
        if left:
            run(last)
            left = _holds(index, value)
    return Scrubbed(events, titles, left)


def _rows(writer: Writer, session: int) -> list[int]:
    return _rows_of(writer.db, session)


def _scrub_turn(
    writer: Writer,
    items: Sequence[int],
    scrub: Callable[[apsw.Connection, int, Value], bool],
    value: Value,
) -> int:
    with _secure(writer.db), Transaction(writer.db, writer.index):
        return sum(scrub(writer.db, item, value) for item in items)


def _merge(writer: Writer, pages: int) -> bool:
    """Merges a part of the search index, which forgets deleted words; False when that is done."""
    db = writer.db
    with _secure(db):
        before = db.total_changes()
        db.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
        return db.total_changes() - before >= 2


@contextmanager
def _secure(db: apsw.Connection) -> Iterator[None]:
    db.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        db.execute("PRAGMA secure_delete = FAST")


def _vacuum(writer: Writer) -> None:
    writer.db.execute("VACUUM")
    writer.checkpoint()


def holds(path: Path, value: Value) -> bool:
    """Reports whether a file has the value's bytes, in any form in which it is looked for."""
    try:
        with path.open("rb") as file:
            return bool(value.needles.spans_of(iter(lambda: file.read(_BLOCK), b"")))
    except OSError:
        return False


def _erase(writer: Writer) -> None:
    """Has the search index forget deleted words, and the journal what it replaced."""
    db = writer.db
    with _secure(db):
        before = db.execute("SELECT v FROM search_config WHERE k = 'secure-delete'").get
        db.execute("INSERT INTO search (search, rank) VALUES ('secure-delete', 1)")
        db.execute("INSERT INTO search (search) VALUES ('optimize')")
        db.execute("INSERT INTO search (search, rank) VALUES ('secure-delete', ?)", (before or 0,))
    writer.checkpoint()


def _holds(index: Path, value: Value) -> bool:
    """Reports whether the index's files hold the value, or words of it as the search has them."""
    pieces: set[bytes] = set()
    for form in value.found:
        data = form.encode("utf-8", "surrogatepass")
        pieces.add(data)
        # The search writes words in lower case, without what they begin with in common.
        pieces |= {word.lower()[len(word) // 2 :] for word in _TOKEN.findall(data)}
    pattern = re.compile(b"|".join(re.escape(piece) for piece in pieces))
    longest = max(map(len, pieces))
    for path in (index, index.with_name(index.name + "-wal")):
        try:
            with path.open("rb") as file:
                tail = b""
                while block := file.read(_BLOCK):
                    if pattern.search(tail + block):
                        return True
                    tail = block[-longest:]
        except FileNotFoundError:
            continue
    return False


def _sessions(db: apsw.Connection, keys: Iterable[tuple[str, str]]) -> Iterable[int]:
    for agent, native_id in keys:
        found = db.execute(
            "SELECT id FROM session WHERE origin = ? AND agent = ? AND native_id = ?",
            (ORIGIN, agent, native_id),
        ).get
        if found is not None:
            yield int(found)


def _rows_of(db: apsw.Connection, session: int) -> list[int]:
    span = (key(session, 1), key(session, MAX_SEQ))
    return [row for (row,) in db.execute("SELECT id FROM event WHERE id BETWEEN ? AND ?", span)]


def _found_by_search(db: apsw.Connection, value: Value) -> Iterable[int]:
    """Rows that have the words of the value one after the other; seq 0 is a title."""
    for form in value.found:
        phrase, _ = search_text.phrase(form[:1000])
        if not phrase.strip():
            continue
        rows = db.execute(
            "SELECT rowid FROM search WHERE search MATCH ? LIMIT ?",
            ('text : "' + phrase.replace("\0", " ").replace('"', '""') + '"', _CANDIDATES),
        )
        yield from [row for (row,) in rows]


def _scrub_event(db: apsw.Connection, row: int, value: Value) -> bool:
    stored = db.execute(
        "SELECT event_id, time_us, type, task, body FROM event WHERE id = ?", (row,)
    ).fetchone()
    if stored is None:
        return False
    event = body.decode(*stored)
    changed: Event = msgspec.structs.replace(
        event,
        data=_replaced(event.data, value),
        blocks=_replaced(event.blocks, value),
        attributes=_replaced(event.attributes, value),
    )
    if changed == event:
        return False
    db.execute("UPDATE event SET body = ? WHERE id = ?", (body.encode(changed), row))
    unsettle(db, row >> SEQ_BITS)
    db.execute("DELETE FROM search WHERE rowid = ?", (row,))
    searched = search_text.fts_text(search_text.search_text(changed))
    if searched:
        db.execute(
            "INSERT INTO search (rowid, text, parts) VALUES (?, ?, ?)",
            (row, searched, search_text.identifier_parts(searched)),
        )
    return True


def _scrub_session(db: apsw.Connection, session: int, value: Value) -> bool:
    stored = db.execute(
        "SELECT title, description, info FROM session WHERE id = ?", (session,)
    ).fetchone()
    if stored is None:
        return False
    title, description = (_replaced(each, value) for each in stored[:2])
    info = msgspec.msgpack.decode(stored[2], type=SessionInfo)
    clean = msgspec.structs.replace(
        info,
        title=_replaced(info.title, value),
        first_prompt=_replaced(info.first_prompt, value),
        attributes=_replaced(info.attributes, value),
    )
    if (title, description, clean) == (stored[0], stored[1], info):
        return False
    db.execute(
        "UPDATE session SET title = ?, description = ?, info = ? WHERE id = ?",
        (title, description, msgspec.msgpack.encode(clean), session),
    )
    if title != stored[0]:
        set_title(db, session, title)
    return True


def _replaced(root: Any, value: Value) -> Any:
    """A JSON value with the value replaced in every text, names of members included."""
    if isinstance(root, str):
        for form in value.needles.forms:
            root = root.replace(form, value.shown)
        return root
    if isinstance(root, dict):
        return {_replaced(name, value): _replaced(inner, value) for name, inner in root.items()}
    if isinstance(root, list):
        return [_replaced(inner, value) for inner in root]
    return root


__all__ = ["DamagedArchive", "Scrubbed", "Value", "holds", "scrub_index", "scrub_source"]
