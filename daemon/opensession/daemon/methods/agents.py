"""agents.*: which agents there are, what lies on disk of each, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import apsw

from opensession.core.errors import NotFound
from opensession.core.rpc.coverage import AgentCoverage, CoverageParams, CoverageResult
from opensession.core.rpc.index import AgentRow, AgentsListParams, AgentsListResult
from opensession.daemon import checks, facts
from opensession.daemon.client import Client
from opensession.daemon.coverage import agents as coverage_of_agents
from opensession.daemon.reconcile import scan, survey
from opensession.daemon.root_watch import resolved
from opensession.daemon.state import App, Handler
from opensession.parsers.agent import Agent, Root
from opensession.parsers.registry import INSTALLED


async def list_(app: App, params: AgentsListParams, client: Client) -> AgentsListResult:
    """Every known agent. With `scan` the files are counted anew, without reading them."""
    await app.refresh_config()
    rows = []
    known = await app.library.agent_status()
    agents = app.library.agents
    places = await asyncio.to_thread(app.library.roots_of, agents)
    for agent, roots in zip(agents, places, strict=True):
        status = known.get(agent.name)
        if params.scan or status is None:
            sources, size = await asyncio.to_thread(_count, agent, roots, agents)
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


async def coverage(app: App, params: CoverageParams, client: Client) -> CoverageResult:
    """What was found of each agent and what came of it. Raises NotFound for an unknown name."""
    await app.refresh_config()
    library = app.library
    wanted = params.agent.replace("_", "-").lower()
    agents = [agent for agent in library.agents if wanted in ("", agent.name)]
    if not agents:
        raise NotFound(f"no such agent: {params.agent}", "opensession discover")
    enabled = app.loaded.settings.watchers.enabled
    statuses = await library.agent_status(look=True)
    indexing = library.indexing()
    found = checks.check_agents(statuses, indexing, time.time_ns() // 1000)

    def work(db: apsw.Connection) -> list[AgentCoverage]:
        places = [
            (agent, enabled(agent.name), resolved(roots))
            for agent, roots in zip(agents, library.roots_of(agents), strict=True)
        ]
        known = library.coverage_facts()
        return coverage_of_agents(db, params, places, statuses, found, known)

    return CoverageResult(
        agents=await library.query(work),
        unrecognised=await asyncio.to_thread(library.unrecognised),
        problems=list(INSTALLED.problems),
        ignored=await facts.repository_notes(app),
        indexing=indexing,
    )


def _count(agent: Agent, roots: Sequence[Root], agents: Sequence[Agent]) -> tuple[int, int]:
    found = [part for root in roots if (part := scan(agent, root, agents=agents)) is not None]
    total = survey(found)
    return total.sources, total.bytes


HANDLERS: dict[str, Handler] = {"agents.list": list_, "agents.coverage": coverage}
