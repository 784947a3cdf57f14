"""Taking a batch in: the files first, then the row, in the thread of the one writer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import apsw
import msgspec

from opensession.core.hub import Have, chain_start, hub_session_key
from opensession.server.storage import columns
from opensession.server.storage.bodies import Bodies, Reading, Writing, name_of
from opensession.server.storage.columns import Before
from opensession.server.storage.deciding import Decision, Sent, decide, have_of
from opensession.server.storage.interface import Batch, ChangeKind, Event, Key, Stored
from opensession.server.storage.prefix import INLINE, NeedsPrefix, Prefix
from opensession.server.tally import Tally

_KNOWN = frozenset(columns.STATE)


class Taking:
    """The change that a batch makes. `number` gives the next change's number."""

    def __init__(
        self,
        bodies: Bodies,
        batch: Batch,
        *,
        default_plugin: str,
        prefix: Prefix | None,
        number: Callable[[], int],
        tell: Callable[[Event], None],
    ) -> None:
        key = batch.key
        self.lane: Hashable = key
        self._bodies = bodies
        self._batch = batch
        self._default_plugin = default_plugin
        self._prefix = prefix
        self._number = number
        self._tell = tell
        self._session_key = hub_session_key(key.owner, key.device, key.agent, key.id)
        self._before: Before | None = None
        self._decision = Decision("nothing", 0, 0)
        self._base = Tally()
        self._body = ""
        self._size = 0
        self._writing: Writing | None = None
        self._event: Event | None = None

    def stage(self, db: apsw.Connection) -> Sequence[int]:
        """Decides, and writes the lines. Raises Refusal, or NeedsPrefix."""
        try:
            return self._stage(db)
        except BaseException:
            if self._body and self._before_body != self._body:
                self._bodies.unlink(self._body)  # the disk may be full
            raise

    def _stage(self, db: apsw.Connection) -> Sequence[int]:
        batch = self._batch
        before = self._before = _before(db, batch.key)
        sent = Sent(
            batch.generation,
            batch.rewind,
            batch.first,
            batch.chain,
            batch.hashes,
            chain_start(self._session_key, batch.generation),
        )
        with contextlib.ExitStack() as opened:
            readings: list[Reading] = []

            def reading() -> Reading:
                assert before is not None  # noqa: S101 - what is asked for is there
                if not readings:
                    readings.append(Reading(self._bodies, before.body, before.seq))
                    opened.callback(readings[0].close)
                return readings[0]

            state = before.state(_now_us()) if before else None
            decision = decide(state, sent, lambda seq: reading().chain_at(seq))
            self._decision = decision
            if decision.kind == "nothing":
                return ()
            if decision.kind == "append":
                assert before is not None  # noqa: S101 - else it were to be made
                self._body = before.body
                self._base = columns.tally_of(before)
                self._writing = Writing(self._bodies, self._body, before.seq, before.bytes)
            else:
                name = name_of(self._session_key, batch.generation, batch.rewind)
                known = self._kept(before, decision, reading)
                self._body = name
                if known is not None and known.copy:
                    size = reading().end_of(decision.keep)
                    self._bodies.rename(known.copy, name)
                    self._writing = Writing(self._bodies, name, decision.keep, size, new=True)
                else:
                    self._writing = Writing(self._bodies, name, 0, 0)
                    if decision.keep:
                        self._writing.copy(reading(), decision.keep)
        skip = decision.skip
        times = [one.time_us for one in batch.facts[skip:]]
        self._writing.append(batch.lines, batch.ends, batch.hashes[skip:], times)
        self._size = self._writing.size
        return self._writing.descriptors()

    def apply(self, db: apsw.Connection) -> Stored:
        """Writes the row, if anything of it changes."""
        before = self._before
        values = columns.changed(
            self._batch,
            None if self._decision.kind == "create" else before,
            columns.Change(self._decision, self._base, self._body, self._size),
            self._default_plugin,
        )
        if not values:
            assert before is not None  # noqa: S101 - a new session always changes something
            return _stored(before, created=False, kind=None)
        kind = self._kind()
        number = self._number()
        values |= {"change": number, "change_kind": kind, "received_us": _now_us()}
        if kind == "created":
            values |= {"created_change": number, "uploaded_us": values["received_us"]}
        after = _write(db, before, self._batch.key, values)
        self._event = Event(
            number=number,
            key=self._batch.key,
            kind=kind,
            generation=after.generation,
            seq=after.seq,
        )
        return _stored(after, created=kind == "created", kind=kind)

    def done(self, committed: bool) -> None:
        """Removes the body that nobody has any more, and tells of the change."""
        if self._writing is not None:
            self._writing.close()
        if not committed:
            return  # what was written is cut by the next append, or swept at the next start
        old = self._before_body
        if self._body and old and old != self._body:
            with contextlib.suppress(OSError):
                self._bodies.unlink(old)
        if self._event is not None:
            self._tell(self._event)

    @property
    def _before_body(self) -> str:
        return self._before.body if self._before else ""

    def _kept(
        self, before: Before | None, decision: Decision, reading: Callable[[], Reading]
    ) -> Prefix | None:
        """What was made ready of the events that stay; None where there is too little of them to
        need it. What they add up to is known after it.
        """
        if not decision.keep:
            return None
        assert before is not None  # noqa: S101 - something of it stays
        if decision.keep == before.seq and reading().end_of(decision.keep) <= INLINE:
            self._base = columns.tally_of(before)
            return None
        known = self._prefix
        if known is None or (known.body, known.seq) != (before.body, decision.keep):
            raise NeedsPrefix(before.body, decision.keep)
        self._base = known.tally
        return known

    def _kind(self) -> ChangeKind:
        if self._decision.kind == "create":
            return "created"
        return "rewound" if self._decision.kind in ("replace", "rewind") else "updated"


def have(db: apsw.Connection, key: Key) -> Have:
    """What there is of a session."""
    before = _before(db, key)
    return have_of(before.state(_now_us()) if before else None)


def _before(db: apsw.Connection, key: Key) -> Before | None:
    found = db.execute(
        f"SELECT {', '.join(columns.STATE)} FROM session"  # noqa: S608
        " WHERE owner = ? AND device = ? AND agent = ? AND native_id = ?",
        (key.owner, key.device, key.agent, key.id),
    ).fetchone()
    return Before(**dict(zip(columns.STATE, found, strict=True))) if found else None


def _write(db: apsw.Connection, before: Before | None, key: Key, values: dict[str, Any]) -> Before:
    """The row after it."""
    if before is not None:
        names = ", ".join(f"{name} = :{name}" for name in values)
        db.execute(f"UPDATE session SET {names} WHERE id = :row", {**values, "row": before.id})  # noqa: S608
        return msgspec.structs.replace(
            before, **{name: value for name, value in values.items() if name in _KNOWN}
        )
    values = {
        "owner": key.owner,
        "device": key.device,
        "agent": key.agent,
        "native_id": key.id,
        **values,
    }
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    db.execute(f"INSERT INTO session ({names}) VALUES ({marks})", values)  # noqa: S608
    after = _before(db, key)
    assert after is not None  # noqa: S101 - just written
    return after


def _stored(row: Before, *, created: bool, kind: ChangeKind | None) -> Stored:
    return Stored(
        generation=row.generation,
        rewind=row.rewind,
        seq=row.seq,
        chain=row.chain,
        score=row.score,
        score_plugin=row.score_plugin,
        expires_us=row.expires_us,
        created=created,
        change=row.change,
        kind=kind,
    )


def _now_us() -> int:
    return time.time_ns() // 1000
