"""Agents of other distributions: the entry points of group `opensession.agents`.

    [project.entry-points."opensession.agents"]
    acme = "opensession_acme:AGENT"

An entry point names an object that fulfils `agent.Agent`, mostly an instance of a class that
inherits from it. `docs/example-agent` is a whole distribution.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from opensession.parsers.agent import Agent
from opensession.parsers.guarded import Guarded

GROUP = "opensession.agents"

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "label": str,
    "color": str,
    "parser_version": int,
    "variables": tuple,
    "retention_days": (int, type(None)),
    "resume": tuple,
    "ids": str,
}
_METHODS = ("roots", "sources", "source_of", "read", "files", "storage")


class Installed(msgspec.Struct, frozen=True):
    """The agents that could be loaded, and for each that could not a sentence why."""

    agents: tuple[Agent, ...] = ()
    problems: tuple[str, ...] = ()


def installed(taken: Collection[str], found: Iterable[EntryPoint] | None = None) -> Installed:
    """The agents of other distributions; the names `taken` are those of our own.

    Whatever is wrong with one costs that one only.
    """
    if found is None:
        found = entry_points(group=GROUP)
    agents: dict[str, Agent] = {}
    problems = []
    for point in sorted(found, key=lambda point: (point.name, point.value)):
        try:
            agent = _checked(point.load())
        except Exception as error:
            reason = str(error) if isinstance(error, _Unfit) else type(error).__name__
            problems.append(f"the agent {point.name} ({point.value}) is left out: {reason}")
            continue
        if agent.name in taken or agent.name in agents:
            problems.append(
                f"the agent {point.name} ({point.value}) is left out: its name is taken"
            )
            continue
        agents[agent.name] = Guarded(agent)
    return Installed(tuple(agents.values()), tuple(problems))


class _Unfit(Exception):
    """An object that is no agent; the message says what it lacks."""


def _checked(value: Any) -> Agent:
    name = getattr(value, "name", None)
    if not isinstance(name, str) or not _NAME.match(name):
        raise _Unfit("it has no name of small letters, digits and hyphens")
    for field, kind in _FIELDS.items():
        if not isinstance(getattr(value, field, _FIELDS), kind):
            raise _Unfit(f"its {field} is missing, or of another type")
    for method in _METHODS:
        if not callable(getattr(value, method, None)):
            raise _Unfit(f"it has no method {method}")
    agent: Agent = value
    return agent
