"""What agents will delete soon, for `status`, `health` and what else tells of it."""

from __future__ import annotations

import asyncio
import time

import msgspec

from opensession.core.errors import OpenSessionError
from opensession.core.rpc.daemon import Check
from opensession.core.rpc.retention import Forecast
from opensession.daemon import retention
from opensession.daemon.retention import Retention
from opensession.daemon.root_watch import resolved
from opensession.daemon.state import App
from opensession.parsers.agent import Agent

_KEY = "archive.keep_days"


async def forecasts(app: App) -> list[Forecast]:
    """A forecast for each agent that deletes by age and has sessions; nothing while the index is
    being replaced. Reads the agents' settings.
    """
    found: list[Forecast] = []
    chosen = app.loaded.origins.get(_KEY, "default") != "default"
    for agent in app.library.agents:
        if agent.retention_days is None:
            continue
        try:
            sessions = await app.library.query(retention.kept, agent.name)
            folders = await app.library.query(retention.folders, agent.name)
        except OpenSessionError:
            return []
        if not sessions:
            continue
        by_root = await asyncio.to_thread(_by_root, app, agent, folders)
        told = retention.forecast(agent.name, by_root, sessions, time.time_ns() // 1000)
        if told is not None:
            shortest = Retention(told.days, told.default_days, told.origin)
            configured = app.loaded.settings.archive.keep_days
            days = retention.keep_days(shortest, configured, chosen=chosen)
            found.append(msgspec.structs.replace(told, keep_days=days))
    return found


def notices(found: list[Forecast]) -> list[str]:
    """What a person should know now."""
    return [said for said in map(retention.sentence, found) if said]


def checks(found: list[Forecast], *, archiving: bool) -> list[Check]:
    """One check an agent: whether what it deletes stays here."""
    made = []
    for each in found:
        said = retention.sentence(each) or f"{each.tool} deletes sessions after {each.days:g} days"
        lost = each.archived < each.sessions
        if lost and not archiving:
            hint = "opensession config set archive.raw true"
        else:
            hint = "opensession index --wait" if lost else ""
        made.append(
            Check(
                name=f"retention.{each.tool}",
                state="warn" if lost else "ok",
                message=said,
                hint=hint,
            )
        )
    return made


def _by_root(app: App, agent: Agent, folders: list[str]) -> dict[str, Retention]:
    roots = [root for found in map(resolved, app.library.roots_of([agent])) for root in found]
    return {root.path: retention.of_root(agent, root, folders) for root in roots}
