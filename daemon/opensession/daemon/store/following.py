"""What subscribers get of a change: the new events as they are stored, with whose they are."""

from __future__ import annotations

import apsw

from opensession.core.hail import Event
from opensession.core.rpc.events import EventNotice
from opensession.core.rpc.sessions import EventRow
from opensession.core.timeparse import format_time
from opensession.daemon.store import timeline
from opensession.daemon.store.change import Change
from opensession.daemon.store.hits import project_label
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK
from opensession.daemon.store.scope import Condition


def notices(db: apsw.Connection, change: Change, where: Condition) -> list[EventNotice]:
    """A notice for each event of the change, in order of seq, or one without event if it brought
    none. Nothing if `where` is not true of its session. `subscription` is left to the caller.

    Results stand for themselves here: their call was sent before them.
    """
    query = (
        "SELECT s.git_repo_name, s.git_branch, s.cwd FROM session s"  # noqa: S608 - own words
        f" WHERE s.id = ? AND ({where.sql})"
    )
    found = db.execute(query, (change.session, *where.values)).fetchone()
    if found is None and not change.gone:
        return []
    project = project_label(*found) if found is not None else ""
    last = change.last_seq if change.first_seq else 0
    keys = [change.session << SEQ_BITS | seq for seq in range(max(change.first_seq, 1), last + 1)]
    stored = timeline.load(db, keys) if keys else {}
    rows: list[EventRow | None] = [
        _row(change.native_id, key & SEQ_MASK, stored[key]) for key in keys if key in stored
    ]
    return [
        EventNotice(
            subscription="",
            session_id=change.native_id,
            short=change.short,
            tool=change.agent,
            title=change.title,
            project=project,
            event=row,
        )
        for row in rows or [None]
    ]


def _row(session_id: str, seq: int, event: Event) -> EventRow:
    return EventRow(
        session_id=session_id,
        seq=seq,
        event_id=event.event_id,
        timestamp=format_time(event.time_us),
        type=event.type,
        data=event.data,
        blocks=event.blocks,
        task_id=event.task_id,
        duration_ms=event.duration_ms,
        attributes=event.attributes,
    )
