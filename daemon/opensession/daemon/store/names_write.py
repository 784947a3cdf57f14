"""The tables of `user.db` that hold what people call their sessions."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path

import apsw

from opensession.daemon.store.connect import Transaction
from opensession.daemon.store.names import Key, Names, SessionNames, folded
from opensession.daemon.store.sessions_write import ORIGIN


def load(db: apsw.Connection) -> Names:
    """Everything that there is."""
    tags: dict[int, list[str]] = {}
    for number, tag in db.execute("SELECT session, tag FROM session_tag ORDER BY tag"):
        tags.setdefault(int(str(number)), []).append(str(tag))
    sessions: dict[Key, SessionNames] = {}
    aliases: dict[str, Key] = {}
    for number, agent, native_id, alias, alias_key, note, starred_us, changed_us in db.execute(
        "SELECT id, agent, native_id, alias, alias_key, note, starred_us, changed_us"
        " FROM session_name WHERE origin = ?",
        (ORIGIN,),
    ):
        key = (agent, native_id)
        own = tuple(tags.get(number, ()))
        sessions[key] = SessionNames(alias, note, starred_us, own, changed_us)
        if alias_key is not None:
            aliases[alias_key] = key
    return Names(sessions, aliases)


def store(db: apsw.Connection, found: Sequence[tuple[Key, SessionNames]]) -> None:
    """Puts what sessions are called in the place of what they were called; all or nothing.

    Raises DiskFull.
    """
    now = time.time_ns() // 1000
    with Transaction(db, Path(db.filename)):
        for key, names in found:
            _delete(db, key)
            if not names.said:
                continue
            db.execute(
                "INSERT INTO session_name"
                " (origin, agent, native_id, alias, alias_key, note, starred_us, changed_us)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    ORIGIN,
                    *key,
                    names.alias,
                    folded(names.alias) or None,
                    names.note,
                    names.starred_us,
                    names.changed_us,
                ),
            )
            number = db.last_insert_rowid()
            db.executemany(
                "INSERT INTO session_tag (session, tag, made_us) VALUES (?, ?, ?)",
                [(number, tag, now) for tag in names.tags],
            )


def forget(db: apsw.Connection, keys: Collection[Key]) -> None:
    """Takes away what sessions are called; `open_user` has seen to it that what it was is
    overwritten. Raises DiskFull.
    """
    with Transaction(db, Path(db.filename)):
        for key in keys:
            _delete(db, key)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log has it still, else


def _delete(db: apsw.Connection, key: Key) -> None:
    own = "(SELECT id FROM session_name WHERE origin = ? AND agent = ? AND native_id = ?)"
    db.execute(f"DELETE FROM session_tag WHERE session IN {own}", (ORIGIN, *key))  # noqa: S608
    db.execute(f"DELETE FROM session_name WHERE id IN {own}", (ORIGIN, *key))  # noqa: S608
