"""What `opensession parse --preview` tells of a file: from the daemon's program to the client."""

from __future__ import annotations

import msgspec

from opensession.core.stats import Stats


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that may have written a file. `confidence` is from 0 to 1; `reason` says why."""

    agent: str
    confidence: float
    reason: str


class ParsedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session of the file. Times are RFC 3339; `violations` are rules of HAIL that it breaks."""

    id: str
    title: str
    role: str
    parent: str
    cwd: str
    model: str
    started: str
    ended: str
    stats: Stats
    violations: list[str]


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What was read, by which agent. `problems` says why a likelier agent did not do; `skipped` and
    `unknown` count what gave no event, and records of unknown types.
    """

    agent: str
    candidates: list[Candidate]
    problems: list[str]
    sessions: list[ParsedSession]
    skipped: dict[str, int]
    unknown: dict[str, int]
