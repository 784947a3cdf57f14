"""Cline: the sessions of its SDK, and the tasks of the versions before it.

~/.cline/data/sessions/<id>/<id>.messages.json                            see sdk.py
~/.cline/data/tasks/<id>/ui_messages.json                                 see tasks.py
~/.config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/<id>/…     the same, in VS Code

Both are rewritten whole. An old task that was resumed is in both under one id: it is secondary, and
gives way to the session that goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Literal

import msgspec

from opensession.parsers.agent import (
    Agent,
    Cursor,
    Delta,
    Environment,
    Root,
    Source,
    SourceGone,
    SourceRefused,
)
from opensession.parsers.cline import folders, sdk
from opensession.parsers.cline.sdk import NAME, SUFFIX
from opensession.parsers.cline.tasks import read_task
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.opening import opened
from opensession.parsers.places import absolute
from opensession.parsers.whole import Part, read_parts

EXTENSIONS = ("saoudrizwan.claude-dev", "saoudrizwan.cline-nightly")
_MARKS = (b'"conversationHistoryIndex"', b"# Current Working Directory")
_KINDS = ("sessions", "tasks")
_SURE = 0.95


class Cline(Agent):
    """The row of Cline; it holds no state."""

    name = NAME
    label = "Cline"
    color = "#5b7fff"
    parser_version = 1
    variables: tuple[str, ...] = ("CLINE_DIR", "CLINE_DATA_DIR")
    retention_days: int | None = None
    resume: tuple[str, ...] = ("cline", "--id", "{id}")
    ids = "the id in the messages file; of an old task the name of its folder"

    def roots(self, env: Environment) -> list[Root]:
        """`sessions` and `tasks` of every data folder, and the extension's `tasks`."""
        return folders.task_roots(self.name, env, EXTENSIONS, _data_folders(env))

    def sources(self, root: Root) -> Iterator[Source]:
        """Every session and subagent, or every task, in the folders of `root`."""
        for folder in _listed(root.path):
            for path in _listed(folder):
                if path.endswith(SUFFIX):
                    yield Source(self.name, root.path, path)
        yield from folders.task_sources(self.name, root.path)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The session that a messages file or a manifest belongs to, or the task of a file."""
        base = root.path.rstrip("/") + "/"
        folder, _, name = path.removeprefix(base).partition("/")
        if not path.startswith(base) or not name or "/" in name:
            return None
        if name == f"{folder}.json":
            path = f"{base}{folder}/{folder}{SUFFIX}"
            return Source(self.name, root.path, path) if os.path.lexists(path) else None
        if name.endswith(SUFFIX):
            return Source(self.name, root.path, path)
        return folders.task_source_of(self.name, root.path, path)

    def files(self, source: Source) -> tuple[str, ...]:
        """The messages with their manifest and the old task, or the files of a task."""
        if source.path.endswith(SUFFIX):
            return tuple(part.path for part in _parts(source))
        return folders.task_files(source)

    def storage(self, source: Source) -> Literal["lines", "whole", "rows"]:
        """All is rewritten whole."""
        return "whole"

    def place_of(self, source: Source, name: str) -> str:
        """The messages, the manifest beside them, or a file of a task."""
        if not source.path.endswith(SUFFIX):
            return folders.place_of(source, name)
        return next((part.path for part in _parts(source) if part.name == name), "")

    def recognises(self, path: str, head: bytes) -> float:
        """A messages file of the SDK surely; an old task also by its extension's folder."""
        if begins_with_keys(head, "version", "sessionId", "messages"):
            return _SURE
        if begins_with_keys(head, "version", "sessionId", "agent", "updated_at"):
            return _SURE
        return folders.recognised(path, head, (*EXTENSIONS, "/.cline/"), _MARKS)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads a session or a task anew, where it changed."""
        if not source.path.endswith(SUFFIX) and not _is_alone(source):
            return read_task(self.name, source, cursor, secondary=True)
        parts = _parts(source)
        if len(parts) > 2:  # the old task lies beside the root, in the same data folder
            source = msgspec.structs.replace(source, root=str(PurePath(source.root).parent))
        return read_parts(source, cursor, parts, sdk.feed, at_once=True)


def _data_folders(env: Environment) -> list[str]:
    """Where sessions and old tasks are, of every home and of what is configured."""
    data = absolute(env.variables.get("CLINE_DATA_DIR", ""))
    home = absolute(env.variables.get("CLINE_DIR", ""))
    found: list[str] = []
    for extra in map(absolute, env.extra):
        if PurePath(extra).name in _KINDS:
            found.append(extra)
        elif extra:
            found += [f"{extra}/{at}{kind}" for at in ("", "data/") for kind in _KINDS]
    for folder in (data, f"{home}/data" if home else "", f"{env.home}/.cline/data"):
        found += [f"{folder}/{kind}" for kind in _KINDS] if folder else []
    return found


def _listed(folder: str) -> list[str]:
    """What is in a folder, links left out, in the order of names."""
    try:
        return sorted(entry.path for entry in os.scandir(folder) if not entry.is_symlink())
    except OSError:
        return []


def _is_alone(source: Source) -> bool:
    """Reports whether a file of any name holds a session: a person gave it, or standard input."""
    if PurePath(source.path).name in folders.FILES:
        return False
    try:
        with opened(source) as (descriptor, _):
            return os.pread(descriptor, 64, 0).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    except (SourceGone, SourceRefused, OSError):
        return False  # the read itself says why


def _parts(source: Source) -> list[Part]:
    """A session's files. Those of the old task it may go on from only where they can be read."""
    if not source.path.endswith(SUFFIX):
        return [Part("messages", source.path, ("messages",))]
    folder, name = source.path.rsplit("/", 1)
    session = PurePath(folder).name
    found = [
        Part("messages", source.path, ("messages",)),
        Part("manifest", f"{folder}/{session}.json", None),
    ]
    if name == session + SUFFIX and source.root and _is_plain(source):
        data = PurePath(source.root).parent
        found += folders.parts_in(f"{data}/tasks/{session}")
    return found


def _is_plain(source: Source) -> bool:
    """Reports whether the root is where its path says, so that its neighbour is one."""
    place = Path(source.root)
    return place.name == "sessions" and (bool(source.read_from) or not place.is_symlink())


AGENT: Agent = Cline()
