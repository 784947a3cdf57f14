"""`opensession coverage`: what was found of each agent, and what came of it."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from opensession.client import connection, output
from opensession.client.options import AsJson
from opensession.core.paths import find_paths
from opensession.core.rpc.coverage import (
    MOST_SOURCES,
    SOURCES,
    CoverageParams,
    CoverageResult,
)


def coverage(
    agent: Annotated[
        str, typer.Option("--agent", metavar="NAME", help="One agent alone.", show_default=False)
    ] = "",
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Every source and folder, also where all is well.")
    ] = False,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", min=0, max=MOST_SOURCES, metavar="N", help="Sources of each."
        ),
    ] = SOURCES,
    json: AsJson = False,
) -> int:
    """What was found of each agent, what was read, what was skipped or refused and why, and the
    newest change on disk against the newest that is indexed. No text of sessions is shown.
    Exit code 1 if a check of an agent is red, 3 if no daemon runs.

      opensession coverage
      opensession coverage --agent codex --all
      opensession coverage --json
    """
    paths = find_paths(os.environ)
    params = CoverageParams(agent=agent, all=every, limit=limit)
    with connection.connect(paths, os.environ) as daemon:
        found = daemon.call("agents.coverage", params, CoverageResult)
    if json:
        output.emit_json(found)
    else:
        from opensession.client.render import coverage as render

        screen = output.screen_of(sys.stdout)
        now_us = time.time_ns() // 1000
        everything = every or bool(agent)
        output.emit(
            render.coverage_lines(found, screen, now_us, str(paths.home), everything=everything)
        )
    red = any(check.state == "red" for each in found.agents for check in each.checks)
    return 1 if red else 0
