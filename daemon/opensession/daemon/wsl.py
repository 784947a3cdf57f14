"""The Windows side of a Linux that runs below Windows: its homes may hold sessions, too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from opensession.parsers.agent import Agent, Environment, Root

USERS = Path("/mnt/c/Users")

_NOBODY = frozenset({"All Users", "Default", "Default User", "Public"})


def roots(agent: Agent, users: Path = USERS, *, inside: bool | None = None) -> list[Root]:
    """The folders of an agent in the Windows homes, as far as they exist; none elsewhere. Their
    file system makes them polled (DECISIONS §1, §8).
    """
    if not (is_wsl() if inside is None else inside):
        return []
    return [
        root
        for home in _homes(users)
        for root in agent.roots(Environment(home=home, variables={}, platform="win32"))
        if Path(root.path).is_dir()
    ]


def is_wsl() -> bool:
    """Reports whether this Linux runs below Windows."""
    return sys.platform == "linux" and "microsoft" in os.uname().release.lower()


def _homes(users: Path) -> list[str]:
    try:
        with os.scandir(users) as entries:
            return sorted(
                entry.path
                for entry in entries
                if entry.name not in _NOBODY and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return []  # no such drive, or it may not be listed
