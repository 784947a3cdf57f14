"""Cline: the sessions of its SDK, and the tasks of the versions before it.

~/.cline/data/sessions/<id>/<id>.messages.json                            see sdk.py
~/.cline/data/tasks/<id>/ui_messages.json                                 see tasks.py
~/.config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/<id>/…     the same, in VS Code

Both are rewritten whole. An old task that was resumed is in both under one id: it is secondary, and
gives way to the session that goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Literal

import msgspec

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source
from opensession.parsers.cline import sdk, tasks
from opensession.parsers.cline.sdk import NAME, SUFFIX
from opensession.parsers.places import absolute, vscode_users
from opensession.parsers.whole import Part, read_parts

EXTENSIONS = ("saoudrizwan.claude-dev", "saoudrizwan.cline-nightly")
WATCH_DEPTH = 1
"""A folder for each session or task."""


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
        return task_roots(self.name, env, EXTENSIONS, _data_folders(env))

    def sources(self, root: Root) -> Iterator[Source]:
        """Every session below a folder `sessions`, every task below a folder `tasks`."""
        if not _has_sessions(root):
            yield from tasks.task_sources(self.name, root.path)
            return
        for folder in _listed(root.path):
            for name in _listed(folder):
                if name.endswith(SUFFIX):
                    yield Source(self.name, root.path, name)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The session that a messages file or a manifest belongs to, or the task of a file."""
        if not _has_sessions(root):
            return tasks.task_source_of(self.name, root.path, path)
        base = root.path.rstrip("/") + "/"
        folder, _, name = path.removeprefix(base).partition("/")
        if not path.startswith(base) or not name or "/" in name:
            return None
        if name == f"{folder}.json":
            path = f"{base}{folder}/{folder}{SUFFIX}"
            return Source(self.name, root.path, path) if os.path.lexists(path) else None
        return Source(self.name, root.path, path) if name.endswith(SUFFIX) else None

    def files(self, source: Source) -> tuple[str, ...]:
        """The messages with their manifest and the old task, or the files of a task."""
        if source.path.endswith(SUFFIX):
            return tuple(part.path for part in _parts(source))
        return tasks.task_files(source)

    def storage(self, source: Source) -> Literal["lines", "whole", "rows"]:
        """All is rewritten whole."""
        return "whole"

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads a session or a task anew, where it changed."""
        if not source.path.endswith(SUFFIX):
            return tasks.read_task(self.name, source, cursor, secondary=True)
        parts = _parts(source)
        if len(parts) > 2:  # the old task lies beside the root, in the same data folder
            source = msgspec.structs.replace(source, root=str(PurePath(source.root).parent))
        return read_parts(source, cursor, parts, sdk.feed, at_once=True)


def task_roots(
    agent_name: str, env: Environment, extensions: Sequence[str], folders: Sequence[str] = ()
) -> list[Root]:
    """The folders `tasks` of some extensions in every VS Code, after `folders`."""
    found = [path for path in folders if path.startswith("/")]
    for user in vscode_users(env):
        found += [f"{user}/globalStorage/{extension}/tasks" for extension in extensions]
    return [Root(agent_name, path, WATCH_DEPTH) for path in dict.fromkeys(found)]


def _data_folders(env: Environment) -> list[str]:
    """Where sessions and old tasks are, of every home and of what is configured."""
    data = absolute(env.variables.get("CLINE_DATA_DIR", ""))
    home = absolute(env.variables.get("CLINE_DIR", ""))
    found: list[str] = []
    for extra in map(absolute, env.extra):
        if extra.rsplit("/", 1)[-1] in ("sessions", "tasks"):
            found.append(extra)
        elif extra:
            found += [f"{extra}/{at}{kind}" for at in ("", "data/") for kind in _KINDS]
    for folder in (data, f"{home}/data" if home else "", f"{env.home}/.cline/data"):
        found += [f"{folder}/{kind}" for kind in _KINDS] if folder else []
    return found


_KINDS = ("sessions", "tasks")


def _has_sessions(root: Root) -> bool:
    return root.path.rstrip("/").endswith("/sessions")


def _listed(folder: str) -> list[str]:
    """What is in a folder, links left out, in the order of names."""
    try:
        return sorted(entry.path for entry in os.scandir(folder) if not entry.is_symlink())
    except OSError:
        return []


def _parts(source: Source) -> list[Part]:
    """A session's files. Those of the old task it may go on from only where they can be read."""
    folder, name = source.path.rsplit("/", 1)
    session = PurePath(folder).name
    found = [
        Part("messages", source.path, ("messages",)),
        Part("manifest", f"{folder}/{session}.json", None),
    ]
    if name == session + SUFFIX and source.root and _is_plain(source):
        data = PurePath(source.root).parent
        found += tasks.parts_in(f"{data}/tasks/{session}")
    return found


def _is_plain(source: Source) -> bool:
    """Reports whether the root is where its path says, so that its neighbour is one."""
    place = Path(source.root)
    return place.name == "sessions" and (bool(source.read_from) or not place.is_symlink())


AGENT: Agent = Cline()
