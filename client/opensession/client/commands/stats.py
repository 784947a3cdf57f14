"""`opensession stats`: sums over sessions, tokens, cost and errors."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer

from opensession.client import output
from opensession.client.arguments import check_agent, folder_or_name
from opensession.client.options import AsJson, NoStart, PlainFormat, one_format
from opensession.client.start import reach
from opensession.core.paths import home_dir
from opensession.core.rpc.stats import Period, Stats, StatsParams


class PeriodName(StrEnum):
    """`day` is since midnight, `week` the last 7 days with today, `month` the last 30."""

    day = "day"
    week = "week"
    month = "month"
    all = "all"


def stats(
    period: Annotated[PeriodName, typer.Option(help="Local days, today included.")] = (
        PeriodName.week
    ),
    project: Annotated[str, typer.Option(metavar="NAME", help="Only a repository or folder.")] = "",
    tool: Annotated[
        str, typer.Option("--tool", "--agent", metavar="AGENT", help="Only this agent.")
    ] = "",
    format_: Annotated[PlainFormat | None, typer.Option("--format", help="How to print.")] = None,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Sessions, tokens, cost and errors of a period, by agent, model and file.

    opensession stats                      # the last 7 days, everywhere
    opensession stats --period month --project .
    opensession stats --period all --format json
    """
    shape = one_format(format_, json)
    params = StatsParams(
        period=cast(Period, str(period)),
        scope=str(Path.cwd()) if project == "." else "",
        project="" if project == "." else folder_or_name(project),
        tool=tool.replace("_", "-"),
        zone=local_zone(),
    )
    with reach(no_start=no_start) as daemon:
        found = daemon.call("stats.get", params, Stats)
        if tool and not found.total_sessions:
            check_agent(daemon, tool)
    if shape == "json":
        output.emit_json(found)
    else:
        from opensession.client.render import sums

        screen = output.screen_of(sys.stdout)
        output.emit(sums.stats_lines(found, screen, str(home_dir(os.environ))))
    output.note_scope([], found.indexing)


def local_zone() -> str:
    """The IANA name of this machine's time zone as this shell sees it; empty if it has none."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if named:
        return named if "/" in named or named == "UTC" else ""
    try:
        target = str(Path("/etc/localtime").resolve(strict=True))
    except OSError:
        return ""
    _, found, zone = target.partition("/zoneinfo/")
    return zone if found else ""
