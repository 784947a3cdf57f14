"""Where agents' folders are: their defaults, the configuration, and what clients told of."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import msgspec

from opensession.core.config import Settings
from opensession.core.paths import Paths
from opensession.daemon import custom_paths
from opensession.daemon.user_data import ExtraRoot
from opensession.parsers.agent import Agent, Environment
from opensession.parsers.registry import AGENTS


def environment(
    agent: Agent,
    paths: Paths,
    environ: Mapping[str, str],
    settings: Settings,
    told: Sequence[ExtraRoot],
    agents: Sequence[Agent] = AGENTS,
) -> Environment:
    """Where to look for the sessions of an agent: `told` are folders that clients named, `agents`
    all there are.
    """
    plain = plain_environment(paths, environ)
    custom = [
        path
        for path in settings.watchers.custom_paths
        if not custom_paths.is_home(path, agents)
        and custom_paths.may_have(agent, agents, plain, path)
    ]
    extra = [root.path for root in told if root.agent == agent.name]
    return msgspec.structs.replace(
        plain, extra=(*custom, *extra), projects=settings.watchers.repos
    )


def plain_environment(paths: Paths, environ: Mapping[str, str]) -> Environment:
    """Where to look by default, without further folders."""
    return Environment(home=str(paths.home), variables=environ, platform=sys.platform)


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
