"""Reading what is known of secrets: `user.db` says which and where, the index what that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw
import msgspec

from opensession.core.errors import NotFound
from opensession.core.rpc.leaks import LeakRow, LeakSession
from opensession.core.timeparse import format_time
from opensession.daemon.findings import tag
from opensession.daemon.store.sessions_write import ORIGIN

LEAST_ID = 4
_FILES = 50
_SEQS = 500
"""Events of one secret in one session that files are looked up for."""

Key = tuple[str, str]
"""Agent and native id of a session."""


class Reached(msgspec.Struct):
    """A session that a secret reached."""

    key: Key
    altered_us: int | None
    count: int = 0
    seqs: list[int] = []
    call_seqs: list[int] = []
    types: list[str] = []


class Leak(msgspec.Struct):
    """A secret as `user.db` has it."""

    number: int
    fingerprint: bytes
    kind: str
    set: str
    confidence: str
    first_seen_us: int
    last_seen_us: int
    resolved_us: int | None
    scrubbed_us: int | None
    reached: list[Reached] = []


class Known(msgspec.Struct, frozen=True):
    """A session as the index has it."""

    short: str
    title: str
    source_path: str
    source_gone: bool
    files: dict[int, list[str]]


def load(db: apsw.Connection, *, everything: bool) -> list[Leak]:
    """The secrets, last seen first: unresolved ones that a session holds, or all."""
    where = "" if everything else " WHERE resolved_us IS NULL"
    leaks = [
        Leak(*row)
        for row in db.execute(
            "SELECT id, fingerprint, kind, kind_set, confidence, first_seen_us, last_seen_us,"  # noqa: S608 - our words
            f" resolved_us, scrubbed_us FROM leak{where} ORDER BY last_seen_us DESC, id"
        )
    ]
    for leak in leaks:
        leak.reached = _reached(db, leak.number)
    return [leak for leak in leaks if everything or leak.reached]


def counts(db: apsw.Connection) -> tuple[int, int]:
    """How many secrets sessions hold that are unresolved, and how many there are at all."""
    held = "EXISTS (SELECT 1 FROM leak_event WHERE leak = leak.id)"
    found = db.execute(
        f"SELECT count(*) FILTER (WHERE resolved_us IS NULL AND {held}), count(*) FROM leak"  # noqa: S608 - our words
    ).fetchone()
    return (int(found[0]), int(found[1])) if found is not None else (0, 0)


def find(db: apsw.Connection, name: str) -> Leak:
    """The secret of an id, or of its beginning. Raises NotFound."""
    wanted = name.strip().upper()
    if len(wanted) < LEAST_ID:
        raise NotFound(f"{name} is too short: at least {LEAST_ID} characters", "opensession leaks")
    found = [leak for leak in load(db, everything=True) if tag(leak.fingerprint).startswith(wanted)]
    if not found:
        raise NotFound(f"no secret has the id {name}", "opensession leaks --all")
    if len(found) > 1:
        candidates = tuple(f"{tag(leak.fingerprint)}  {leak.kind}" for leak in found)
        raise NotFound(f"{name} could be any of {len(found)}", "opensession leaks", candidates)
    return found[0]


def altered(db: apsw.Connection, agent: str, native_id: str) -> str | None:
    """When bytes of a session were overwritten in the archive; None if they are as they were."""
    found = db.execute(
        "SELECT altered_us FROM leak_session WHERE origin = ? AND agent = ? AND native_id = ?",
        (ORIGIN, agent, native_id),
    ).get
    return _time(int(found) if found is not None else None)


def describe(db: apsw.Connection, leaks: Sequence[Leak]) -> dict[Key, Known]:
    """What the index has of the sessions that secrets reached."""
    wanted: dict[Key, set[int]] = {}
    for leak in leaks:
        for each in leak.reached:
            wanted.setdefault(each.key, set()).update((*each.seqs, *each.call_seqs))
    found: dict[Key, Known] = {}
    for (agent, native_id), seqs in wanted.items():
        row = db.execute(
            "SELECT session.id, short, title, path, state = 'gone' OR absent FROM session"
            " LEFT JOIN source ON source.id = session.source"
            " WHERE origin = ? AND session.agent = ? AND native_id = ?",
            (ORIGIN, agent, native_id),
        ).fetchone()
        if row is None:
            continue
        key, short, title, path, gone = row
        files = _files(db, int(key), seqs - {0})
        found[agent, native_id] = Known(short, title, path or "", bool(gone), files)
    return found


def row_of(leak: Leak, known: dict[Key, Known]) -> LeakRow:
    """A secret as clients get it."""
    return LeakRow(
        id=tag(leak.fingerprint),
        kind=leak.kind,
        set=leak.set,
        confidence=leak.confidence,
        first_seen=format_time(leak.first_seen_us),
        last_seen=format_time(leak.last_seen_us),
        count=sum(each.count for each in leak.reached),
        tools=sorted({each.key[0] for each in leak.reached}),
        sessions=[_session(each, known.get(each.key)) for each in leak.reached],
        resolved_at=_time(leak.resolved_us),
        scrubbed_at=_time(leak.scrubbed_us),
    )


def _reached(db: apsw.Connection, leak: int) -> list[Reached]:
    found: dict[Key, Reached] = {}
    for agent, native_id, altered_us, seq, kind, call_seq, count in db.execute(
        "SELECT agent, native_id, altered_us, seq, type, call_seq, count FROM leak_event"
        " JOIN leak_session ON leak_session.id = session WHERE leak = ?"
        " ORDER BY agent, native_id, seq",
        (leak,),
    ):
        each = found.setdefault((agent, native_id), Reached((agent, native_id), altered_us))
        each.count += count
        each.seqs.append(seq)
        if call_seq:
            each.call_seqs.append(call_seq)
        if kind not in each.types:
            each.types.append(kind)
    return list(found.values())


def _files(db: apsw.Connection, session: int, seqs: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for seq in sorted(seqs)[:_SEQS]:
        for (path,) in db.execute(
            "SELECT DISTINCT path FROM file_touch WHERE session = ? AND seq = ?", (session, seq)
        ):
            found.setdefault(seq, []).append(path)
    return found


def _session(each: Reached, known: Known | None) -> LeakSession:
    files: dict[str, None] = {}
    if known is not None:
        for seq in (*each.seqs, *each.call_seqs):
            files.update(dict.fromkeys(known.files.get(seq, ())))
    return LeakSession(
        tool=each.key[0],
        id=each.key[1],
        short=known.short if known else "",
        title=known.title if known else "",
        count=each.count,
        first_seq=min(each.seqs),
        last_seq=max(each.seqs),
        types=each.types,
        files=list(files)[:_FILES],
        source_path=known.source_path if known else "",
        source_gone=known.source_gone if known else False,
        altered_at=_time(each.altered_us),
    )


def _time(value: int | None) -> str | None:
    return None if value is None else format_time(value)
