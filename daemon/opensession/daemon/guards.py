"""What a person said of single sessions, kept in `user.db` so that it outlives a rebuilt index.

`#private` and `unforget`, `privacy allow`, and the pauses (see `pausing`). Sessions and sources are
named by hashes with the local key: who has the file but not the key learns neither ids nor paths.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

import apsw
import msgspec

from opensession.daemon.archive.space import DiskFull
from opensession.daemon.batch import PrivateLine
from opensession.daemon.naming import NameBook
from opensession.daemon.repositories import Repositories
from opensession.daemon.store import leaks_write
from opensession.daemon.store.connect import all_or_nothing, emptied
from opensession.daemon.user_data import UserData


class Tombstone(msgspec.Struct, frozen=True):
    """A session that is not taken in, unless `released`. `because` is the one that said so, itself
    or a parent; `alone` says that its source holds nothing else. Of a released one `counted_seq` is
    its last event when it was read again: what is said later counts again. Times in microseconds.
    """

    session: bytes
    source: bytes
    because: bytes
    alone: bool
    released_us: int | None = None
    counted_seq: int | None = None

    @property
    def released(self) -> bool:
        return self.released_us is not None


class Guards:
    """May be asked from any thread; what is changed is on the disk before a method returns.

    Methods that change something wait for `user.db`: they are not for the loop's thread.
    """

    def __init__(self, user: UserData, key: bytes) -> None:
        self._user = user
        self._key = hashlib.blake2b(key=key, person=b"guards").digest()
        self._tombstones = user.read(_tombstones)
        self._allowed = frozenset(user.read(_allowed))
        self.names = NameBook(user)
        self.repositories = Repositories(user)

    def session_hash(self, agent: str, native_id: str) -> bytes:
        """How a session is named here."""
        return self._hash(b"session", agent, native_id)

    def source_hash(self, agent: str, path: str) -> bytes:
        """How a source is named here; a compressed file is the one it was made of."""
        return self._hash(b"source", agent, path.removesuffix(".zst"))

    @property
    def knows_private(self) -> bool:
        """Whether any session was ever forgotten."""
        return bool(self._tombstones)

    def is_private(self, agent: str, native_id: str) -> bool:
        """Whether a session is not to be taken in."""
        found = self._tombstones.get(self.session_hash(agent, native_id))
        return found is not None and not found.released

    def counts(self, agent: str, line: PrivateLine) -> bool:
        """Whether a line `#private` makes its session private. Of one that `unforget` took in again
        the lines that were there then do not: a line counts that is later by its time, or comes
        after what was read then.
        """
        found = self._tombstones.get(self.session_hash(agent, line.session))
        if found is None or found.released_us is None:
            return True
        if found.counted_seq is not None and line.seq > found.counted_seq:
            return True
        return found.released_us < line.time_us <= time.time_ns() // 1000

    def is_uncounted(self, agent: str, native_id: str) -> bool:
        """Whether a session was taken in again and is still to be read for the first time."""
        found = self._tombstones.get(self.session_hash(agent, native_id))
        return found is not None and found.released and found.counted_seq is None

    @property
    def uncounted(self) -> bool:
        """Whether there is any such session."""
        return any(one.released and one.counted_seq is None for one in self._tombstones.values())

    def count(self, agent: str, native_id: str, last_seq: int) -> None:
        """A session that was taken in again has so many events now."""
        session = self.session_hash(agent, native_id)
        self._write(partial(_count, session=session, last_seq=last_seq))
        counted = msgspec.structs.replace(self._tombstones[session], counted_seq=last_seq)
        self._tombstones = {**self._tombstones, session: counted}

    def because_of(self, agent: str, native_id: str) -> bytes:
        """The session that made this one private."""
        found = self._tombstones.get(self.session_hash(agent, native_id))
        return found.because if found is not None else b""

    def is_unarchived(self, agent: str, path: str) -> bool:
        """Whether a source of several sessions is not archived, as one of them is private."""
        source = self.source_hash(agent, path)
        return any(
            one.source == source and not one.alone and not one.released
            for one in self._tombstones.values()
        )

    @property
    def private_sources(self) -> frozenset[bytes]:
        """The sources that hold a private session and nothing else."""
        return frozenset(
            one.source for one in self._tombstones.values() if one.alone and not one.released
        )

    @property
    def private_count(self) -> int:
        """How many sessions said `#private`, and are not taken in."""
        found = self._tombstones.values()
        return sum(one.session == one.because and not one.released for one in found)

    @property
    def forgotten(self) -> frozenset[bytes]:
        """The sessions that are not to be taken in, by their hashes."""
        return frozenset(one.session for one in self._tombstones.values() if not one.released)

    def forget(self, found: Sequence[Tombstone]) -> None:
        """Remembers that sessions are not to be taken in."""
        self._write(partial(_forget, found=found))
        self._tombstones = {**self._tombstones, **{one.session: one for one in found}}

    def release(self, session: bytes) -> list[Tombstone]:
        """Takes back that a session is private, and those that are because of it; gives them."""
        found = [
            one
            for one in self._tombstones.values()
            if session in (one.session, one.because) and not one.released
        ]
        now = time.time_ns() // 1000
        self._write(partial(_release, found=found, now_us=now))
        free = {one.session: msgspec.structs.replace(one, released_us=now) for one in found}
        self._tombstones = {**self._tombstones, **free}
        return found

    def forget_leaks(self, agent: str, native_id: str) -> None:
        """What is known of the secrets of a session is forgotten with it."""
        self._write(partial(leaks_write.forget, agent=agent, native_id=native_id))

    def erase(self) -> bool:
        """Overwrites what was deleted from `user.db`; False where somebody reads it."""
        return self._user.read(emptied)

    @property
    def allowed(self) -> frozenset[bytes]:
        """The sessions that may leave whatever they hold, by their hashes."""
        return self._allowed

    def allow(self, agent: str, native_id: str, *, undo: bool = False) -> bool:
        """A session may leave (`undo`: may not any more); reports whether that is new."""
        session = self.session_hash(agent, native_id)
        if (session in self._allowed) != undo:
            return False
        self._write(partial(_allow, session=session, undo=undo))
        self._allowed = self._allowed - {session} if undo else self._allowed | {session}
        return True

    def _write(self, work: Callable[[apsw.Connection], None]) -> None:
        """Does `work`; raises `DiskFull` where there is no room, with nothing changed."""
        try:
            self._user.read(work)
        except apsw.FullError as error:
            raise DiskFull("no room for what is to be remembered") from error

    def _hash(self, kind: bytes, agent: str, name: str) -> bytes:
        said = b"\0".join((kind, agent.encode(), name.encode("utf-8", "surrogateescape")))
        return hmac.digest(self._key, said, "sha256")


def may_leave(guards: Guards, agent: str, native_id: str, blocked: Collection[str]) -> str:
    """Why a session must not leave this machine; empty if it may.

    Everything that sends sessions anywhere asks this first. `blocked` are the sets with mode
    `block` of which it holds something (`store.marks.blocked`).
    """
    if guards.is_private(agent, native_id):
        return "it is private"
    if blocked and guards.session_hash(agent, native_id) in guards.allowed:
        return ""
    return blocked_reason(blocked)


def blocked_reason(blocked: Collection[str]) -> str:
    """The same where nobody could have allowed anything."""
    return f"it holds what is blocked: {', '.join(sorted(blocked))}" if blocked else ""


def _tombstones(db: apsw.Connection) -> dict[bytes, Tombstone]:
    rows = db.execute(
        "SELECT session, source, because, alone, released_us, counted_seq FROM tombstone"
    )
    return {
        session: Tombstone(session, source, because, bool(alone), released_us, counted_seq)
        for session, source, because, alone, released_us, counted_seq in rows
    }


def _allowed(db: apsw.Connection) -> list[bytes]:
    return [session for (session,) in db.execute("SELECT session FROM allowed")]


def _forget(db: apsw.Connection, found: Sequence[Tombstone]) -> None:
    now = time.time_ns() // 1000
    with all_or_nothing(db):
        db.executemany(
            "INSERT OR REPLACE INTO tombstone (session, source, because, alone, made_us)"
            " VALUES (?, ?, ?, ?, ?)",
            [(one.session, one.source, one.because, one.alone, now) for one in found],
        )


def _release(db: apsw.Connection, found: Sequence[Tombstone], now_us: int) -> None:
    with all_or_nothing(db):
        db.executemany(
            "UPDATE tombstone SET released_us = ?, counted_seq = NULL WHERE session = ?",
            [(now_us, one.session) for one in found],
        )


def _count(db: apsw.Connection, session: bytes, last_seq: int) -> None:
    db.execute("UPDATE tombstone SET counted_seq = ? WHERE session = ?", (last_seq, session))


def _allow(db: apsw.Connection, session: bytes, undo: bool) -> None:
    if undo:
        db.execute("DELETE FROM allowed WHERE session = ?", (session,))
    else:
        now = time.time_ns() // 1000
        db.execute("INSERT OR IGNORE INTO allowed (session, made_us) VALUES (?, ?)", (session, now))
