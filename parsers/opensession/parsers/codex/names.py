"""What `/rename` of Codex called sessions. Older versions say it nowhere else.

~/.codex/session_index.jsonl, beside `sessions`; a line for each time that a session was named:

    {"id":"<uuid>","thread_name":"fix the parser","updated_at":"2026-02-20T08:15:00Z"}
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath

import msgspec

from opensession.parsers.agent import Source
from opensession.parsers.opening import opened

MOST_BYTES = 4 << 20
"""How much is read, from the end."""


class _Line(msgspec.Struct):
    id: str
    thread_name: str | None = None


_decoder = msgspec.json.Decoder(_Line)


def names_file(root: str) -> str:
    """The file that names the sessions below a root; empty for a folder of another layout."""
    folder = PurePosixPath(root)
    if folder.name not in ("sessions", "archived_sessions"):
        return ""
    return str(folder.parent / "session_index.jsonl")


def read_names(agent: str, path: str) -> dict[str, str]:
    """Names by the ids of their sessions; the last line of a session counts.

    Raises SourceGone, SourceRefused and OSError; lines that say nothing of the kind are left out.
    """
    with opened(Source(agent, "", path)) as (descriptor, status):
        start = max(0, status.st_size - MOST_BYTES)
        data = os.pread(descriptor, MOST_BYTES, start)
    lines = data.split(b"\n")
    found: dict[str, str] = {}
    for line in lines[1:] if start else lines:
        try:
            each = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if each.thread_name:
            found[each.id] = each.thread_name
        else:
            found.pop(each.id, None)
    return found
