"""stream.* and publish.*: what is published by itself, what waits, what was sent."""

from __future__ import annotations

import os

import apsw

from opensession.core.errors import NotFound, Unreachable, UsageError
from opensession.core.rpc import publish as rpc
from opensession.daemon import audit
from opensession.daemon.client import Client
from opensession.daemon.publish import deciding, listing, policy, records, session
from opensession.daemon.publish.policy import Stream
from opensession.daemon.publish.publisher import Publisher
from opensession.daemon.state import App, Handler


async def publisher_of(app: App) -> Publisher:
    """The publisher, once it knows the hub. Raises Unreachable where no daemon watches."""
    if app.publisher is None:
        raise Unreachable("no daemon watches", "opensession daemon start")
    await app.publisher.ready.wait()
    return app.publisher


async def stream_status(app: App, params: rpc.StreamParams, client: Client) -> rpc.StreamResult:
    """All policies."""
    await app.refresh_config()
    return await listing.streams(await publisher_of(app))


async def enable(app: App, params: rpc.StreamParams, client: Client) -> rpc.StreamResult:
    """Make or change a policy, or only say what it would be. Raises Refused where nothing could be
    sent.
    """
    await app.refresh_config()
    publisher = await publisher_of(app)
    publisher.check_usable()
    agent, repo = await _named(app, params)
    row = Stream(agent, repo, params.mode, records.now_us(), "stream")
    if not params.really:
        row = await publisher.parts.record(policy.as_put, row)
        return await listing.streams(publisher, changed=row, planned=True)
    row = await publisher.parts.record(policy.put, row)
    audit.record(app.paths, "stream.enable", "exit", agent=agent, repo=repo, mode=row.mode)
    await publisher.read_streams()
    await publisher.look_again()
    return await listing.streams(publisher, changed=row)


async def disable(app: App, params: rpc.StreamParams, client: Client) -> rpc.StreamResult:
    """End a policy. Where a wider one would go on, this agent or folder is taken out of it."""
    await app.refresh_config()
    publisher = await publisher_of(app)
    agent, repo = await _named(app, params)

    def work(db: apsw.Connection) -> Stream | None:
        before = policy.take_away(db, agent, repo, "stream")
        wider = [
            row
            for row in policy.streams(db)
            if row.mode != "manual"
            and row.agent in ("", agent)
            and (not row.repo or bool(repo and policy.is_below(repo, row.repo)))
        ]
        if wider:
            policy.put(db, Stream(agent, repo, "manual", records.now_us(), "stream"))
            return before or wider[0]
        return before if before is not None and before.mode != "manual" else None

    before = await publisher.parts.user.run(work)
    await publisher.read_streams()
    await publisher.look_again()
    return await listing.streams(publisher, changed=before, undone=before is not None)


async def _named(app: App, params: rpc.StreamParams) -> tuple[str, str]:
    """Agent and folder that a call is about. Raises NotFound, UsageError."""
    agent = params.agent.strip().lower().replace("_", "-")
    names = [one.name for one in app.library.agents]
    if agent and agent not in names:
        raise NotFound(f"no agent is called {params.agent}", "opensession discover", tuple(names))
    repo = params.repo.rstrip("/") if params.repo != "/" else "/"
    if repo and not repo.startswith("/"):
        raise UsageError("the folder is not absolute", "opensession stream enable --repo .")
    if agent or repo:
        return agent, os.path.normpath(repo) if repo else ""
    agent = await app.library.query(session.newest_agent, params.scope) if params.scope else ""
    if not agent:
        raise NotFound("no agent wrote here yet", "opensession stream enable --agent NAME")
    return agent, ""


async def pending(app: App, params: rpc.PendingParams, client: Client) -> rpc.PendingResult:
    """What is not (wholly) on the hub, with the reason."""
    await app.refresh_config()
    return await listing.pending(await publisher_of(app), params)


async def approve(app: App, params: rpc.DecideParams, client: Client) -> rpc.DecideResult:
    """Let sessions go. Raises NotFound, Refused."""
    await app.refresh_config()
    publisher = await publisher_of(app)
    publisher.check_usable()
    return rpc.DecideResult(ids=await deciding.approve(publisher, params))


async def deny(app: App, params: rpc.DecideParams, client: Client) -> rpc.DecideResult:
    """Keep sessions here. Raises NotFound."""
    return rpc.DecideResult(ids=await deciding.deny(await publisher_of(app), params))


async def refresh(app: App, params: rpc.DecideParams, client: Client) -> rpc.DecideResult:
    """Send again what newer rules or parsers changed. Raises NotFound, Refused."""
    await app.refresh_config()
    publisher = await publisher_of(app)
    publisher.check_usable()
    return rpc.DecideResult(ids=await deciding.refresh(publisher, params))


async def receipts(app: App, params: rpc.ReceiptsParams, client: Client) -> rpc.ReceiptsResult:
    """What hubs acknowledged."""
    return await listing.receipts(await publisher_of(app), params)


async def recall(app: App, params: rpc.RecallParams, client: Client) -> rpc.RecallResult:
    """Take publications back. Raises NotFound, Refused."""
    await app.refresh_config()
    publisher = await publisher_of(app)
    publisher.check_usable()
    return await deciding.recall(publisher, params)


HANDLERS: dict[str, Handler] = {
    "stream.status": stream_status,
    "stream.enable": enable,
    "stream.disable": disable,
    "publish.pending": pending,
    "publish.approve": approve,
    "publish.deny": deny,
    "publish.refresh": refresh,
    "publish.receipts": receipts,
    "publish.recall": recall,
}
