"""`opensession watcher list|enable|disable`: which agents are watched."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from opensession.client import output
from opensession.client.asking import ask
from opensession.client.options import AsJson
from opensession.core.errors import UsageError
from opensession.core.paths import home_dir
from opensession.core.rpc.config import ConfigSetParams, ConfigSetResult
from opensession.core.rpc.index import AgentRow, AgentsListParams, AgentsListResult

Names = Annotated[list[str], typer.Argument(metavar="AGENT...", help="Names of agents.")]


def list_agents(json: AsJson = False) -> None:
    """Which agents are watched, how (events or polling), and where.

    opensession watcher list
    """
    rows = _agents()
    if json:
        output.emit_json(rows)
        return
    from opensession.client.render import agents

    output.emit(agents.watched_lines(rows, output.screen_of(sys.stdout), str(home_dir(os.environ))))


def enable(names: Names) -> None:
    """Watch agents. Written to the settings; comments are kept.

    opensession watcher enable codex
    """
    _switch(names, on=True)


def disable(names: Names) -> None:
    """Stop watching agents; what is indexed stays. Written to the settings; comments are kept.

    opensession watcher disable codex
    """
    _switch(names, on=False)


def _switch(names: list[str], *, on: bool) -> None:
    known = {row.name for row in _agents()}
    wanted = [name.replace("_", "-").lower() for name in names]
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"no such agent: {name}",
                "opensession discover        # the agents that are known, and what was found",
            )
    values = {f"watchers.{name.replace('-', '_')}": on for name in wanted}
    done = ask("config.set", ConfigSetParams(values=values), ConfigSetResult)
    output.note(f"{', '.join(wanted)}: {'watched' if on else 'no longer watched'}")
    for warning in done.warnings:
        output.note(warning)
    if done.restart_due:
        output.note("next: opensession daemon restart")


def _agents() -> list[AgentRow]:
    return ask("agents.list", AgentsListParams(scan=False), AgentsListResult).agents
