"""daemon.*: who answers, how it is, stop, reload, logs."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Mapping

from opensession.core import __version__
from opensession.core.config import changed_keys
from opensession.core.errors import ProtocolMismatch
from opensession.core.rpc import daemon as rpc
from opensession.core.rpc.envelope import PROTOCOL, Nothing
from opensession.core.rpc.methods import METHODS
from opensession.daemon import doctor, facts, logs
from opensession.daemon.client import Client
from opensession.daemon.roots import named_by
from opensession.daemon.state import App, Handler
from opensession.daemon.user_data import extra_roots, remember_root

log = logging.getLogger(__name__)

MOST_LINES = 10_000

MOST_ROOTS = 64
"""Folders remembered at most: a client whose variables change all the time fills nothing up."""


async def hello(app: App, params: rpc.HelloParams, client: Client) -> rpc.Hello:
    """Greet a client; where its environment puts agents' folders is remembered.

    Raises ProtocolMismatch for a client that speaks another protocol (0: it does not say).
    """
    client.client = params.client[:80]
    if params.protocol not in (0, PROTOCOL):
        older = "daemon" if params.protocol > PROTOCOL else "client"
        raise ProtocolMismatch(
            f"the daemon {__version__} speaks protocol {PROTOCOL}, {params.client or 'the client'}"
            f" speaks {params.protocol}: the {older} is the older one",
            "opensession daemon restart" if older == "daemon" else "update opensession",
        )
    await _take_variables(app, params.env)
    return rpc.Hello(
        version=__version__,
        protocol=PROTOCOL,
        pid=os.getpid(),
        instance=app.instance,
        features=sorted(method.name for method in METHODS),
    )


async def _take_variables(app: App, variables: Mapping[str, str]) -> None:
    """DECISIONS §6: remember the folders that a client's variables name, watch them, say so.

    A daemon that runs as a service lacks the shell's `CLAUDE_CONFIG_DIR`, `CODEX_HOME`…
    """
    if app.user is None or not variables:
        return
    told = await app.user.run(extra_roots)
    new = [
        root
        for agent in app.library.agents
        for root in named_by(agent, variables, app.library.environment(agent, told))
    ]
    if not new:
        return
    for root in new[: max(0, MOST_ROOTS - len(told))]:
        if await app.user.run(functools.partial(remember_root, root=root)):
            said = f"watching {root.path} as well, which {root.variable} names ({root.agent})"
            log.info("%s", said)
            app.notices[f"root.{root.path}"] = said
    await app.library.take_roots(await app.user.run(extra_roots))


async def status(app: App, params: Nothing, client: Client) -> rpc.Status:
    """How the daemon is. What was noticed once (a damaged index, what is kept) is told here."""
    await app.refresh_config()
    return await facts.status(app)


async def health(app: App, params: Nothing, client: Client) -> rpc.Health:
    """Every check there is."""
    await app.refresh_config()
    found = await doctor.health_checks(app)
    return rpc.Health(healthy=all(check.state != "red" for check in found), checks=found)


async def stop(app: App, params: Nothing, client: Client) -> rpc.StopResult:
    """End in good order; the answer is sent before."""
    log.info("asked to stop by %s", client.client or "a client")
    app.stopping.set()
    return rpc.StopResult(stopping=True)


async def reload(app: App, params: Nothing, client: Client) -> rpc.ReloadResult:
    """Read the configuration anew. Bad values are told and change nothing."""
    before = app.loaded.settings
    await app.refresh_config(force=True)
    return rpc.ReloadResult(
        changed=changed_keys(before, app.loaded.settings),
        restart_due=app.restart_due,
        warnings=[*app.refused, *app.loaded.warnings],
    )


async def read_log(app: App, params: rpc.LogsParams, client: Client) -> rpc.LogsResult:
    """The end of the log."""
    path = app.paths.log_file
    lines = await asyncio.to_thread(logs.tail, path, min(params.lines, MOST_LINES))
    return rpc.LogsResult(path=str(path), lines=lines)


HANDLERS: dict[str, Handler] = {
    "daemon.hello": hello,
    "daemon.status": status,
    "daemon.health": health,
    "daemon.stop": stop,
    "daemon.reload": reload,
    "daemon.logs": read_log,
}
