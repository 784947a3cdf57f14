"""Reading one session from the daemon: what it is, and its events page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from opensession.client.connection import Daemon
from opensession.core.errors import NotFound
from opensession.core.rpc.sessions import (
    EventRow,
    ExportParams,
    ExportResult,
    SessionDetail,
    SessionEventsParams,
    SessionEventsResult,
    SessionGetParams,
)

_PAGE = 500


def detail(daemon: Daemon, ref: str, *, all_: bool) -> SessionDetail:
    """The session that a reference names."""
    params = SessionGetParams(ref=ref, scope=str(Path.cwd()), all=all_)
    return daemon.call("sessions.get", params, SessionDetail)


def pages(daemon: Daemon, found: SessionDetail) -> Iterator[list[EventRow]]:
    """All events of a session in order of time, subagents folded in, a page at a time."""
    params = SessionEventsParams(ref=exact(found), all=True, limit=_PAGE)
    while True:
        page = daemon.call("sessions.events", params, SessionEventsResult)
        yield page.events
        if not page.next:
            return
        params = msgspec.structs.replace(params, cursor=page.next)


def around(
    daemon: Daemon, found: SessionDetail, seq: int, context: int
) -> tuple[list[EventRow], EventRow, list[EventRow]]:
    """The event `seq` of a session, with up to `context` events before and after it.

    Raises NotFound if the session has no such event.
    """
    before: list[EventRow] = []
    events = (event for page in pages(daemon, found) for event in page)
    for event in events:
        if event.seq == seq and event.session_id == found.session.id:
            after = [following for following, _ in zip(events, range(context), strict=False)]
            return before, event, after
        before = [*before, event][-context:] if context else []
    raise NotFound(
        f"{found.session.short} has no event #{seq}", f"opensession timeline {found.session.short}"
    )


def export_lines(daemon: Daemon, found: SessionDetail) -> Iterator[str]:
    """The session as HAIL 1.0 lines."""
    params = ExportParams(ref=exact(found), all=True)
    while True:
        page = daemon.call("sessions.export", params, ExportResult)
        for line in page.lines:
            yield bytes(line).decode()
        if not page.next:
            return
        params = msgspec.structs.replace(params, cursor=page.next)


def exact(found: SessionDetail) -> str:
    """A reference that names this session and no other, whatever comes up meanwhile."""
    return f"{found.session.tool}:{found.session.id}"
