"""archive.forget, archive.forgettable, archive.forgotten, privacy.allow, privacy.pause: what a
person says of what is kept.
"""

from __future__ import annotations

import asyncio
import functools

import msgspec

from opensession.core.errors import NotFound, Unreachable, UsageError
from opensession.core.rpc import keeping as rpc
from opensession.core.rpc.envelope import Nothing
from opensession.core.rpc.sessions import ResolveParams
from opensession.core.timeparse import format_time
from opensession.daemon import audit, forgettable
from opensession.daemon.client import Client
from opensession.daemon.forgettable import own_files, weigh
from opensession.daemon.guards import Guards
from opensession.daemon.publish import records
from opensession.daemon.state import App, Handler
from opensession.daemon.store import marks
from opensession.daemon.store.resolve import resolve

MOST_SECONDS = 30 * 86400.0

_counts = msgspec.json.Decoder(dict[str, int])


async def forget(app: App, params: rpc.ForgetParams, client: Client) -> rpc.ForgetResult:
    """Take away what is stored of sessions and take in nothing more of it; with `undo`, take it in
    again. The agent's own files are touched only with `also_source`, and first: if that is broken
    off, the sessions are still here to be forgotten again.
    """
    refs = [*([params.ref] if params.ref else []), *params.refs]
    if not refs:
        raise UsageError("which sessions?", "opensession forget --help")
    if params.undo:
        return rpc.ForgetResult(sources=sum([await app.library.take_again(ref) for ref in refs]))
    guards = _guards(app)
    weight = await app.library.read(weigh, rpc.ForgettableParams(refs=refs, all=True))
    published = await _published(app)
    removed: list[str] = []
    left: list[str] = []
    kept: set[str] = set()
    if params.also_source:
        agents = {agent.name: agent for agent in app.library.agents}
        files, shared = await asyncio.to_thread(own_files, weight, agents)
        removed, left = await asyncio.to_thread(forgettable.remove, files)
        left += [row.path for row in shared]
        kept = {name for row, names in weight.held if row.path in left for name in names}
    ids: list[str] = []
    for row in weight.rows:
        name = guards.session_hash(row.tool, row.id).hex()[:16]  # no id of what is forgotten
        changes = await app.library.forget(row.tool, row.id)
        audit.record(app.paths, "archive.forget", "destroy", id=name, sessions=len(changes))
        ids += [change.native_id for change in changes]
    if removed:
        audit.record(app.paths, "archive.forget", "destroy", files=len(removed))
    return rpc.ForgetResult(
        ids=ids,
        recalled=len(weight.keys & published),
        removed=removed,
        left=left,
        kept=[row.id for row in weight.rows if row.id in kept],
    )


async def would_forget(app: App, params: rpc.ForgettableParams, client: Client) -> rpc.Forgettable:
    """What `archive.forget` would take away."""
    weight = await app.library.read(weigh, params)
    agents = {agent.name: agent for agent in app.library.agents}
    files, shared = await asyncio.to_thread(own_files, weight, agents)
    names = _guards(app).names.names
    return rpc.Forgettable(
        sessions=[forgettable.shown(row) for row in weight.rows],
        subagents=max(0, len(weight.keys) - len(weight.rows)),
        events=weight.events,
        bytes=weight.bytes,
        gone=sum(row.source_gone for row in weight.rows),
        published=len(weight.keys & await _published(app)),
        files=sorted(file.path for file in files),
        file_bytes=sum(file.bytes for file in files),
        shared=len(shared),
        beside=weight.beside,
        named=sum(names.of(*key).said for key in weight.keys),
    )


async def forgotten(app: App, params: Nothing, client: Client) -> rpc.Forgotten:
    """How many sessions are forgotten, and what is still to be done for that."""
    erasing = await app.library.query(
        lambda db: db.execute("SELECT 1 FROM meta WHERE key = 'erase'").get
    )
    recalls = 0
    if app.publisher is not None:
        made = await app.publisher.parts.record(records.everything)
        recalls = sum(one.recall_us > one.recalled_us for one in made)
    return rpc.Forgotten(
        sessions=_guards(app).private_count, erasing=erasing is not None, recalls=recalls
    )


async def _published(app: App) -> set[tuple[str, str]]:
    """The sessions that may be on a hub."""
    if app.publisher is None:
        return set()
    made = await app.publisher.parts.record(records.everything)
    return {one.key for one in made if one.attempted and not one.gone}


async def allow(app: App, params: rpc.AllowParams, client: Client) -> rpc.AllowResult:
    """Let a session leave although it holds something of a blocked set, or not any more."""
    agent, native_id = await _one(app, params.ref)
    guards = _guards(app)
    found = await app.library.query(
        lambda db: (
            db.execute(
                "SELECT redactions FROM session WHERE agent = ? AND native_id = ?",
                (agent, native_id),
            ).get
        )
    )
    blocked = marks.blocked(_counts.decode(found)) if isinstance(found, str) else []
    changed = await asyncio.to_thread(
        functools.partial(guards.allow, agent, native_id, undo=params.undo)
    )
    return rpc.AllowResult(
        id=native_id, tool=agent, blocked=blocked, allowed=not params.undo, changed=changed
    )


async def pause(app: App, params: rpc.PauseParams, client: Client) -> rpc.PauseResult:
    """Begin or end a pause, or tell whether one goes on."""
    pauses = app.library.pauses
    if pauses is None:
        raise Unreachable("no daemon watches", "opensession daemon start")
    if params.off and params.seconds:
        raise UsageError("a pause either begins or ends", "opensession pause --off")
    if not 0 <= params.seconds <= MOST_SECONDS:
        raise UsageError("a pause lasts up to 30 days", "opensession pause 1h")
    if params.off or params.seconds:
        await app.library.pause(0 if params.off else params.seconds)
    now = pauses.current
    if now is None:
        return rpc.PauseResult(paused=False)
    return rpc.PauseResult(
        paused=True, since=format_time(now.begun_us), until=format_time(now.until_us)
    )


async def _one(app: App, ref: str) -> tuple[str, str]:
    """Agent and id of the one session that a reference names."""
    found = await app.library.read(resolve, ResolveParams(ref=ref, all=True))
    if len(found.ids) != 1:
        raise NotFound(f"{ref} names {len(found.ids)} sessions", "opensession log --all")
    return found.tools[0], found.ids[0]


def _guards(app: App) -> Guards:
    if app.library.guards is None:
        raise Unreachable("no daemon watches", "opensession daemon start")
    return app.library.guards


HANDLERS: dict[str, Handler] = {
    "archive.forget": forget,
    "archive.forgettable": would_forget,
    "archive.forgotten": forgotten,
    "privacy.allow": allow,
    "privacy.pause": pause,
}
