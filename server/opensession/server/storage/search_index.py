"""What bodies say, to be found: `search.db`, made from them and made again when it is lost.

A thread follows the changes of `hub.db`; what it did is marked in the same transaction. A row is
some consecutive events of a session, with the key `session << 24 | seq of the first`; seq 0 is the
title.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import apsw

from opensession.core.search_text import fts_text, identifier_parts, search_text
from opensession.server.events import decode_event
from opensession.server.storage.bodies import Bodies, Reading
from opensession.server.storage.connect import DATABASE, open_reader
from opensession.server.storage.interface import Place
from opensession.server.storage.search_words import expressions

NAME = "search.db"
_VERSION = 1
_SEQ_BITS = 24
_ROW_CHARS = 32 << 10
_ROW_EVENTS = 64
_READ_BYTES = 4 << 20
_SESSIONS = 200
_GATHER_SECONDS = 0.2
_COMMIT_SECONDS = 1.0
ERASE_SECONDS = 600.0
"""At most so often the words of what was deleted are taken out of the files."""

log = logging.getLogger(__name__)


class SearchIndex:
    """The index and the thread that keeps it. `find` may be called from any thread."""

    def __init__(self, data: Path, bodies: Bodies, erase_seconds: float = ERASE_SECONDS) -> None:
        self._data = data
        self._bodies = bodies
        self._db = _opened(data / NAME)
        self._hub = open_reader(data / DATABASE)
        self._wake = threading.Event()
        self._moved = threading.Condition()
        self._ending = False
        self._deleted = True  # what the last run did not come to
        self._erase_seconds = erase_seconds
        self._erased = time.monotonic()
        self._done = _mark(self._db)
        self._thread = threading.Thread(target=self._run, name="hub-search")
        self._thread.start()

    def poke(self) -> None:
        """Something changed."""
        self._wake.set()

    def close(self) -> None:
        """Ends the thread; what it did not come to is done at the next start."""
        self._ending = True
        self._wake.set()
        self._thread.join()
        self._db.close()
        self._hub.close()

    def catch_up(self, change: int, seconds: float = 60.0, *, erased: bool = False) -> bool:
        """Waits until the changes up to a number can be found, and with `erased` until no word of
        what was deleted is in the files any more; False if that takes longer.
        """
        self.poke()
        with self._moved:
            return self._moved.wait_for(
                lambda: self._done >= change and not (erased and self._deleted), seconds
            )

    def find(self, text: str) -> list[int]:
        """The numbers of the sessions that hold all words of a text; phrases stand in quotes."""
        db = apsw.Connection(str(self._data / NAME), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            db.set_busy_timeout(5000)
            wanted = expressions(text, db)
            found: set[int] | None = None
            for expression in wanted:
                rows = db.execute(
                    f"SELECT DISTINCT rowid >> {_SEQ_BITS} FROM search WHERE search MATCH ?",  # noqa: S608
                    (expression,),
                )
                these = {int(str(row[0])) for row in rows}
                found = these if found is None else found & these
                if not found:
                    break
            return sorted(found or ())
        finally:
            db.close()

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait(self._erase_seconds if self._deleted else None)
            self._wake.clear()
            try:
                while not self._ending and self._step():
                    pass
            except Exception as error:
                log.error("the search index fell behind: %s", type(error).__name__)
            self._erase()
            # Changes come in crowds: a moment later there is more to do at once.
            if not self._ending:
                threading.Event().wait(_GATHER_SECONDS)

    def _step(self) -> bool:
        """Some more sessions; False when there are none."""
        rows = self._hub.execute(
            "SELECT id, change, body, seq, title, description, repository, native_id FROM session"
            " WHERE change > ? ORDER BY change LIMIT ?",
            (self._done, _SESSIONS),
        ).fetchall()
        if not rows:
            return False
        last = self._done
        with _transaction(self._db):
            begin = time.monotonic()
            for row in rows:
                number, change, body, seq, *about = cast("tuple[int, int, str, int, str]", row)
                self._session(number, body, seq, "\n".join(about) if body else "")
                last = change
                if self._ending or time.monotonic() - begin > _COMMIT_SECONDS:
                    break
            self._db.execute("UPDATE mark SET change = ?", (last,))
        with self._moved:
            self._done = last
            self._moved.notify_all()
        return True

    def _session(self, number: int, body: str, seq: int, about: str) -> None:
        db = self._db
        known = db.execute(
            "SELECT body, seq, about FROM held WHERE session = ?", (number,)
        ).fetchone()
        had, done, said = known or ("", 0, "")
        if had != body:
            first = number << _SEQ_BITS
            db.execute(
                "DELETE FROM search WHERE rowid BETWEEN ? AND ?",
                (first + 1, first + (1 << _SEQ_BITS) - 1),
            )
            done = 0
        if said != about:
            db.execute("DELETE FROM search WHERE rowid = ?", (number << _SEQ_BITS,))
            if about:
                self._insert(number << _SEQ_BITS, about)
        if body and seq > done:
            with contextlib.suppress(FileNotFoundError):  # it changed again: that comes later
                for first, text in _texts(self._bodies, body, done + 1, seq):
                    self._insert(number << _SEQ_BITS | first, text)
        if body:
            db.execute(
                "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)", (number, body, seq, about)
            )
        else:
            db.execute("DELETE FROM held WHERE session = ?", (number,))
            self._deleted = True

    def _erase(self) -> None:
        """Takes the words of what was deleted out of the files: FTS5 leaves them until then."""
        now = time.monotonic()
        if self._ending or not self._deleted or now - self._erased < self._erase_seconds:
            return
        self._erased = now
        with _transaction(self._db):
            self._db.execute("INSERT INTO search (search) VALUES ('optimize')")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with self._moved:
            self._deleted = False
            self._moved.notify_all()

    def _insert(self, key: int, text: str) -> None:
        searched = fts_text(text)
        self._db.execute(
            "INSERT OR REPLACE INTO search (rowid, text, parts) VALUES (?, ?, ?)",
            (key, searched, identifier_parts(searched)),
        )


def _texts(bodies: Bodies, body: str, first: int, last: int) -> Iterator[tuple[int, str]]:
    """The searchable text of events, some at a time, each with the seq of its first event."""
    with Reading(bodies, body, last) as reading:
        places = reading.places(first)
        begin = first
        held: list[str] = []
        size = 0
        data, base = b"", 0
        for number, place in enumerate(places):
            if not held:
                begin = place.seq
            if place.end > base + len(data):
                base = place.start
                data = reading.read(base, _until(places, number))
            event = decode_event(data[place.start - base : place.end - base - 1])
            text = search_text(event)
            held.append(text)
            size += len(text)
            if size >= _ROW_CHARS or len(held) >= _ROW_EVENTS:
                yield begin, "\n".join(held)
                held, size = [], 0
        if held:
            yield begin, "\n".join(held)


def _until(places: Sequence[Place], number: int) -> int:
    """Where to read to from a place on: some events, and at least the one."""
    start, end = places[number].start, places[number].end
    while number + 1 < len(places) and places[number + 1].end - start <= _READ_BYTES:
        number += 1
        end = places[number].end
    return end


def _opened(path: Path) -> apsw.Connection:
    """The database, made anew where it is damaged or of another version."""
    for attempt in (1, 2):
        db = apsw.Connection(str(path))
        try:
            db.set_busy_timeout(5000)
            path.chmod(0o600)
            db.execute(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192;"
                "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON"
            ).fetchall()  # one that answers stops there until it is asked for the rest
            version = db.execute("PRAGMA user_version").get
            if version == 0:
                with _transaction(db):
                    db.execute(_SCHEMA)
            elif version != _VERSION:
                raise apsw.CorruptError("another version")
            return db
        except (apsw.CorruptError, apsw.NotADBError):
            db.close()
            if attempt == 2:
                raise
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
    raise AssertionError("unreachable")


_SCHEMA = """
CREATE VIRTUAL TABLE search USING fts5 (
  text, parts, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);
CREATE TABLE held (
  session INTEGER PRIMARY KEY,
  body TEXT NOT NULL,
  seq INTEGER NOT NULL,
  about TEXT NOT NULL
) STRICT;
CREATE TABLE mark (change INTEGER NOT NULL) STRICT;
INSERT INTO mark VALUES (0);
PRAGMA user_version = 1;
"""


def _mark(db: apsw.Connection) -> int:
    return int(str(db.execute("SELECT change FROM mark").get))


@contextlib.contextmanager
def _transaction(db: apsw.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
