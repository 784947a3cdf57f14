"""Where the tasks of the VS Code extensions lie, and what tells that a file is of one.

A task is a folder, of which one file stands for the source: see `tasks.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from opensession.parsers.agent import Environment, Root, Source
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.places import vscode_users
from opensession.parsers.whole import Part

UI = "ui_messages.json"
HISTORY = "api_conversation_history.json"
WRITTEN_BACK = "sdk_writeback.json"
BESIDE = ("history_item.json", "task_metadata.json", WRITTEN_BACK)
FILES = (UI, HISTORY, *BESIDE)


WATCH_DEPTH = 1
"""A folder for each session or task."""

_CERTAIN, _LIKELY, _POSSIBLE, _UNLIKELY = 0.9, 0.5, 0.3, 0.1


def task_roots(
    agent_name: str, env: Environment, extensions: Sequence[str], folders: Sequence[str] = ()
) -> list[Root]:
    """The folders `tasks` of some extensions in every VS Code, after `folders`."""
    found = [path for path in folders if path.startswith("/")]
    for user in vscode_users(env):
        found += [f"{user}/globalStorage/{extension}/tasks" for extension in extensions]
    return [Root(agent_name, path, WATCH_DEPTH) for path in dict.fromkeys(found)]


def task_files(source: Source) -> tuple[str, ...]:
    """The files whose change is a change of the task."""
    return tuple(part.path for part in source_parts(source))


def task_path(folder: str) -> str:
    """The path that stands for the task of a folder; empty if there is none in it."""
    for name in (UI, HISTORY):
        if os.path.lexists(f"{folder}/{name}"):
            return f"{folder}/{name}"
    return ""


def task_sources(agent_name: str, root: str) -> Iterator[Source]:
    """The tasks in the folders of `root`, which is a folder named `tasks`."""
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = task_path(f"{root.rstrip('/')}/{entry.name}")
        if path and not entry.name.endswith(".lock") and not entry.is_symlink():
            yield Source(agent_name, root, path)


def task_source_of(agent_name: str, root: str, path: str) -> Source | None:
    """The task that a changed file belongs to."""
    base = root.rstrip("/") + "/"
    if not path.startswith(base):
        return None
    folder, _, name = path[len(base) :].partition("/")
    if name not in FILES or folder.endswith(".lock"):
        return None
    found = task_path(base + folder) or (path if name in (UI, HISTORY) else "")
    return Source(agent_name, root, found) if found else None


def parts_in(folder: str) -> list[Part]:
    """The files of a task's folder; their names are those of the files."""
    items: dict[str, tuple[str, ...] | None] = {UI: (), HISTORY: ()}
    return [Part(name, f"{folder}/{name}", items.get(name)) for name in FILES]


def source_parts(source: Source) -> list[Part]:
    """The files of a task, that of the source first; or a file alone that has another name."""
    place = PurePath(source.path)
    if place.name not in FILES:
        return [Part(UI, source.path, ())]
    return sorted(parts_in(str(place.parent)), key=lambda part: part.path != source.path)


def place_of(source: Source, name: str) -> str:
    """Where the file of a task lies that has this name."""
    return next((part.path for part in source_parts(source) if part.name == name), "")


def task_id(source: Source) -> str:
    """The id of a task: the name of its folder."""
    place = PurePath(source.path)
    return place.parent.name if place.name in FILES else place.stem


def recognised(path: str, head: bytes, extensions: Sequence[str], marks: Sequence[bytes]) -> float:
    """How sure it is that a file is of a task of these extensions.

    All of them write the same; what tells them apart are the folder, and `marks` that only one
    makes.
    """
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return 0.0
    is_row = begins_with_keys(head, "ts", "type") and (b'"say"' in head or b'"ask"' in head)
    is_message = begins_with_keys(head, "role", "content") and (
        b"<environment_details>" in head or b"<task>" in head or b"<user_message>" in head
    )
    if not is_row and not is_message:
        return 0.0
    if any(extension.lower() in path.lower() for extension in extensions):
        return _CERTAIN
    if "/globalStorage/" in path:
        return _UNLIKELY
    return _LIKELY if any(mark in head for mark in marks) else _POSSIBLE
