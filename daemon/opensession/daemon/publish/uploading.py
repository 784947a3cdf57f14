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
from opensession.daemon.publish.publisher import Key, Publisher
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.session import Family
from opensession.daemon.publish.standing import kept_here

LOOK_SECONDS = 0.2
MOST_ROWS = 10_000


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
    made = {one.key: one for one in await parts.record(records.of_hub, parts.link.hub)}
    rows: list[rpc.UploadRow] = []
    sends: list[Key] = []
    children = 0
    for one in found:
        row = await _row(publisher, one, made.get(one.session.key), quick=params.all)
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


async def plan_file(publisher: Publisher, params: rpc.HubUploadParams) -> Plan:
    """What would be sent of a session's file: it has to be one that is taken in."""
    refs = [params.path]
    return await plan(publisher, msgspec.structs.replace(params, refs=refs, path=""))


def with_job(result: rpc.HubUploadResult, job: str) -> rpc.HubUploadResult:
    """The plan with the job that carries it out."""
    return msgspec.structs.replace(result, job=job)


async def _row(
    publisher: Publisher, found: Family, made: Publication | None, *, quick: bool
) -> rpc.UploadRow:
    parts = publisher.parts
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
    if kept is not None and (kept.state in ("blocked", "never") or (quick and kept.state != "ask")):
        return msgspec.structs.replace(row, state=kept.state or "", reason=kept.reason)
    again = made is not None and bool(made.gone or made.recalled_us or made.recall_us)
    sent = 0 if made is None or again else made.seq
    if sent >= one.event_count and not (made is not None and made.refused):
        return row
    size = await _bytes(publisher, one.key, sent)
    state = "grown" if sent else "new"
    return msgspec.structs.replace(row, state=state, events=one.event_count - sent, bytes=size)


async def _bytes(publisher: Publisher, key: Key, sent: int) -> int:
    """The bytes of the lines after `sent`."""
    total = 0
    first = sent + 1
    while True:
        lines = await publisher.parts.query(read_lines, *key, first, publisher.parts.stripper)
        if lines is None or not lines.lines:
            return total
        total += sum(len(line) + 1 for line in lines.lines)
        first = lines.last + 1


async def run(
    publisher: Publisher, made: Plan, params: rpc.HubUploadParams, report: Report
) -> dict[str, Any]:
    """Sends what was planned; the rows as they are at the end."""
    now_us = records.now_us()
    expires_us = now_us + int(params.expires_seconds * 1e6) if params.expires_seconds > 0 else 0
    wish = Wish(expires_us=expires_us, team_id=params.team_id, parents=tuple(params.parents))
    await deciding.send(publisher, made.sends, wish, "hub.upload")
    rows = {(row.tool, row.id): row for row in made.result.sessions}
    total = made.result.events
    while True:
        states = await _states(publisher, made.sends)
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
    ended = []
    for key, row in rows.items():
        state, said, _ = states.get(key, ("", "", 0))
        if state == "sent":
            row = msgspec.structs.replace(row, state="sent", url=said)
        elif state:
            why = said or _why(publisher)
            row = msgspec.structs.replace(row, state="failed", reason=why)
        ended.append(msgspec.to_builtins(row))
    return {"sessions": ended}


def _why(publisher: Publisher) -> str:
    stranger = publisher.parts.link.stranger
    return stranger.reason if stranger is not None else "it was not sent"


async def _states(publisher: Publisher, keys: Sequence[Key]) -> dict[Key, tuple[str, str, int]]:
    """Each session: open, sent (with its address) or refused (with the reason), and events left."""
    parts = publisher.parts
    made = {one.key: one for one in await parts.record(records.of_hub, parts.link.hub)}
    found: dict[Key, tuple[str, str, int]] = {}
    for key in keys:
        one = made.get(key)
        if one is None:
            found[key] = ("refused", "it is not there any more", 0)
        elif one.refused:
            found[key] = ("refused", one.refused, 0)
        elif one.wanted > one.seq:
            found[key] = ("open", "", one.wanted - one.seq)
        else:
            found[key] = ("sent", one.url, 0)
    return found
