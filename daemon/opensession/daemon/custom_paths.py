"""Further folders of the configuration: which agents' sessions they hold, by names and content.

A folder may be an agent's own (`.claude`, the `User` folder of an editor), a home that holds
several, or anything that files were copied to. What an agent looks for in it, the agent says
itself; what is decided here is who gives way to whom.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from opensession.core.rpc.coverage import Unrecognised
from opensession.parsers.agent import Agent, Environment, Root, Source
from opensession.parsers.detection import HEAD_BYTES

PROBES = 8
"""So many files of a folder are looked into to tell whose they are."""

SEEN_ENTRIES = 10_000
"""So many entries of a folder are looked at where no agent knows any of them by its name."""

LIKELY = 0.5

PLATFORMS = ("linux", "darwin", "win32")
"""A home may have been copied, or be mounted, from a machine of another kind."""

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


def may_have(agent: Agent, agents: Sequence[Agent], plain: Environment, folder: str) -> bool:
    """Whether a folder that is no home may hold sessions of `agent`.

    An agent that takes a file of any name gives way where one that knows its own by their names
    has some, and where the files begin as another agent's do; otherwise it would read another
    agent's files as its own.
    """
    if not _takes_any(agent, plain, folder):
        return True
    if any(
        other is not agent and not _takes_any(other, plain, folder) and _has(other, plain, folder)
        for other in agents
    ):
        return False
    probed = islice(_sources(agent, plain, folder), PROBES)
    claims = [claim for source in probed if (claim := _claimed(source.path, agents))]
    return not claims or agent.name in claims


def unrecognised(
    folders: Sequence[str], agents: Sequence[Agent], plain: Environment
) -> list[Unrecognised]:
    """The folders in which no agent finds anything, and why."""
    found = []
    for folder in folders:
        if not Path(folder).is_dir():
            found.append(Unrecognised(folder, "there is no such folder"))
        elif not is_home(folder, agents) and not any(
            _has(agent, plain, folder) and may_have(agent, agents, plain, folder)
            for agent in agents
        ):
            found.append(Unrecognised(folder, _unnamed(folder, agents)))
    return found


def _unnamed(folder: str, agents: Sequence[Agent]) -> str:
    """What is said of a folder whose files no agent knows by their names."""
    claims: dict[str, int] = {}
    for path in islice(_files(folder), PROBES):
        claim = _claimed(path, agents)
        if claim:
            claims[claim] = claims.get(claim, 0) + 1
    if not claims:
        return "nothing in it is known as an agent's"
    likeliest = max(claims, key=lambda name: claims[name])
    return f"no file in it is named as an agent names its own; some begin as those of {likeliest}"


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
        folders.sort()
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


def _takes_any(agent: Agent, plain: Environment, folder: str) -> bool:
    return any(
        agent.source_of(root, f"{root.path}/any.jsonl") is not None
        for root in agent.roots(msgspec.structs.replace(plain, extra=(folder,)))
        if root.path == folder
    )
