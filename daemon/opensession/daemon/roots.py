"""Where agents' folders are: their defaults, the configuration, and what clients told of."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import msgspec

from opensession.core.config import Settings
from opensession.core.paths import Paths
from opensession.daemon.user_data import ExtraRoot
from opensession.parsers.agent import Agent, Environment
from opensession.parsers.registry import AGENTS


def environment(
    agent: Agent,
    paths: Paths,
    environ: Mapping[str, str],
    settings: Settings,
    told: Sequence[ExtraRoot],
) -> Environment:
    """Where to look for the sessions of an agent: `told` are folders that clients named."""
    plain = Environment(home=str(paths.home), variables=environ, platform=sys.platform)
    custom = [path for path in settings.watchers.custom_paths if _may_have(agent, plain, path)]
    extra = [root.path for root in told if root.agent == agent.name]
    return msgspec.structs.replace(plain, extra=(*custom, *extra))


def named_by(agent: Agent, variables: Mapping[str, str], known: Environment) -> list[ExtraRoot]:
    """The folders of an agent that its own variables name, beyond those that are known."""
    default = Environment(known.home, {}, known.platform)
    have = {root.path for env in (known, default) for root in agent.roots(env)}
    found: dict[str, ExtraRoot] = {}
    for name in agent.variables:
        value = variables.get(name, "")
        if not value or len(value) > 4096:
            continue
        alone = Environment(known.home, {name: value}, known.platform)
        for root in agent.roots(alone):
            if root.path not in have:
                found.setdefault(root.path, ExtraRoot(agent.name, root.path, name))
    return list(found.values())


def _may_have(agent: Agent, plain: Environment, folder: str) -> bool:
    """Whether a folder of the configuration may hold sessions of `agent`.

    An agent that takes a file of any name gives way where one that knows its own by their names
    has some; otherwise it would read another agent's files as its own.
    """
    if not _takes_any(agent, plain, folder):
        return True
    return not any(
        other is not agent
        and not _takes_any(other, plain, folder)
        and any(
            next(iter(other.sources(root)), None) is not None
            for root in other.roots(msgspec.structs.replace(plain, extra=(folder,)))
            if root.path == folder or root.path.startswith(folder.rstrip("/") + "/")
        )
        for other in AGENTS
    )


def _takes_any(agent: Agent, plain: Environment, folder: str) -> bool:
    return any(
        agent.source_of(root, f"{root.path}/any.jsonl") is not None
        for root in agent.roots(msgspec.structs.replace(plain, extra=(folder,)))
        if root.path == folder
    )
