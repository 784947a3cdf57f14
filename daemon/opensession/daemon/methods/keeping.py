"""archive.forget, privacy.allow, privacy.pause: what a person says of what is kept."""

from __future__ import annotations

import asyncio
import functools

import msgspec

from opensession.core.errors import NotFound, Unreachable, UsageError
from opensession.core.rpc import keeping as rpc
from opensession.core.rpc.sessions import ResolveParams
from opensession.core.timeparse import format_time
from opensession.daemon import audit
from opensession.daemon.client import Client
from opensession.daemon.guards import Guards
from opensession.daemon.state import App, Handler
from opensession.daemon.store import marks
from opensession.daemon.store.resolve import resolve

MOST_SECONDS = 30 * 86400.0

_counts = msgspec.json.Decoder(dict[str, int])


async def forget(app: App, params: rpc.ForgetParams, client: Client) -> rpc.ForgetResult:
    """Take away what is stored of a session and take in nothing more of it; with `undo`, take it
    in again. The agent's own file is never touched.
    """
    if params.undo:
        return rpc.ForgetResult(sources=await app.library.take_again(params.ref))
    agent, native_id = await _one(app, params.ref)
    name = _guards(app).session_hash(agent, native_id).hex()[:16]  # no id of what is forgotten
    changes = await app.library.forget(agent, native_id)
    audit.record(app.paths, "archive.forget", "destroy", id=name, sessions=len(changes))
    return rpc.ForgetResult(ids=[change.native_id for change in changes])


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
    "privacy.allow": allow,
    "privacy.pause": pause,
}
