"""agents.*: which agents there are, and what lies on disk of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from opensession.core.rpc.index import AgentRow, AgentsListParams, AgentsListResult
from opensession.daemon.client import Client
from opensession.daemon.reconcile import scan, survey
from opensession.daemon.state import App, Handler
from opensession.parsers.agent import Agent, Root


async def list_(app: App, params: AgentsListParams, client: Client) -> AgentsListResult:
    """Every known agent. With `scan` the files are counted anew, without reading them."""
    await app.refresh_config()
    rows = []
    known = await app.library.agent_status()
    for agent in app.library.agents:
        roots = app.library.roots_of(agent)
        status = known.get(agent.name)
        if params.scan or status is None:
            sources, size = await asyncio.to_thread(_count, agent, roots)
        else:
            sources, size = status.sources, status.bytes
        rows.append(
            AgentRow(
                name=agent.name,
                label=agent.label,
                color=agent.color,
                enabled=app.loaded.settings.watchers.enabled(agent.name),
                folders=[root.path for root in roots],
                existing=[root.path for root in roots if Path(root.path).is_dir()],
                sources=sources,
                bytes=size,
                watching=status.watching if status else "off",
                variables=list(agent.variables),
                retention_days=agent.retention_days,
            )
        )
    return AgentsListResult(rows)


def _count(agent: Agent, roots: Sequence[Root]) -> tuple[int, int]:
    found = [part for root in roots if (part := scan(agent, root)) is not None]
    total = survey(found)
    return total.sources, total.bytes


HANDLERS: dict[str, Handler] = {"agents.list": list_}
