"""sessions.events and sessions.export: the events of a session, a page at a time."""

from __future__ import annotations

import apsw
import msgspec

from opensession.core import hail_lines
from opensession.core.errors import Refused
from opensession.core.fold import Numbered, child_event
from opensession.core.hail import Event
from opensession.core.rpc.sessions import (
    EventRow,
    ExportParams,
    ExportResult,
    SessionEventsParams,
    SessionEventsResult,
)
from opensession.core.timeparse import format_time
from opensession.daemon.store import timeline
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.cursors import mark, place
from opensession.daemon.store.export import header_line, stats_line
from opensession.daemon.store.folding import fold_page
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK
from opensession.daemon.store.resolve import Target, resolve_one
from opensession.daemon.store.timeline import Place

MAX_LIMIT = 2000
EXPORT_EVENTS = 500


class Seq(msgspec.Struct, frozen=True, array_like=True):
    """The last event of a page in the order of seq."""

    seq: int


def list_events(
    db: apsw.Connection, params: SessionEventsParams, ctx: QueryContext
) -> SessionEventsResult:
    """A page of a session's events.

    In the order of time with subagents folded in, or (`order: seq`, or without `fold`) of this
    session alone. Raises NotFound, and UsageError for a bad cursor.
    """
    target = resolve_one(db, params.ref, params.scope, params.all, ctx)
    limit = max(1, min(params.limit, MAX_LIMIT))
    alone = params.order == "seq" or not params.fold
    shown = timeline.family(db, target.id)[: 1 if alone else None]
    if params.order == "seq":
        after = place(params.cursor, Seq)
        numbered = _by_seq(db, target, after.seq if after else 0, limit, tail=params.tail)
        end = numbered[-1].seq if numbered else target.event_count
        following = "" if params.tail or end >= target.event_count else mark(Seq(end))
    elif params.tail:
        places = timeline.last_page(db, shown, limit=limit)
        numbered, following = timeline.events_at(db, shown, places), ""
    else:
        places, more = timeline.page(db, shown, after=place(params.cursor, Place), limit=limit)
        following = mark(places[-1]) if more else ""
        numbered = timeline.events_at(db, shown, places)
    if params.fold:
        numbered = fold_page(db, shown, numbered)
    return SessionEventsResult(
        events=[_row(each) for each in numbered],
        total=target.event_count if alone else timeline.length(shown),
        next=following,
    )


def export_lines(db: apsw.Connection, params: ExportParams, ctx: QueryContext) -> ExportResult:
    """A page of a session as HAIL 1.0 lines, stripped of all that must not leave (DECISIONS §5).

    Raises NotFound, UsageError for a bad cursor, Refused where nothing strips.
    """
    if ctx.stripper is None:
        raise Refused("nothing leaves without being stripped", "opensession daemon restart")
    target = resolve_one(db, params.ref, params.scope, params.all, ctx)
    shown = timeline.family(db, target.id)
    after = place(params.cursor, Place)
    places, more = timeline.page(db, shown, after=after, limit=EXPORT_EVENTS)
    lines = [] if after else [header_line(db, target.id, shown, ctx.stripper)]
    children = {member.native_id for member in shown if member.child}
    for each in fold_page(db, shown, timeline.events_at(db, shown, places)):
        event = _without_place(each.event)
        if each.seq and each.session_id in children:
            event = child_event(each.session_id, event)
        lines.append(hail_lines.event_line(ctx.stripper.strip_outgoing(event)))
    if not more:
        lines.append(stats_line(db, shown, ctx.prices))
    return ExportResult(
        lines=[msgspec.Raw(line) for line in lines], next=mark(places[-1]) if more else ""
    )


def _by_seq(
    db: apsw.Connection, target: Target, after: int, limit: int, *, tail: bool
) -> list[Numbered]:
    """The events of one session as its source gave them."""
    first = max(1, target.event_count - limit + 1) if tail else after + 1
    last = min(target.event_count, first + limit - 1)
    keys = [target.id << SEQ_BITS | seq for seq in range(first, last + 1)]
    if tail:
        keys = keys[::-1][: timeline.fitting(db, keys[::-1])][::-1]
    else:
        keys = keys[: timeline.fitting(db, keys)]
    stored = timeline.load(db, keys)
    return [
        Numbered(target.native_id, key & SEQ_MASK, stored[key]) for key in keys if key in stored
    ]


def _row(each: Numbered) -> EventRow:
    event = each.event
    return EventRow(
        session_id=each.session_id,
        seq=each.seq,
        event_id=event.event_id,
        timestamp=format_time(event.time_us),
        type=event.type,
        data=event.data,
        blocks=event.blocks,
        task_id=event.task_id,
        duration_ms=event.duration_ms,
        attributes=event.attributes,
    )


def _without_place(event: Event) -> Event:
    """The event without the seq of a call: what leaves is in another order."""
    if "result.call_seq" not in event.attributes:
        return event
    kept = {k: v for k, v in event.attributes.items() if k != "result.call_seq"}
    return msgspec.structs.replace(event, attributes=kept)
