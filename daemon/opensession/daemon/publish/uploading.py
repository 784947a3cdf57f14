"""What a person uploads: a plan with counts first, then a job that sends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from opensession.core.errors import Refused
from opensession.core.rpc import hub as rpc
from opensession.core.rpc.index import Progress
from opensession.daemon.jobs import Report
from opensession.daemon.publish import deciding, records, session
from opensession.daemon.publish.deciding import Wish
from opensession.daemon.publish.lines import read_lines
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.publisher import Key, Publisher
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.session import Family
from opensession.daemon.publish.standing import kept_here

LOOK_SECONDS = 0.2
MOST_ROWS = 10_000


States = dict[Key, tuple[str, str, int]]


class Plan(msgspec.Struct, frozen=True):
    """`result` as it is told; `sends` are the sessions that have something to be sent."""

    result: rpc.HubUploadResult
    sends: list[Key]


async def plan(publisher: Publisher, params: rpc.HubUploadParams) -> Plan:
    """What would be sent of sessions by reference, or of all."""
    parts = publisher.parts
    if params.all:
        found = await parts.query(session.active_since, -1)
    else:
        keys = await deciding.chosen(publisher, params.refs, params.scope)
        found = await parts.query(session.several, keys)
    return await planned(parts, found, params)


async def planned(parts: Parts, found: Sequence[Family], params: rpc.HubUploadParams) -> Plan:
    """What would be sent of these sessions of an index."""
    made = {one.key: one for one in await parts.record(records.of_hub, parts.link.hub)}
    rows: list[rpc.UploadRow] = []
    sends: list[Key] = []
    children = 0
    for one in found:
        row = await _row(parts, one, made.get(one.session.key), params)
        child = one.session.role == "auxiliary" and one.root.key != one.session.key
        children += child
        if row.state in ("new", "grown"):
            sends.append(one.session.key)
        if not child or (row.events and rows):
            rows.append(row)
    events = sum(row.events for row in rows)
    size = sum(row.bytes for row in rows)
    result = rpc.HubUploadResult(
        server=parts.link.server.url,
        sessions=[row for row in rows if not params.all or row.state != "there"][:MOST_ROWS],
        events=events,
        bytes=size,
        children=children,
    )
    return Plan(result, sends)


def with_job(result: rpc.HubUploadResult, job: str) -> rpc.HubUploadResult:
    """The plan with the job that carries it out."""
    return msgspec.structs.replace(result, job=job)


async def _row(
    parts: Parts, found: Family, made: Publication | None, params: rpc.HubUploadParams
) -> rpc.UploadRow:
    here = parts.circumstances(records.now_us())
    kept = await parts.query(lambda db: kept_here(found, made, here))
    one = found.session
    row = rpc.UploadRow(
        id=one.native_id,
        short=one.short,
        tool=one.agent,
        title=one.title,
        state="there",
        events=0,
        bytes=0,
    )
    firm = ("blocked", "never", "denied") if params.all else ("blocked", "never")
    if kept is not None and kept.state in firm:
        return msgspec.structs.replace(row, state=kept.state or "", reason=kept.reason)
    again = made is not None and bool(
        made.gone or made.recalled_us or made.recall_us or 0 < made.expires_us <= here.now_us
    )
    sent = 0 if made is None or again else made.seq
    if sent >= one.event_count and not (made is not None and made.refused):
        if made is None:
            return row
        says_more = bool(params.expires_seconds or params.team_id or params.parents)
        state = "grown" if says_more and not params.all else "there"
        return msgspec.structs.replace(row, state=state, url=made.url)
    size = await _bytes(parts, one.key, sent)
    state = "grown" if sent else "new"
    return msgspec.structs.replace(row, state=state, events=one.event_count - sent, bytes=size)


async def _bytes(parts: Parts, key: Key, sent: int) -> int:
    """The bytes of the lines after `sent`."""
    total = 0
    first = sent + 1
    while True:
        lines = await parts.query(read_lines, *key, first, parts.stripper)
        if lines is None or not lines.lines:
            return total
        total += sum(len(line) + 1 for line in lines.lines)
        first = lines.last + 1


async def run(
    publisher: Publisher, made: Plan, params: rpc.HubUploadParams, report: Report
) -> dict[str, Any]:
    """Sends what was planned; the rows as they are at the end."""
    await deciding.send(publisher, made.sends, wish_of(params), "hub.upload")
    total = made.result.events
    while True:
        states = await states_of(publisher.parts, made.sends)
        open_keys = [key for key, (state, _, _) in states.items() if state == "open"]
        left = sum(states[key][2] for key in open_keys)
        report(Progress(job="", done=max(0, total - left), total=total, unit="events"))
        link = publisher.parts.link
        if not open_keys or not link.usable:
            break
        if link.reachable is False:
            raise Refused(
                f"the hub: {link.error}; it goes on by itself", "opensession publish pending"
            )
        await asyncio.sleep(LOOK_SECONDS)
    return ended(publisher.parts, made, states)


def wish_of(params: rpc.HubUploadParams) -> Wish:
    """How the sessions of an upload are to be sent."""
    now_us = records.now_us()
    expires_us = now_us + int(params.expires_seconds * 1e6) if params.expires_seconds > 0 else 0
    return Wish(expires_us=expires_us, team_id=params.team_id, parents=tuple(params.parents))


def ended(parts: Parts, made: Plan, states: States) -> dict[str, Any]:
    """The rows of a plan as they are at the end of its job."""
    rows = []
    for row in made.result.sessions:
        state, said, _ = states.get((row.tool, row.id), ("", "", 0))
        if state == "sent":
            row = msgspec.structs.replace(row, state="sent", url=said)
        elif state:
            row = msgspec.structs.replace(row, state="failed", reason=said or _why(parts))
        rows.append(msgspec.to_builtins(row))
    return {"sessions": rows}


def _why(parts: Parts) -> str:
    link = parts.link
    if link.stranger is not None:
        return link.stranger.reason
    return f"the hub: {link.error}" if link.error else "it was not sent"


async def states_of(parts: Parts, keys: Sequence[Key]) -> States:
    """Each session: open, sent (with its address) or refused (with the reason), and events left."""
    made = {one.key: one for one in await parts.record(records.of_hub, parts.link.hub)}
    found: States = {}
    for key in keys:
        one = made.get(key)
        if one is None:
            found[key] = ("refused", "it is not there any more", 0)
        elif one.refused:
            found[key] = ("refused", one.refused, 0)
        elif one.differs:
            found[key] = ("refused", "what was sent differs: opensession publish refresh", 0)
        elif one.asked:
            found[key] = ("open", "", max(0, one.wanted - one.seq))
        else:
            found[key] = ("sent", one.url, 0)
    return found
