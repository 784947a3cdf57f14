"""What a person decides of single sessions: approve, deny, refresh, recall, upload."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import apsw
import msgspec

from opensession.core.errors import NotFound
from opensession.core.ids import session_key, short
from opensession.core.rpc import publish as rpc
from opensession.core.rpc.sessions import ResolveParams
from opensession.daemon import audit
from opensession.daemon.publish import recalling, records, session
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.publisher import Key, Publisher
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.session import Family
from opensession.daemon.publish.standing import rules_of
from opensession.daemon.publish.standings import standings
from opensession.daemon.store.resolve import resolve

RECALL_SECONDS = 10.0
"""How long a recall waits for the hub's answer before it says that it goes on by itself."""


class Wish(msgspec.Struct, frozen=True):
    """How sessions are to be sent by a person's word."""

    expires_us: int = 0
    team_id: str = ""
    parents: tuple[str, ...] = ()
    go_on: bool = False


async def chosen(publisher: Publisher, refs: Sequence[str], scope: str) -> list[Key]:
    """The sessions that references name, each with its subagents. Raises NotFound."""
    found: dict[Key, None] = {}
    for ref in refs:
        one = await publisher.parts.library.read(
            resolve, ResolveParams(ref=ref, scope=scope, all=not scope)
        )
        for agent, native_id in zip(one.tools, one.ids, strict=True):
            found[agent, native_id] = None
            for child in await publisher.parts.query(session.children, agent, native_id):
                found[child] = None
    return list(found)


async def published(publisher: Publisher, refs: Sequence[str], scope: str) -> list[Key]:
    """As `chosen`, also for sessions that are not in the index (any more), by their ids. Raises
    NotFound.
    """
    found: dict[Key, None] = {}
    everything = await publisher.parts.record(records.everything)
    for ref in refs:
        try:
            keys = await chosen(publisher, [ref], scope)
        except NotFound:
            keys = list({one.key: None for one in everything if _is_called(one, ref)})
            if not keys:
                raise
            if len(keys) > 1:
                rows = tuple(f"{agent}:{native_id}" for agent, native_id in keys)
                raise NotFound(
                    f"{ref} could be any of {len(keys)} sessions", "opensession recall ID", rows
                ) from None
        found.update(dict.fromkeys(keys))
    return list(found)


def _is_called(made: Publication, ref: str) -> bool:
    name = f"{made.agent}:{made.native_id}"
    return ref in (made.native_id, name, short(session_key("local", *made.key)))


async def approve(publisher: Publisher, params: rpc.DecideParams) -> list[str]:
    """Lets sessions go that wait for a person, and those named whatever the policy."""
    keys = await _named(publisher, params, "ask")
    now_us = records.now_us()
    expires_us = now_us + int(params.expires_seconds * 1e6) if params.expires_seconds > 0 else 0
    return await send(publisher, keys, Wish(expires_us=expires_us, go_on=True), "publish.approve")


async def send(publisher: Publisher, keys: Sequence[Key], wish: Wish, method: str) -> list[str]:
    """Marks sessions to be sent as far as they are now, and has them sent; their ids."""
    found = await publisher.parts.query(session.several, keys)
    ids = await mark(publisher.parts, found, wish, method)
    for one in found:
        publisher.touch(one.session.key)
    return ids


async def mark(parts: Parts, found: Sequence[Family], wish: Wish, method: str) -> list[str]:
    """Notes that sessions are to be sent as far as they are now; their ids."""
    says_more = bool(wish.expires_us or wish.team_id or wish.parents)
    now_us = records.now_us()

    def work(db: apsw.Connection) -> None:
        for one in found:
            made = records.obtain(db, parts.link.hub, *one.session.key)
            made = recalling.again(db, made)
            records.change(
                db,
                made.id,
                wanted=one.session.event_count,
                approved_us=now_us if wish.go_on else made.approved_us,
                expires_us=wish.expires_us or made.expires_us,
                team_id=wish.team_id or made.team_id,
                parents=msgspec.json.encode(wish.parents).decode()
                if wish.parents
                else made.parents,
                header=b"" if says_more else made.header,
            )

    await parts.user.run(work)
    ids = [one.session.native_id for one in found]
    if ids:
        audit.record(parts.paths, method, "exit", ids=ids, server=parts.link.server.url)
    return ids


async def deny(publisher: Publisher, params: rpc.DecideParams) -> list[str]:
    """Keeps sessions here; what was sent of them stays on the hub."""
    keys = await _named(publisher, params, "ask")
    now_us = records.now_us()

    def change(db: apsw.Connection, made: Publication) -> None:
        records.change(db, made.id, denied_us=now_us, approved_us=0, wanted=0)

    return await _each(publisher, keys, change)


async def refresh(publisher: Publisher, params: rpc.DecideParams) -> list[str]:
    """Sends again what differs, and tries again what the hub refused."""
    keys = await _named(publisher, params, "differs")
    found = await publisher.parts.query(session.several, keys)
    by_key = {one.session.key: one for one in found}

    def change(db: apsw.Connection, made: Publication) -> None:
        one = by_key.get(made.key)
        if one is not None:
            accept_rules(db, made, one, publisher.parts.rules)

    ids = await _each(publisher, list(by_key), change)
    if ids:
        audit.record(
            publisher.parts.paths,
            "publish.refresh",
            "exit",
            ids=ids,
            server=publisher.parts.link.server.url,
        )
    return ids


def accept_rules(db: apsw.Connection, made: Publication, one: Family, rules: str) -> None:
    """The difference counts from now on as one that the session itself made."""
    records.change(
        db,
        made.id,
        differs=0,
        differs_secret=0,
        refused="" if not made.gone else made.refused,
        failures=0,
        next_try_us=0,
        settled_us=-1,
        parser_version=one.session.parser_version,
        rules=rules_of(rules, one.session.rules),
        header=b"",
    )


async def recall(publisher: Publisher, params: rpc.RecallParams) -> rpc.RecallResult:
    """Takes publications back; waits a while for the hub."""
    keys = set(await published(publisher, params.refs, params.scope))
    hub = publisher.parts.link.hub
    now_us = records.now_us()

    def work(db: apsw.Connection) -> list[Publication]:
        there = [
            made
            for made in records.everything(db)
            if made.key in keys and not made.gone and (made.attempted or made.wanted)
        ]
        if params.really:
            for made in there:
                records.change(db, made.id, recall_us=now_us, wanted=0, approved_us=0)
        return there

    made = await publisher.parts.user.run(work)
    if not made:
        raise NotFound("nothing of it was sent", "opensession publish receipts")
    if not params.really:
        return rpc.RecallResult(ids=[], waiting=[one.native_id for one in made])
    ids = [one.native_id for one in made]
    audit.record(publisher.parts.paths, "publish.recall", "exit", ids=ids, server=hub.url)
    for one in made:
        publisher.touch(one.key)
    if any(one.hub != hub.url for one in made):
        publisher.look_elsewhere()
    done = await _recalled(publisher, made)
    return rpc.RecallResult(
        ids=[one.native_id for one in made if one.id in done],
        waiting=[one.native_id for one in made if one.id not in done],
    )


async def _recalled(publisher: Publisher, made: Sequence[Publication]) -> set[int]:
    """Those that the hub took back within some seconds."""
    numbers = {one.id for one in made}

    def work(db: apsw.Connection) -> set[int]:
        left = {one.id for one in records.everything(db) if one.recall_us > one.recalled_us}
        return numbers - left

    loop = asyncio.get_running_loop()
    until = loop.time() + RECALL_SECONDS
    done = await publisher.parts.user.run(work)
    while done != numbers and loop.time() < until and publisher.parts.link.reachable is not False:
        await asyncio.sleep(0.1)
        done = await publisher.parts.user.run(work)
    return done


async def _named(publisher: Publisher, params: rpc.DecideParams, state: str) -> list[Key]:
    """The sessions that are named, or (`all`) every one that stands so."""
    if not params.all:
        return await chosen(publisher, params.refs, params.scope)
    stood = await standings(publisher.parts, records.now_us())
    return [found.session.key for found, _, standing in stood if standing.state == state]


async def _each(
    publisher: Publisher,
    keys: Sequence[Key],
    work: Callable[[apsw.Connection, Publication], None],
) -> list[str]:
    hub = publisher.parts.link.hub

    def run(db: apsw.Connection) -> None:
        for key in keys:
            work(db, records.obtain(db, hub, *key))

    await publisher.parts.user.run(run)
    for key in keys:
        publisher.touch(key)
    return [native_id for _, native_id in keys]
