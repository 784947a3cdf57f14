"""Further folders of the configuration: which agents' sessions they hold, by names and content.

A folder may be an agent's own (`.claude`, the `User` folder of an editor), a home that holds
several, or anything that files were copied to. What an agent looks for in it, the agent says
itself; what is decided here is who gives way to whom.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from opensession.core.rpc.coverage import Unrecognised
from opensession.parsers.agent import Agent, Environment, Root, Source
from opensession.parsers.detection import HEAD_BYTES

PROBES = 8
"""So many files of a folder are looked into to tell whose they are."""

LOOSE_FILES = 200
"""So many files are looked into in a folder whose files no agent knows by their names."""

SEEN_ENTRIES = 10_000
"""So many entries of a folder are looked at where no agent knows any of them by its name."""

LIKELY = 0.5

PLATFORMS = ("linux", "darwin", "win32")
"""A home may have been copied, or be mounted, from a machine of another kind."""

_DULL = frozenset({".git", "node_modules", "__pycache__", ".venv"})

_DATABASES = (".db", ".vscdb", ".sqlite", ".sqlite3", "-wal", "-shm", "-journal")


def home_roots(agent: Agent, folder: str) -> list[Root]:
    """The roots of an agent if the folder is a home, as far as they exist."""
    found: dict[str, Root] = {}
    for platform in PLATFORMS:
        for root in agent.roots(Environment(home=folder, variables={}, platform=platform)):
            if _is_below(root.path, folder) and Path(root.path).is_dir():
                found.setdefault(root.path, root)
    return list(found.values())


def is_home(folder: str, agents: Sequence[Agent]) -> bool:
    """Whether agents have sessions in a folder as they have in a person's home."""
    return any(
        next(iter(agent.sources(root)), None) is not None
        for agent in agents
        for root in home_roots(agent, folder)
    )


class Loose(Root, frozen=True):
    """A folder in which files are an agent's by how they begin, whatever their names, or by their
    names alone, wherever they lie.
    """


class Judged(msgspec.Struct, frozen=True):
    """What a folder of the configuration is taken for: a home, or a folder in which the agents
    `takers` look for their own; `loose` has those whose files there have other names. `found` says
    that any agent finds anything.
    """

    found: bool
    home: bool = False
    takers: frozenset[str] = frozenset()
    loose: tuple[Loose, ...] = ()


def judge(folder: str, agents: Sequence[Agent], plain: Environment) -> Judged:
    """What a folder is, by the names in it, and where these say too little by how files begin.

    An agent that takes a file of any name gives way where one that knows its own by their names
    has some, and where the files begin as another agent's do; otherwise it would read another
    agent's files as its own. Looks through the folder: not for a thread that must not wait.
    """
    if not Path(folder).is_dir():
        return Judged(found=False, takers=frozenset(agent.name for agent in agents))
    if is_home(folder, agents):
        return Judged(found=True, home=True)
    having = {agent.name for agent in agents if _has(agent, plain, folder)}
    any_name = {agent.name: _any_name(agent, plain, folder) for agent in agents}
    knowing = {agent.name for agent in agents if not any_name[agent.name]} & having
    takers = set()
    for agent in agents:
        if folder in any_name[agent.name] and knowing:
            continue
        if any_name[agent.name] and agent.name in having:
            others = [other for other in agents if other.name in knowing]
            if not _are_its_own(agent, agents, others, plain, folder):
                continue
        takers.add(agent.name)
    if takers & having:
        return Judged(found=True, takers=frozenset(takers))
    claims = {_claimed(path, agents) for path in islice(_files(folder), LOOSE_FILES)}
    claims |= {agent.name for agent in agents if _knows_in(agent, folder)}
    loose = tuple(Loose(agent.name, folder) for agent in agents if agent.name in claims)
    return Judged(found=bool(loose), takers=frozenset(takers), loose=loose)


def _are_its_own(
    agent: Agent,
    agents: Sequence[Agent],
    knowing: Sequence[Agent],
    plain: Environment,
    folder: str,
) -> bool:
    """Whether files that an agent takes for want of a better name may be its own: some begin so,
    or no agent claims any by how it begins or, of those that are `knowing`, by its name.
    """
    claims = []
    for source in islice(_sources(agent, plain, folder), PROBES):
        claim = _claimed(source.path, agents) or _named(source.path, knowing, plain, folder)
        claims += [claim] if claim else []
    return not claims or agent.name in claims


def _named(path: str, agents: Sequence[Agent], plain: Environment, folder: str) -> str:
    """The first agent that knows a file by its name; empty if none does."""
    for agent in agents:
        for root in _roots(agent, plain, folder):
            if agent.source_of(root, path) is not None:
                return agent.name
    return ""


def unrecognised(judged: Mapping[str, Judged]) -> list[Unrecognised]:
    """The folders in which no agent finds anything, and why."""
    return [
        Unrecognised(
            folder,
            "nothing in it is known as an agent's"
            if Path(folder).is_dir()
            else "there is no such folder",
        )
        for folder, each in judged.items()
        if not each.found
    ]


def loose_sources(agent: Agent, root: Loose, agents: Sequence[Agent]) -> Iterator[Source]:
    """What is an agent's in such a folder, by names and by content."""
    named = {source.path: source for source in agent.sources(root)}
    yield from named.values()
    for path in islice(_files(root.path), LOOSE_FILES):
        if path not in named and _claimed(path, agents) == agent.name:
            yield Source(agent.name, root.path, path)


def _claimed(path: str, agents: Sequence[Agent]) -> str:
    """The agent whose files begin as this one does; empty if there is none.

    A database is not opened: another part of this process may have it open (DECISIONS §8).
    """
    if path.endswith(_DATABASES):
        return ""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError):
        return ""
    try:
        head = os.read(descriptor, HEAD_BYTES)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    name, likely = "", LIKELY
    for agent in agents:
        confidence = agent.recognises(path, head)
        if confidence > likely:
            name, likely = agent.name, confidence
    return name


def _files(folder: str) -> Iterator[str]:
    """Files below a folder, of so many entries as are looked at; links are not followed."""
    seen = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _DULL)
        yield from (f"{place}/{name}" for name in sorted(names))
        seen += len(folders) + len(names)
        if seen > SEEN_ENTRIES:
            return


def _roots(agent: Agent, plain: Environment, folder: str) -> list[Root]:
    """The roots that an agent has because of a folder."""
    extra = msgspec.structs.replace(plain, extra=(folder,))
    have = {root.path for root in agent.roots(plain)}
    return [
        root for root in agent.roots(extra) if root.path not in have or _is_below(root.path, folder)
    ]


def _sources(agent: Agent, plain: Environment, folder: str) -> Iterator[Source]:
    for root in _roots(agent, plain, folder):
        yield from agent.sources(root)


def _has(agent: Agent, plain: Environment, folder: str) -> bool:
    return next(_sources(agent, plain, folder), None) is not None


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _knows_in(agent: Agent, folder: str) -> bool:
    """Whether an agent knows something in a folder by its name alone, as a database that was copied
    there without the folders around it.
    """
    root = Root(agent.name, folder)
    for source in islice(agent.sources(root), PROBES):
        path = Path(source.path)
        if agent.source_of(root, str(path.with_name(f"any{path.suffix}"))) is None:
            return True
    return False


def _any_name(agent: Agent, plain: Environment, folder: str) -> set[str]:
    """The roots in which an agent takes a file of any name."""
    return {
        root.path
        for root in _roots(agent, plain, folder)
        if agent.source_of(root, f"{root.path}/any.jsonl") is not None
    }
