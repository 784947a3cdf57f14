"""What one session of a batch does to what is stored: it goes on, repeats, replaces or doubles it.

    nothing stored                        a new session
    stored from the same source           appended; what was there before is kept as far as it is
                                          the same, from the first difference on replaced (a rewind)
    stored as a copy carried elsewhere    this source takes it over (`secondary` gives way)
    stored from another source            one session while one content begins with the other; the
                                          longer source owns it; else this one becomes `<id>.<n>`,
                                          unless one went on from the other (`heirs`)

A source that is read from its beginning again confirms its sessions event by event (`Reread`); what
is not confirmed at its end is taken away then.
"""

from __future__ import annotations

from pathlib import Path

import apsw

from opensession.core import ids
from opensession.core.hail import Event
from opensession.daemon import tally
from opensession.daemon.batch import Batch, PreparedSession
from opensession.daemon.store import (
    events_write,
    heirs,
    sessions_write,
    sources,
    usage_write,
)
from opensession.daemon.store.change import Change
from opensession.daemon.store.reread import Reread, advanced
from opensession.daemon.store.sessions_write import Stored
from opensession.daemon.store.sources import SourceRow


class ReadAgain(Exception):
    """The batch does not fit what is stored: its source is to be read from its beginning."""


class OtherContent(ReadAgain):
    """The source has a session's id with other content: it is to be read as `<id>.<n + 1>`."""


def begin(db: apsw.Connection, row: SourceRow) -> None:
    """A source is read from its beginning: its sessions await being confirmed."""
    db.execute("DELETE FROM copy WHERE source = ?", (row.id,))
    for session in sessions_write.of_source(db, row.id):
        sessions_write.set_reread(db, session.id, Reread())


def take(
    db: apsw.Connection,
    row: SourceRow,
    batch: Batch,
    prepared: PreparedSession,
    archive_dir: Path,
) -> Change | None:
    """Stores one session of a batch; what it changed. After `ReadAgain` roll everything back."""
    native_id = suffixed(row, prepared.info.id)
    session = sessions_write.find(db, row.agent, native_id)
    if session is None:
        return _take_new(db, row, batch, prepared, native_id)
    if session.source == row.id:
        return _take_own(db, row, batch, prepared, session)
    if prepared.secondary:
        return None
    if session.secondary:
        return _take_over(db, row, batch, prepared, session)
    if not (batch.keeps or prepared.keep) and _takes_up(db, row, session, archive_dir):
        _set_copy(db, session.source, session.id, heirs.EARLIER)
        return _take_over(db, row, batch, prepared, session)
    if not batch.keeps and _is_taken_up(db, row, prepared, session, archive_dir):
        return None
    try:
        return _take_copy(db, row, batch, prepared, session)
    except OtherContent:
        if prepared.keep and not batch.keeps and _takes_up(db, row, session, archive_dir):
            raise ReadAgain from None
        raise


def finish(db: apsw.Connection, row: SourceRow, batch: Batch) -> list[Change]:
    """A source was read to its end: what a re-read did not confirm is taken away.

    A source that is empty now says nothing about what it held before: its sessions stay. So do
    those that a source which `keeps` did not mention.
    """
    changes: list[Change] = []
    if batch.cursor.offset == 0:
        return changes
    for session in sessions_write.awaiting(db, row.id):
        state = session.rereading
        if state is None:
            continue
        if state == Reread() and batch.keeps:
            sessions_write.set_reread(db, session.id, None)
            continue
        if state.confirmed == 0:
            sessions_write.delete(db, session)
            changes.append(_change(session, session.title, 1, 0, rewound=True, gone=True))
            continue
        shorter = state.confirmed < session.event_count
        if shorter:
            _rewind(db, session, state.confirmed, None)
            changes.append(
                _change(session, session.title, state.confirmed + 1, state.confirmed, rewound=True)
            )
        sums = state.sums
        if state.recount:
            sums = tally.tally(events_write.stored_events(db, session.id, state.confirmed))
        sessions_write.set_counts(db, session, state.confirmed, sums, state.redactions)
        sessions_write.set_versions(db, session.id, batch)
        sessions_write.set_reread(db, session.id, None)
    return changes


def owner_gone(db: apsw.Connection, source: int) -> None:
    """A source's file is gone: another that holds the same session whole takes it over."""
    db.execute("DELETE FROM copy WHERE source = ?", (source,))
    for session in sessions_write.of_source(db, source):
        hand_on(db, session)


def hand_on(db: apsw.Connection, session: Stored) -> None:
    """The source of a session has it no more: another that holds it whole becomes its source."""
    heir = db.execute(
        "SELECT copy.source FROM copy JOIN source ON source.id = copy.source"
        " WHERE copy.session = ? AND copy.seq = ? AND source.state = 'ok'"
        " ORDER BY copy.source LIMIT 1",
        (session.id, session.event_count),
    ).get
    if heir is not None:
        _hand_over(db, session, heir)


def has_lost_all(db: apsw.Connection, row: SourceRow, batch: Batch) -> bool:
    """Whether a source that was gone is back as it was, and what it holds is others' by now: it is
    to be read from its beginning, to be known as a copy.
    """
    if row.state != "gone" or batch.restarted or batch.expected_offset == 0 or batch.more:
        return False
    return db.execute("SELECT 1 FROM session WHERE source = ?", (row.id,)).get is None


def suffixed(row: SourceRow, native_id: str) -> str:
    """The id that a session of this source has here."""
    return native_id if row.suffix == 1 else ids.fit(row.agent, f"{native_id}.{row.suffix}")


def _take_new(
    db: apsw.Connection, row: SourceRow, batch: Batch, prepared: PreparedSession, native_id: str
) -> Change | None:
    if prepared.keep:
        raise ReadAgain
    if not prepared.rows:
        return None
    session = sessions_write.insert(db, row.agent, native_id, row.id, prepared)
    sessions_write.set_versions(db, session.id, batch)
    return _append(db, row, batch, prepared, session, new=True)


def _take_own(
    db: apsw.Connection, row: SourceRow, batch: Batch, prepared: PreparedSession, session: Stored
) -> Change | None:
    state = session.rereading
    if state is not None:
        return _confirm(db, row, batch, prepared, session, state)
    if prepared.keep > session.event_count:
        raise ReadAgain
    if prepared.keep == session.event_count:
        return _append(db, row, batch, prepared, session)
    return _rewrite(db, row, batch, prepared, session)


def _append(
    db: apsw.Connection,
    row: SourceRow,
    batch: Batch,
    prepared: PreparedSession,
    session: Stored,
    *,
    new: bool = False,
) -> Change | None:
    """The common case: events that follow what is stored."""
    first = prepared.keep + 1
    last = prepared.keep + len(prepared.rows)
    title = sessions_write.describe(db, session, prepared, _parent(db, row, batch, prepared), batch)
    usage_write.record(db, session.id, prepared.usage)
    if not prepared.rows:
        return None if title == session.title else _change(session, title, 0, 0)
    events_write.append(db, session.id, first, prepared.rows, prepared.touches)
    sessions_write.add_counts(db, session, last, prepared.tally, prepared.redactions)
    return _change(session, title, first, last, new=new)


def _rewrite(
    db: apsw.Connection, row: SourceRow, batch: Batch, prepared: PreparedSession, session: Stored
) -> Change | None:
    """The agent changed events in place: a rewind to the first that differs (DECISIONS §2)."""
    first, last = prepared.keep + 1, prepared.keep + len(prepared.rows)
    same = events_write.unchanged(db, session.id, first, prepared.rows, prepared.touches)
    kept = prepared.keep + same
    if last == 0:
        sessions_write.delete(db, session)
        return _change(session, session.title, 1, 0, rewound=True, gone=True)
    title = sessions_write.describe(db, session, prepared, _parent(db, row, batch, prepared), batch)
    before = events_write.stored_events(db, session.id, kept)
    if kept < session.event_count:
        _rewind(db, session, kept, before)
    events_write.append(db, session.id, kept + 1, prepared.rows[same:], prepared.touches)
    usage_write.record(db, session.id, prepared.usage)
    sums = tally.tally(events_write.stored_events(db, session.id, last))
    sessions_write.set_counts(db, session, last, sums)
    if kept == 0:
        sessions_write.raise_generation(db, session.id)
    return _change(session, title, kept + 1, last, rewound=kept < session.event_count)


def _confirm(
    db: apsw.Connection,
    row: SourceRow,
    batch: Batch,
    prepared: PreparedSession,
    session: Stored,
    state: Reread,
) -> Change | None:
    """A piece of a re-read: the same events stay as they are, others replace what follows."""
    if prepared.keep > state.confirmed:
        raise ReadAgain
    first, last = prepared.keep + 1, prepared.keep + len(prepared.rows)
    same = events_write.unchanged(db, session.id, first, prepared.rows, prepared.touches)
    kept = prepared.keep + same
    rewound = same < len(prepared.rows) and kept < session.event_count
    if rewound:
        _rewind(db, session, kept, None)
        if kept == 0:
            sessions_write.raise_generation(db, session.id)
    title = sessions_write.describe(db, session, prepared, _parent(db, row, batch, prepared), batch)
    events_write.append(db, session.id, kept + 1, prepared.rows[same:], prepared.touches)
    usage_write.replace(db, session.id, first, last, prepared.usage)
    sessions_write.set_event_count(
        db, session.id, last if rewound else max(last, session.event_count)
    )
    sessions_write.set_reread(db, session.id, advanced(state, prepared))
    if same < len(prepared.rows):
        return _change(session, title, kept + 1, last, rewound=rewound)
    return None if title == session.title else _change(session, title, 0, 0)


def _take_over(
    db: apsw.Connection, row: SourceRow, batch: Batch, prepared: PreparedSession, session: Stored
) -> Change | None:
    """A source becomes the one a stored session is made of, from its first event on."""
    if prepared.keep:
        raise ReadAgain
    return _confirm(db, row, batch, prepared, session, Reread())


def _take_copy(
    db: apsw.Connection, row: SourceRow, batch: Batch, prepared: PreparedSession, session: Stored
) -> Change | None:
    """The same id from a second source (DECISIONS §2)."""
    if prepared.keep:
        reached = db.execute(
            "SELECT seq FROM copy WHERE source = ? AND session = ?", (row.id, session.id)
        ).get
        if reached is None or reached < prepared.keep:
            raise ReadAgain
    if (session.parser_version, session.strip_version) != (
        batch.parser_version,
        batch.strip_version,
    ):
        # Made by an older version, so it cannot be compared: this source makes it anew, and the
        # other one is compared with that.
        change = _take_over(db, row, batch, prepared, session)
        sources.restart(db, [session.source])
        return change
    first, last = prepared.keep + 1, prepared.keep + len(prepared.rows)
    same = events_write.unchanged(db, session.id, first, prepared.rows, prepared.touches)
    if same == len(prepared.rows):
        _set_copy(db, row.id, session.id, last)
        if last == session.event_count and _is_gone(db, session):
            _hand_over(db, session, row.id)
        return None
    if prepared.keep + same < session.event_count:
        raise OtherContent
    _hand_over(db, session, row.id)
    title = sessions_write.describe(db, session, prepared, _parent(db, row, batch, prepared), batch)
    added_first = prepared.keep + same + 1
    events_write.append(db, session.id, added_first, prepared.rows[same:], prepared.touches)
    usage_write.record(db, session.id, prepared.usage)
    sums = tally.tally(events_write.stored_events(db, session.id, last))
    sessions_write.set_counts(db, session, last, sums)
    return _change(session, title, added_first, last)


def _takes_up(db: apsw.Connection, row: SourceRow, session: Stored, files: Path) -> bool:
    """Whether this source went on from that of a stored session, whose file is gone."""
    owner = sources.load(db, session.source)
    return owner is not None and heirs.went_on(db, files, owner, row)


def _is_taken_up(
    db: apsw.Connection, row: SourceRow, prepared: PreparedSession, session: Stored, files: Path
) -> bool:
    """Whether the source of a stored session went on from this one: then that has it all."""
    owner = sources.load(db, session.source) if prepared.keep == 0 else None
    if owner is not None and heirs.went_on(db, files, row, owner):
        _set_copy(db, row.id, session.id, heirs.EARLIER)
    known = "SELECT 1 FROM copy WHERE source = ? AND session = ? AND seq = ?"
    return db.execute(known, (row.id, session.id, heirs.EARLIER)).get is not None


def _hand_over(db: apsw.Connection, session: Stored, source: int) -> None:
    """The session is another source's from now on; the one before holds a copy of it."""
    db.execute("DELETE FROM copy WHERE source = ? AND session = ?", (source, session.id))
    if not _is_gone(db, session):
        _set_copy(db, session.source, session.id, session.event_count)
    db.execute("UPDATE session SET source = ?, absent = 0 WHERE id = ?", (source, session.id))


def _set_copy(db: apsw.Connection, source: int, session: int, seq: int) -> None:
    db.execute(
        "INSERT INTO copy (source, session, seq) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET seq = excluded.seq",
        (source, session, seq),
    )


def _is_gone(db: apsw.Connection, session: Stored) -> bool:
    """Whether the source of a session has it no more."""
    state = db.execute("SELECT state FROM source WHERE id = ?", (session.source,)).get
    return bool(session.absent or state == "gone")


def _rewind(db: apsw.Connection, session: Stored, keep: int, before: list[Event] | None) -> None:
    """Takes away what follows seq `keep`; other sources that hold more of it are compared anew."""
    events_write.rewind(db, session.id, keep)
    usage_write.rewind(db, session.id, keep, before)
    longer = (session.id, keep)
    holders = sources.ids_where(
        db, "id IN (SELECT source FROM copy WHERE session = ? AND seq > ?)", longer
    )
    sources.restart(db, holders)
    db.execute("DELETE FROM copy WHERE session = ? AND seq > ?", longer)


def _parent(db: apsw.Connection, row: SourceRow, batch: Batch, prepared: PreparedSession) -> str:
    """The parent's id; where the parent is of the same source it has the same suffix."""
    parent = prepared.info.parent
    if not parent or row.suffix == 1:
        return parent
    if any(other.info.id == parent for other in batch.sessions):
        return suffixed(row, parent)
    stored = sessions_write.find(db, row.agent, suffixed(row, parent))
    return suffixed(row, parent) if stored is not None and stored.source == row.id else parent


def _change(
    session: Stored,
    title: str,
    first_seq: int,
    last_seq: int,
    *,
    rewound: bool = False,
    new: bool = False,
    gone: bool = False,
) -> Change:
    return Change(
        session=session.id,
        native_id=session.native_id,
        agent=session.agent,
        short=session.short,
        title=title,
        first_seq=first_seq,
        last_seq=last_seq,
        rewound=rewound,
        new=new,
        gone=gone,
    )
