"""What people see of publishing: policies, what waits, receipts."""

from __future__ import annotations

import apsw
import msgspec

from opensession.core.ids import session_key, short
from opensession.core.rpc import publish as rpc
from opensession.core.timeparse import format_time
from opensession.daemon.publish import deciding, policy, records, session
from opensession.daemon.publish.policy import Stream
from opensession.daemon.publish.publisher import Publisher
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.session import Family
from opensession.daemon.publish.standing import Standing
from opensession.daemon.publish.standings import standings

MOST_ROWS = 1000


async def streams(
    publisher: Publisher,
    *,
    changed: Stream | None = None,
    undone: bool = False,
    planned: bool = False,
) -> rpc.StreamResult:
    """All policies, with what each covers. `planned`: `changed` is one that is not made yet."""
    parts = publisher.parts
    rows = list(parts.streams)
    if changed is not None and planned:
        name = (changed.agent, changed.repo, changed.origin)
        rows = [row for row in rows if (row.agent, row.repo, row.origin) != name] + [changed]

    def count(db: apsw.Connection) -> dict[Stream, tuple[int, int]]:
        found = dict.fromkeys(rows, (0, 0))
        for one in session.active_since(db, -1):
            row = policy.row_for(rows, one.root)
            if row is None or one.session.role == "auxiliary":
                continue
            covered, backlog = found[row]
            if policy.covers(row, one.session, one.root):
                found[row] = covered + 1, backlog
            else:
                found[row] = covered, backlog + 1
        return found

    counts = await parts.query(count) if rows else {}
    shown = {row: _stream_row(row, *counts[row]) for row in rows}
    about = None
    if changed is not None:
        about = shown.get(changed) or _stream_row(changed, 0, 0)
    return rpc.StreamResult(
        server=parts.link.server.url, rows=list(shown.values()), changed=about, undone=undone
    )


def _stream_row(row: Stream, covered: int, backlog: int) -> rpc.StreamRow:
    return rpc.StreamRow(
        agent=row.agent,
        repo=row.repo,
        mode=row.mode,  # type: ignore[arg-type]  # as it was written
        since=format_time(row.since_us),
        origin=row.origin,
        covered=covered,
        backlog=backlog,
    )


async def pending(publisher: Publisher, params: rpc.PendingParams) -> rpc.PendingResult:
    """What is not (wholly) on the hub."""
    now_us = records.now_us()
    rows = []
    for found, made, standing in await standings(publisher.parts, now_us):
        state = standing.state
        if state is None:
            continue
        if not params.all and (
            state in ("never", "denied")
            or (standing.at_us and state == "waiting" and not (made and made.next_try_us > now_us))
        ):
            continue
        rows.append(_pending_row(publisher, found, made, standing))
    limit = max(0, min(params.limit, MOST_ROWS))
    return rpc.PendingResult(
        sessions=rows[:limit], total=len(rows), server=publisher.parts.link.server.url
    )


def _pending_row(
    publisher: Publisher, found: Family, made: Publication | None, standing: Standing
) -> rpc.PendingRow:
    state: rpc.State = standing.state or "due"
    reason = standing.reason
    link = publisher.parts.link
    if state == "due":
        if publisher.is_sending(found.session.key):
            state = "sending"
        elif link.stranger is not None:
            state, reason = "waiting", link.stranger.reason
        elif link.problem is not None:
            state, reason = "waiting", str(link.problem)
        elif not link.server.key:
            state, reason = "waiting", "there is no key for the hub"
        elif link.reachable is False:
            state, reason = "waiting", link.error
    return rpc.PendingRow(
        id=found.session.native_id,
        short=found.session.short,
        tool=found.session.agent,
        title=found.session.title,
        state=state,
        reason=reason,
        sent=made.seq if made is not None else 0,
        total=found.session.event_count,
        retry_at=format_time(standing.at_us) if standing.at_us else "",
    )


async def receipts(publisher: Publisher, params: rpc.ReceiptsParams) -> rpc.ReceiptsResult:
    """What hubs acknowledged, the latest first. Raises NotFound."""
    parts = publisher.parts
    found = [one for one in await parts.record(records.everything) if one.first_sent_us]
    if params.ref:
        wanted = set(await deciding.published(publisher, [params.ref], params.scope))
        found = [one for one in found if one.key in wanted]
    found = found[: max(0, min(params.limit, MOST_ROWS))]
    known = {
        one.session.key: one
        for one in await parts.query(session.several, [made.key for made in found])
    }
    return rpc.ReceiptsResult(receipts=[_receipt(made, known.get(made.key)) for made in found])


def _receipt(made: Publication, found: Family | None) -> rpc.ReceiptRow:
    kinds = msgspec.json.decode(made.findings, type=dict[str, int])
    return rpc.ReceiptRow(
        id=made.native_id,
        short=short(session_key("local", *made.key)),
        tool=made.agent,
        title=found.session.title if found is not None else "",
        server=made.hub,
        url=made.url,
        seq=made.seq,
        generation=made.generation,
        chain=made.chain.hex(),
        first_sent_at=_time(made.first_sent_us),
        last_sent_at=_time(made.last_sent_us),
        recalled_at=_time(made.recalled_us),
        expires_at=_time(made.expires_us),
        findings=[rpc.DoorKind(kind=kind, count=count) for kind, count in kinds.items()],
    )


def _time(us: int) -> str:
    return format_time(us) if us else ""
