"""Uploading a session's file that is not in the index: read for itself, sent, and forgotten here.

Only what was sent of it is remembered, as of every publication, so that it can be taken back. It is
not sent by itself again: where the hub does not answer, the upload ends and may be made once more.
"""

from __future__ import annotations

import asyncio
from typing import Any

import apsw
import msgspec

from opensession.core.errors import NotFound, Refused
from opensession.core.rpc import hub as rpc
from opensession.core.rpc.index import Progress
from opensession.daemon.jobs import Report
from opensession.daemon.publish import deciding, records, session, uploading
from opensession.daemon.publish.foreign import Foreign, gather
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.publisher import Key, Publisher
from opensession.daemon.publish.sending import Sender
from opensession.daemon.publish.session import Family
from opensession.daemon.publish.uploading import Plan

PATIENCE_SECONDS = 60.0
"""A hub that asks to wait for longer than this is not waited for."""

SAYS_PRIVATE = "it says #private"


async def plan(publisher: Publisher, params: rpc.HubUploadParams) -> tuple[Plan, Foreign | None]:
    """What would be sent of a file, and its index, which the caller closes; None where it is one of
    those that are indexed. Raises OpenSessionError where it cannot be read.
    """
    try:
        named = msgspec.structs.replace(params, refs=[params.path], path="")
        return await uploading.plan(publisher, named), None
    except NotFound:
        pass  # no file of the index
    file = await gather(publisher.parts, params.path)
    try:
        found = await file.query(session.active_since, -1)
        await _check_new(publisher, found)
        made = await uploading.planned(publisher.parts.of_index(file.query), found, params)
    except BaseException:
        await file.close()
        raise
    return _without_private(made, file), file


async def run(
    publisher: Publisher, made: Plan, file: Foreign, params: rpc.HubUploadParams, report: Report
) -> dict[str, Any]:
    """Sends what was planned; the rows as they are at the end."""
    parts = publisher.parts.of_index(file.query)
    try:
        await _mark(parts, made, params)
        for key in made.sends:
            await _send(publisher, parts, key, made, report)
        states = await uploading.states_of(parts, made.sends)
        await parts.user.run(lambda db: _give_up(db, parts, made))
        return uploading.ended(parts, made, states)
    finally:
        await file.close()


async def _check_new(publisher: Publisher, found: list[Family]) -> None:
    """Raises Refused for a session that the index has already, from another file."""
    keys = [one.session.key for one in found]
    for one in await publisher.parts.query(session.several, keys):
        name = f"{one.session.agent}:{one.session.native_id}"
        raise Refused(
            f"{name} is indexed here, from another file: send that one",
            f"opensession upload {name}",
        )


def _without_private(made: Plan, file: Foreign) -> Plan:
    """Nothing goes of a file in which a session says `#private`."""
    if not file.private:
        return made
    rows = [
        msgspec.structs.replace(row, state="blocked", reason=SAYS_PRIVATE, events=0, bytes=0)
        for row in made.result.sessions
    ]
    result = msgspec.structs.replace(made.result, sessions=rows, events=0, bytes=0, children=0)
    return Plan(result, [])


async def _mark(parts: Parts, made: Plan, params: rpc.HubUploadParams) -> None:
    """Notes what is to be sent. An upload is a person's word for newer rules as well."""
    found = await parts.query(session.several, made.sends)
    await deciding.mark(parts, found, uploading.wish_of(params), "hub.upload")

    def accept(db: apsw.Connection) -> None:
        for one in found:
            before = records.obtain(db, parts.link.hub, *one.session.key)
            if before.attempted:
                deciding.accept_rules(db, before, one, parts.rules)

    await parts.user.run(accept)


async def _send(publisher: Publisher, parts: Parts, key: Key, made: Plan, report: Report) -> None:
    """Sends one session; returns when it is sent, refused, or not to be sent now."""
    sender = Sender(parts)
    link = parts.link
    most = parts.settings().daemon.max_retries
    while True:
        wait = await publisher.alone(key, sender.run)
        states = await uploading.states_of(parts, made.sends)
        left = sum(events for state, _, events in states.values() if state == "open")
        total = made.result.events
        report(Progress(job="", done=max(0, total - left), total=total, unit="events"))
        one = await parts.record(records.find, link.hub, *key)
        if states[key][0] != "open" or one is None or not link.usable:
            return
        pause = max(wait or 0.0, link.held_seconds, 0.05)
        if max(one.failures, link.failures) > most or pause > PATIENCE_SECONDS:
            return
        await asyncio.sleep(pause)


def _give_up(db: apsw.Connection, parts: Parts, made: Plan) -> None:
    """What was not sent by now is not waited for: nobody would send it."""
    for key in made.sends:
        one = records.find(db, parts.link.hub, *key)
        if one is not None and one.wanted:
            records.change(db, one.id, wanted=0, failures=0, next_try_us=0)
