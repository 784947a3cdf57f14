"""Which folders are watched: the agents' own, those that variables and clients name, custom ones.

A root is resolved once, when the list is made; one that does not exist is in the list all the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePath

import msgspec

from opensession.core.config.settings import WatcherSettings
from opensession.parsers.agent import Agent, Environment, Root

_PROBED = 50
"""How many sources of a custom folder are looked at to tell whose it is."""

_NO_HOMES = frozenset({"All Users", "Default", "Default User", "Public"})


class Extra(msgspec.Struct, frozen=True):
    """A folder of an agent that a client's environment named through `variable`."""

    agent: str
    path: str
    variable: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where this daemon runs: the home folder, its environment, `sys.platform`."""

    home: str
    variables: Mapping[str, str]
    platform: str = sys.platform


def find_roots(
    agents: Sequence[Agent], watchers: WatcherSettings, place: Place, extra: Iterable[Extra] = ()
) -> list[Root]:
    """The roots of all enabled agents, resolved; one below another of the same agent is left out.

    A custom folder goes to the agent whose sources lie in it; while it is empty, to the one whose
    own folders are called the same, or to none.
    """
    enabled = [agent for agent in agents if watchers.enabled(agent.name)]
    more: dict[str, list[str]] = {agent.name: [] for agent in enabled}
    for folder in extra:
        if folder.agent in more:
            more[folder.agent].append(folder.path)
    for path in watchers.custom_paths:
        owner = owner_of(path, enabled, place)
        if owner is not None:
            more[owner.name].append(path)
    found: list[Root] = []
    for agent in enabled:
        roots = agent.roots(_environment(agent, place, more[agent.name]))
        for home in windows_homes(place.platform):
            beside = agent.roots(Environment(home, {}, place.platform))
            roots += [root for root in beside if Path(root.path).is_dir()]
        found += _distinct(roots)
    return found


def roots_of_variables(agents: Sequence[Agent], place: Place) -> list[Extra]:
    """The folders that the variables of `place` name and that an agent would not look in anyway,
    as when a client's shell relocates an agent that a service knows nothing of.
    """
    found: list[Extra] = []
    for agent in agents:
        bare = {root.path for root in agent.roots(Environment(place.home, {}, place.platform))}
        for variable in agent.variables:
            value = place.variables.get(variable, "")
            if not value:
                continue
            named = agent.roots(Environment(place.home, {variable: value}, place.platform))
            found += [
                Extra(agent.name, root.path, variable) for root in named if root.path not in bare
            ]
    return found


def owner_of(path: str, agents: Sequence[Agent], place: Place) -> Agent | None:
    """The agent that a custom folder belongs to, by what lies in it or else by its name."""
    claims: list[tuple[bool, int, Agent]] = []
    for agent in agents:
        own = {root.path for root in agent.roots(_environment(agent, place, ()))}
        if path in own:
            return agent
        for root in agent.roots(_environment(agent, place, [path])):
            if root.path in own:
                continue
            sources = list(islice(agent.sources(root), _PROBED))
            if sources:
                loose = _takes_any_name(agent, root, sources[0].path)
                claims.append((loose, -len(sources), agent))
    if claims:
        return min(claims, key=lambda claim: claim[:2])[2]
    for agent in agents:
        for root in agent.roots(_environment(agent, place, ())):
            if _alike(path, root.path, place.home):
                return agent
    return None


def windows_homes(platform: str, users: Path = Path("/mnt/c/Users")) -> list[str]:
    """The Windows homes that can be reached from WSL; none elsewhere."""
    if platform != "linux" or not _is_wsl():
        return []
    try:
        with os.scandir(users) as entries:
            return sorted(
                entry.path
                for entry in entries
                if entry.name not in _NO_HOMES and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return []


def _is_wsl() -> bool:
    return "microsoft" in os.uname().release.lower()


def _environment(agent: Agent, place: Place, extra: Sequence[str]) -> Environment:
    return Environment(place.home, place.variables, place.platform, tuple(extra))


def _takes_any_name(agent: Agent, root: Root, example: str) -> bool:
    """Whether an agent would claim any file with that suffix: then it gives way to one that knows
    its files by name.
    """
    path = PurePath(example)
    return agent.source_of(root, str(path.with_name("x" + path.suffix))) is not None


def _alike(path: str, own: str, home: str) -> bool:
    """Whether a folder is called as an agent's own is below the home, as in another home."""
    relative = PurePath(own).relative_to(home).parts if own.startswith(home + "/") else ()
    parts = PurePath(path).parts
    return bool(relative) and relative[0] in parts


def _distinct(roots: Iterable[Root]) -> list[Root]:
    resolved = [msgspec.structs.replace(root, path=os.path.realpath(root.path)) for root in roots]
    found: list[Root] = []
    for root in sorted(resolved, key=lambda root: len(root.path)):
        inside = any(
            root.path == outer.path or root.path.startswith(outer.path.rstrip("/") + "/")
            for outer in found
        )
        if not inside:
            found.append(root)
    return found
