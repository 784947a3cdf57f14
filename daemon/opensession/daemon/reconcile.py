"""Comparing what lies on disk with what was read, by stat alone: what events missed.

Files are compared by equality of (size, mtime, inode), never by "newer than" (DECISIONS §3). A root
that is gone, or of which half the files vanished at once, is a state and no deletions (§8): its
files are away, as on a disk that is not mounted, and may come back together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from opensession.daemon.custom_paths import Loose, loose_sources
from opensession.parsers.agent import Agent, Root, Source
from opensession.parsers.stamps import Stamp, stamp_of

FEW = 4
"""Up to so many files of a root may vanish together and are still taken for deleted."""


class Found(msgspec.Struct, frozen=True):
    """A root as it is on disk. Without `exists` there is nothing else to say of it."""

    exists: bool
    sources: dict[str, tuple[Source, Stamp]] = {}


class Known(msgspec.Struct, frozen=True):
    """A source as it was last read; `stamp` is None if it never was, or is to be read anyway.

    `gone` says that it was found missing before, `away` that it was with its root or half of that;
    with `any_stamp` no change of it counts.
    """

    stamp: Stamp | None
    gone: bool = False
    away: bool = False
    any_stamp: bool = False


class Differences(msgspec.Struct, frozen=True):
    """What a reconcile found: sources to read, paths that are gone, and what holds for the root.

    Those in `vanished` are too many at once to be taken for deleted, and then none is in `gone`.
    """

    changed: list[str] = []
    gone: list[str] = []
    vanished: list[str] = []


def scan(
    agent: Agent,
    root: Root,
    stopped: Callable[[], bool] = lambda: False,
    agents: Sequence[Agent] = (),
) -> Found | None:
    """Every source below `root` with its stamp, newest path kept where two are the same file path.

    Reads no file, but for a `Loose` root the beginnings of those there; for that it has to know all
    `agents`. None if it was stopped midway: half a root must not count as the whole.
    """
    if not Path(root.path).is_dir():
        return Found(exists=False)
    sources: dict[str, tuple[Source, Stamp]] = {}
    found = agent.sources(root)
    if isinstance(root, Loose):
        found = loose_sources(agent, root, agents)
    for source in found:
        if stopped():
            return None
        stamp = stamp_of(agent.files(source))
        if stamp is not None:  # else it is gone since it was listed
            sources[source.path] = (source, stamp)
    if not sources and not Path(root.path).is_dir():
        return Found(exists=False)
    return Found(exists=True, sources=sources)


def compare(known: Mapping[str, Known], found: Found) -> Differences:
    """What to do about a root: `known` are its sources in the index, by path."""
    present = [path for path, source in known.items() if not source.gone]
    if not found.exists:
        return Differences(vanished=present)
    changed = [path for path, (_, stamp) in found.sources.items() if _differs(known, path, stamp)]
    missing = [path for path in present if path not in found.sources]
    if not found.sources and any(known[path].away for path in missing):
        return Differences(vanished=missing)  # as where a disk is to be mounted
    if len(missing) > FEW and 2 * len(missing) >= len(present):
        return Differences(changed=changed, vanished=missing)
    return Differences(changed=changed, gone=missing)


def _differs(known: Mapping[str, Known], path: str, stamp: Stamp) -> bool:
    source = known.get(path)
    if source is None or source.gone or source.away:
        return True
    return source.stamp != stamp and not source.any_stamp


class Survey(msgspec.Struct, frozen=True):
    """How much there is of an agent on disk: sources, bytes, the newest change (ns, 0: none)."""

    sources: int = 0
    bytes: int = 0
    newest_ns: int = 0


def survey(found: Iterable[Found]) -> Survey:
    """Sums over the roots of one agent; a source in two roots counts once."""
    stamps: dict[str, Stamp] = {}
    for part in found:
        for path, (_, stamp) in part.sources.items():
            stamps[path] = stamp
    return Survey(
        sources=len(stamps),
        bytes=sum(stamp.size for stamp in stamps.values()),
        newest_ns=max((stamp.mtime_ns for stamp in stamps.values()), default=0),
    )
