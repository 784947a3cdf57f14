"""Where agents' folders are: their defaults, the configuration, and what clients told of."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import msgspec

from opensession.core.paths import Paths
from opensession.daemon import wsl
from opensession.daemon.custom_paths import Judged, home_roots
from opensession.daemon.user_data import ExtraRoot
from opensession.parsers.agent import Agent, Environment, Root


def environment(
    agent: Agent,
    plain: Environment,
    judged: Mapping[str, Judged],
    told: Sequence[ExtraRoot],
) -> Environment:
    """Where to look for the sessions of an agent: `told` are folders that clients named, `judged`
    those of the configuration.
    """
    custom = [folder for folder, each in judged.items() if agent.name in each.takers]
    extra = [root.path for root in told if root.agent == agent.name]
    return msgspec.structs.replace(plain, extra=(*custom, *extra))


def roots_of(
    agent: Agent,
    plain: Environment,
    judged: Mapping[str, Judged],
    told: Sequence[ExtraRoot],
) -> list[Root]:
    """The folders of an agent."""
    custom: list[Root] = []
    for folder, each in judged.items():
        custom += [root for root in each.loose if root.agent == agent.name]
        custom += home_roots(agent, folder) if each.home else []
    return [*custom, *agent.roots(environment(agent, plain, judged, told)), *wsl.roots(agent)]


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
