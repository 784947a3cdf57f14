"""What is not taken in at all: sessions of excluded folders."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence


def excluded(path: str, patterns: Sequence[str]) -> bool:
    """Reports whether a path is one of the folders, or below one; `*` matches any characters.

    A pattern without `/` at its beginning is tested against every part of the path.
    """
    if not path:
        return False
    for pattern in (pattern.rstrip("/") or "/" for pattern in patterns):
        if "/" not in pattern:
            if any(fnmatch.fnmatchcase(part, pattern) for part in path.split("/")):
                return True
        elif any(mark in pattern for mark in "*?["):
            if fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, pattern + "/*"):
                return True
        elif path == pattern or path.startswith(pattern.rstrip("/") + "/"):
            return True
    return False
