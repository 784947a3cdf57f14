"""Writing what is known of secrets into `user.db`: which there are, and which events hold them.

What is recorded of a stretch of events replaces what was recorded of it before, so reading the same
events again changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

import apsw
import msgspec

from opensession.daemon.archive.space import DiskFull
from opensession.daemon.batch import PreparedSession, Row, Secret
from opensession.daemon.findings import TAG_BYTES, surer
from opensession.daemon.scrubbed import Scrubbed
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import all_or_nothing
from opensession.daemon.store.sessions_write import ORIGIN
from opensession.daemon.user_data import UserData

_log = logging.getLogger(__name__)

TITLE = "Title"
"""The type of what stands at seq 0."""


class Seen(msgspec.Struct, frozen=True):
    """A secret in an event of a type, at a time."""

    secret: Secret
    type: str
    time_us: int


class Noted(msgspec.Struct, frozen=True):
    """The secrets in events `first` to `last` of a session. With `ends` nothing comes after them;
    with `title` the title was looked at as well.
    """

    agent: str
    native_id: str
    first: int
    last: int
    seen: list[Seen]
    ends: bool = False
    title: bool = True


class Leaks(Protocol):
    """Where the writer tells of secrets."""

    def holds(self, agent: str, native_id: str) -> bool:
        """Reports whether secrets of a session are recorded, or were."""
        ...

    def record(self, noted: Sequence[Noted]) -> None:
        """Records them; returns when they are on the disk. Raises `DiskFull`."""
        ...

    def scrubbed(self) -> tuple[Scrubbed, ...]:
        """The secrets that are archived no more."""
        ...


class LeakBook:
    """The secrets in `user.db`, told by the writer's thread."""

    def __init__(self, user: UserData) -> None:
        self._user = user
        self._known = user.read(_sessions)

    def holds(self, agent: str, native_id: str) -> bool:
        return (agent, native_id) in self._known

    def scrubbed(self) -> tuple[Scrubbed, ...]:
        return self._user.read(_scrubbed)

    def record(self, noted: Sequence[Noted]) -> None:
        """As `Leaks` says. What `user.db` does not take for another reason is logged and left out:
        it is found again when the index is made anew.
        """
        try:
            self._user.read(partial(record, noted=noted))
        except apsw.FullError as error:
            raise DiskFull("no room for user.db") from error
        except apsw.Error as error:
            _log.error("secrets of %d sessions were not noted: %s", len(noted), type(error))
        self._known |= {(each.agent, each.native_id) for each in noted if each.seen}


def noted_of(
    leaks: Leaks, agent: str, native_id: str, prepared: PreparedSession, change: Change | None
) -> list[Noted]:
    """What a session of a batch says of secrets; mostly nothing, at the cost of a look-up."""
    if not prepared.secrets and not leaks.holds(agent, native_id):
        return []
    if prepared.secondary and change is None:
        return []  # another source tells of this session
    first, last = prepared.keep + 1, prepared.keep + len(prepared.rows)
    seen = []
    for secret in prepared.secrets:
        if secret.seq:
            row = prepared.rows[secret.seq - first]
            seen.append(Seen(secret, row.type, row.time_us))
        else:
            seen.append(Seen(secret, TITLE, prepared.tally.last_us))
    rewound = change is not None and change.rewound
    return [Noted(agent, native_id, first, last, seen, ends=rewound)]


def noted_more(
    agent: str, native_id: str, secrets: Sequence[Secret], rows: Mapping[int, Row]
) -> Noted:
    """Secrets that other rules found in stored events, beside those that are known of them."""
    seen = [
        Seen(secret, rows[secret.seq].type, rows[secret.seq].time_us)
        for secret in secrets
        if secret.seq in rows
    ]
    return Noted(agent, native_id, 1, 0, seen, title=False)


def noted_of_end(leaks: Leaks, changes: Sequence[Change]) -> list[Noted]:
    """What the end of a read says: events that are no more."""
    return [
        Noted(each.agent, each.native_id, each.last_seq + 1, each.last_seq, [], True, each.gone)
        for each in changes
        if each.rewound and leaks.holds(each.agent, each.native_id)
    ]


def record(db: apsw.Connection, noted: Sequence[Noted]) -> None:
    """Records secrets in one transaction."""
    with all_or_nothing(db):
        for each in noted:
            _record(db, each)


def forget(db: apsw.Connection, agent: str, native_id: str) -> None:
    """Takes a forgotten session away, and the secrets that were nowhere else."""
    with all_or_nothing(db):
        session = _session(db, agent, native_id)
        if session is None:
            return
        leaks = [
            leak
            for (leak,) in db.execute(
                "SELECT DISTINCT leak FROM leak_event WHERE session = ?", (session,)
            )
        ]
        db.execute("DELETE FROM leak_event WHERE session = ?", (session,))
        db.execute("DELETE FROM leak_session WHERE id = ?", (session,))
        db.executemany(
            "DELETE FROM leak WHERE id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM leak_event WHERE leak = ?1)",
            [(leak,) for leak in leaks],
        )


def resolve(db: apsw.Connection, leaks: Sequence[int], *, undo: bool) -> None:
    """Marks secrets as resolved, or no longer."""
    now = None if undo else time.time_ns() // 1000
    with all_or_nothing(db):
        db.executemany(
            "UPDATE leak SET resolved_us = ? WHERE id = ?", [(now, leak) for leak in leaks]
        )


def mark_scrubbed(
    db: apsw.Connection, leak: int, *, length: int = 0, signs: str = "", undo: bool = False
) -> None:
    """Records that a secret is archived no more, and its form (see `scrubbed`); with `undo` that it
    is after all.
    """
    now = None if undo else time.time_ns() // 1000
    db.execute(
        "UPDATE leak SET scrubbed_us = ?, form_length = ?, form_signs = ? WHERE id = ?",
        (now, length, signs, leak),
    )


def mark_altered(db: apsw.Connection, sessions: Sequence[tuple[str, str]]) -> None:
    """Records that bytes of these sessions were overwritten in the archive."""
    now = time.time_ns() // 1000
    with all_or_nothing(db):
        db.executemany(
            "INSERT INTO leak_session (origin, agent, native_id, altered_us) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET altered_us = excluded.altered_us",
            [(ORIGIN, agent, native_id, now) for agent, native_id in sessions],
        )


def _record(db: apsw.Connection, noted: Noted) -> None:
    session = _session(db, noted.agent, noted.native_id)
    if session is None:
        if not noted.seen:
            return
        db.execute(
            "INSERT INTO leak_session (origin, agent, native_id) VALUES (?, ?, ?)",
            (ORIGIN, noted.agent, noted.native_id),
        )
        session = db.last_insert_rowid()
    last = 1 << 24 if noted.ends else noted.last
    db.execute(
        "DELETE FROM leak_event WHERE session = ? AND seq BETWEEN ? AND ?",
        (session, noted.first, last),
    )
    if noted.title:
        db.execute("DELETE FROM leak_event WHERE session = ? AND seq = 0", (session,))
    for seen in noted.seen:
        secret = seen.secret
        db.execute(
            "INSERT OR REPLACE INTO leak_event (leak, session, seq, type, call_seq, count)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (_leak(db, seen), session, secret.seq, seen.type, secret.call_seq, secret.count),
        )


def _leak(db: apsw.Connection, seen: Seen) -> int:
    """The row of a secret, made or widened to the time of this event. Of one that was cut up only
    the beginning of its fingerprint may be known.
    """
    secret = seen.secret
    found = db.execute(
        "SELECT id, kind, kind_set, confidence, fingerprint FROM leak WHERE fingerprint = ?1"
        " OR substr(fingerprint, 1, ?2) = substr(?1, 1, ?2)"
        " AND ?2 IN (length(fingerprint), length(?1)) ORDER BY fingerprint <> ?1",
        (secret.fingerprint, TAG_BYTES),
    ).fetchone()
    if found is None:
        db.execute(
            "INSERT INTO leak (fingerprint, kind, kind_set, confidence, first_seen_us,"
            " last_seen_us) VALUES (?, ?, ?, ?, ?, ?)",
            (
                secret.fingerprint,
                secret.kind,
                secret.set,
                secret.confidence,
                seen.time_us,
                seen.time_us,
            ),
        )
        return db.last_insert_rowid()
    leak, kind, kind_set, confidence, fingerprint = found
    if surer(secret.confidence, str(confidence)):
        kind, kind_set, confidence = secret.kind, secret.set, secret.confidence
    db.execute(
        "UPDATE leak SET fingerprint = ?, kind = ?, kind_set = ?, confidence = ?,"
        " first_seen_us = min(first_seen_us, ?), last_seen_us = max(last_seen_us, ?) WHERE id = ?",
        (
            max(bytes(fingerprint), secret.fingerprint, key=len),
            kind,
            kind_set,
            confidence,
            seen.time_us,
            seen.time_us,
            leak,
        ),
    )
    return int(leak)


def _session(db: apsw.Connection, agent: str, native_id: str) -> int | None:
    found = db.execute(
        "SELECT id FROM leak_session WHERE origin = ? AND agent = ? AND native_id = ?",
        (ORIGIN, agent, native_id),
    ).get
    return int(found) if found is not None else None


def _scrubbed(db: apsw.Connection) -> tuple[Scrubbed, ...]:
    rows = db.execute(
        "SELECT fingerprint, kind, form_length, form_signs FROM leak"
        " WHERE scrubbed_us IS NOT NULL ORDER BY 1"
    )
    return tuple(Scrubbed(bytes(mark), kind, length, signs) for mark, kind, length, signs in rows)


def _sessions(db: apsw.Connection) -> set[tuple[str, str]]:
    rows = db.execute("SELECT agent, native_id FROM leak_session WHERE origin = ?", (ORIGIN,))
    return {(str(agent), str(native_id)) for agent, native_id in rows}
