"""Where Gemini CLI keeps its sessions, and which project a folder of them belongs to.

~/.gemini/tmp/<project>/chats/session-<time>-<8 of the id>.jsonl   (.json before 2026)
~/.gemini/tmp/<project>/chats/<session id>/<id>.jsonl               a subagent's
~/.gemini/tmp/<project>/.project_root                               the project's folder
~/.gemini/projects.json                                             {"projects": {folder: project}}
~/.gemini/trustedFolders.json                                       {folder: "TRUST_FOLDER"}

A project is a name, or the sha256 of its folder, as it was before there were names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import msgspec

from opensession.parsers.agent import Root, Source, SourceGone, SourceRefused
from opensession.parsers.decoding import decode_any
from opensession.parsers.gemini.folders import project_hash
from opensession.parsers.opening import opened, walk

WATCH_DEPTH = 3
"""Project, `chats`, and the folder of a session's subagents."""

_NOTE_BYTES = 1 << 20


def tmp_roots(agent: str, homes: list[str]) -> list[Root]:
    """The folders `tmp` of homes of the agent, or those folders themselves."""
    found: dict[str, Root] = {}
    for home in homes:
        path = PurePath(os.path.normpath(home)) if home else PurePath()
        if not path.is_absolute():
            continue
        tmp = str(path if path.name == "tmp" else path / "tmp")
        found.setdefault(tmp, Root(agent, tmp, WATCH_DEPTH))
    return list(found.values())


def sources(root: Root) -> Iterator[Source]:
    """Every session below a root; of a project only its `chats` are looked at."""
    try:
        entries = sorted(os.scandir(root.path), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        for path in walk(f"{root.path}/{entry.name}/chats", _may_be_session):
            source = source_of(root, path)
            if source is not None:
                yield source


def source_of(root: Root, path: str) -> Source | None:
    """The session that a changed file is, if it is one."""
    place = PurePath(path)
    if not place.is_relative_to(root.path):
        return None
    folders = place.relative_to(root.path).parts[:-1]
    main = folders[-1:] == ("chats",) and place.name.startswith("session-")
    inner = folders[-2:-1] == ("chats",) and place.suffix == ".jsonl"
    if not (main or inner) or not _may_be_session(place.name):
        return None
    return Source(root.agent, root.path, path)


def _may_be_session(name: str) -> bool:
    return name.endswith((".json", ".jsonl"))


def folder_of(source: Source) -> str:
    """The folder of the project that a session is kept for; empty where nothing here tells."""
    place, root = PurePath(source.path), PurePath(source.root)
    if not source.root or not place.is_relative_to(root):
        return ""
    parts = place.relative_to(root).parts
    project, home = parts[0], root.parent
    if len(parts) < 3:
        return ""
    for folder in (root / project, home / "history" / project):
        noted = _note(source, folder / ".project_root").decode("utf-8", "replace").strip()
        if noted and "\n" not in noted and len(noted) <= 4096:
            return noted
    projects = _object(_note(source, home / "projects.json")).get("projects")
    named = projects if isinstance(projects, dict) else {}
    trusted = _object(_note(source, home / "trustedFolders.json"))
    for known, name in named.items():
        if name == project:
            return str(known)
    return next((str(each) for each in (*named, *trusted) if project_hash(each) == project), "")


def _note(source: Source, path: PurePath) -> bytes:
    """A small file beside the sessions; empty where it is not there or not to be read."""
    beside = msgspec.structs.replace(source, root=str(path.parent), path=str(path), read_from="")
    try:
        with opened(beside) as (descriptor, _):
            return os.read(descriptor, _NOTE_BYTES)
    except (SourceGone, SourceRefused, OSError, ValueError):
        return b""


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = decode_any(data) if data else None
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
