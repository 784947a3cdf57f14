"""Which path is what: Cursor's folders, and the sources in them.

<User>/globalStorage/state.vscdb                        the editor: all conversations since 2025
<User>/workspaceStorage/<32 hex>/state.vscdb            those of one folder, until then
~/.cursor/chats/<md5 of the folder>/<uuid>/store.db     the command line
~/.cursor/projects/<slug>/agent-transcripts/…           poorer copies of both, as text
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, Literal, TypeAlias

from opensession.parsers.agent import Environment, Root, Source, SourceGone, SourceRefused
from opensession.parsers.opening import opened, walk
from opensession.parsers.places import absolute, config_home

Kind: TypeAlias = Literal["global", "workspace", "chat", "jsonl", "text"]

EDITOR_FILE = "state.vscdb"
CHAT_FILE = "store.db"
TRANSCRIPTS = "agent-transcripts"
SUBAGENTS = "subagents"

_DEPTHS = {"globalStorage": 0, "workspaceStorage": 1, "chats": 2, "projects": 3}
"""To which depth watches go. Subagents' transcripts lie deeper and are found by the reconcile."""

_EDITORS = ("Cursor", "Cursor Nightly")
_SIDE_FILE_BYTES = 1 << 20


def roots(agent: str, env: Environment) -> list[Root]:
    """The folders to look in: of the editor, its remote servers and the command line."""
    bases = [f"{config_home(env)}/{editor}/User" for editor in _EDITORS]
    if env.platform != "win32":
        bases.append(f"{env.home}/.cursor-server/data/User")
    relocated = absolute(env.variables.get("CURSOR_CONFIG_DIR", ""))
    xdg = absolute(env.variables.get("XDG_CONFIG_HOME", ""))
    homes = [relocated, f"{env.home}/.cursor", f"{xdg}/cursor" if xdg else ""]
    found: dict[str, Root] = {}
    for base in bases:
        _add(found, agent, base, ("globalStorage", "workspaceStorage"))
    for home in homes:
        if home:
            _add(found, agent, home, ("chats", "projects"))
    for extra in env.extra:
        _add_extra(found, agent, extra)
    return list(found.values())


def _add(found: dict[str, Root], agent: str, base: str, names: tuple[str, ...]) -> None:
    for name in names:
        path = f"{base.rstrip('/')}/{name}"
        found.setdefault(path, Root(agent, path, _DEPTHS[name]))


def _add_extra(found: dict[str, Root], agent: str, folder: str) -> None:
    """A folder from the configuration: one of the four itself, or one that holds some of them."""
    path = absolute(folder)
    if not path:
        return
    name = PurePosixPath(path).name
    if name in _DEPTHS:
        found.setdefault(path, Root(agent, path, _DEPTHS[name]))
        return
    for base in (path, f"{path}/User", f"{path}/data/User") if name != "User" else (path,):
        _add(found, agent, base, ("globalStorage", "workspaceStorage"))
    if name != "User":
        _add(found, agent, path, ("chats", "projects"))


def sources(root: Root) -> Iterator[Source]:
    """Every source below a root, without looking into the folders that hold none.

    Other programs keep much in some of them: extensions in `globalStorage`.
    """
    name = PurePosixPath(root.path).name
    if name == "projects":
        for project in _inside(root.path):
            yield from _sources(root, walk(f"{project}/{TRANSCRIPTS}", _is_transcript))
        return
    places = [root.path]
    for _ in range(_DEPTHS.get(name, 0)):
        places = [inner for place in places for inner in _inside(place)]
    file = CHAT_FILE if name == "chats" else EDITOR_FILE
    yield from _sources(root, (f"{place}/{file}" for place in places))


def source_of(root: Root, path: str) -> Source | None:
    """The source that a path below a root belongs to; a database's `-wal` belongs to it."""
    base = root.path.rstrip("/")
    if not path.startswith(base + "/"):
        return None
    path = path.removesuffix("-wal") if path.endswith((".vscdb-wal", ".db-wal")) else path
    depth = path.count("/") - base.count("/") - 1
    if path.endswith(f"/{EDITOR_FILE}") and depth != (base.endswith("/workspaceStorage")):
        return None
    return Source(root.agent, root.path, path) if kind_of(path) is not None else None


def _sources(root: Root, paths: Iterable[str]) -> Iterator[Source]:
    for path in paths:
        found = source_of(root, path)
        if found is not None and os.path.lexists(path):
            yield found


def _inside(folder: str) -> list[str]:
    """The folders in a folder, in the order of their names; links are not entered."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [f"{folder.rstrip('/')}/{name}" for name in names]


def _is_transcript(name: str) -> bool:
    return name.endswith((".jsonl", ".txt"))


def kind_of(path: str) -> Kind | None:
    """What a path is, by its last folders alone."""
    parts = path.split("/")
    name = parts[-1]
    above = parts[-2] if len(parts) > 1 else ""
    if name == EDITOR_FILE:
        if above == "globalStorage":
            return "global"
        return "workspace" if len(parts) > 2 and parts[-3] == "workspaceStorage" else "global"
    if name == CHAT_FILE:
        return "chat"
    if TRANSCRIPTS in parts[-4:-1] and not name.startswith("."):
        if name.endswith(".jsonl"):
            return "jsonl"
        if name.endswith(".txt"):
            return "text"
    return None


def is_secondary(path: str) -> bool:
    """Whether a source gives way to another that has the same conversation.

    Cursor moved conversations from workspaces' databases to the global one and left them there; the
    transcripts lack times, results and tokens.
    """
    return kind_of(path) in ("workspace", "jsonl", "text")


def session_of(path: str) -> str:
    """The id of the conversation that a transcript or a chat is of."""
    parts = path.split("/")
    if parts[-1] == CHAT_FILE:
        return parts[-2] if len(parts) > 1 else ""
    return parts[-1].rpartition(".")[0]


def parent_of(path: str) -> str:
    """The id of the conversation that a subagent's transcript belongs to; else empty."""
    parts = path.split("/")
    return parts[-3] if len(parts) > 2 and parts[-2] == SUBAGENTS else ""


def beside(source: Source, name: str) -> dict[str, Any]:
    """A small JSON file in the folder of a source; empty if it is not there or is no object."""
    folder = source.path.rpartition("/")[0]
    try:
        with opened(Source(source.agent, source.root, f"{folder}/{name}")) as (descriptor, _):
            value = json.loads(os.pread(descriptor, _SIDE_FILE_BYTES, 0))
    except (SourceGone, SourceRefused, OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
