"""Where Claude Code keeps its transcripts.

~/.claude/projects/-home-me-acme-api/<session id>.jsonl
~/.claude/projects/-home-me-acme-api/<session id>/subagents/agent-<id>.jsonl   and .meta.json
~/.claude/projects/-home-me-acme-api/agent-<id>.jsonl          before version 2.1
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

import msgspec

from opensession.parsers.agent import Environment, Root, Source, SourceGone, SourceRefused
from opensession.parsers.claude_code.state import AGENT_NAME
from opensession.parsers.opening import opened

CONFIG_VARIABLE = "CLAUDE_CONFIG_DIR"

_WATCH_DEPTH = 3
_META_BYTES = 64 << 10
_FOREIGN_FOLDERS = frozenset({"tool-results", "memory"})


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """What stands beside a subagent's transcript."""

    agent_type: str = ""
    description: str = ""
    tool_use_id: str = ""


def roots(env: Environment) -> list[Root]:
    """The folders of transcripts; `CLAUDE_CONFIG_DIR` may name several, separated by commas."""
    home = Path(env.home)
    configured = env.variables.get(CONFIG_VARIABLE, "")
    config_home = env.variables.get("XDG_CONFIG_HOME", "")
    base = Path(config_home) if config_home.startswith("/") else home / ".config"
    folders = [
        Path(part.replace("~", env.home, 1) if part.startswith("~/") else part) / "projects"
        for part in map(str.strip, configured.split(","))
        if part.startswith(("/", "~/"))
    ]
    folders += [home / ".claude" / "projects", base / "claude" / "projects"]
    for extra in map(Path, env.extra):
        inner = extra / "projects"
        folders.append(inner if extra.name != "projects" and inner.is_dir() else extra)
    found: dict[str, Root] = {}
    for folder in folders:
        path = os.path.normpath(folder)
        found.setdefault(
            os.path.realpath(path), Root(agent=AGENT_NAME, path=path, watch_depth=_WATCH_DEPTH)
        )
    return list(found.values())


def sources(root: Root) -> Iterator[Source]:
    """Every transcript below a root, by names alone; folders are not entered through links."""
    for folder, inner, names in os.walk(root.path):
        inner[:] = sorted(name for name in inner if name not in _FOREIGN_FOLDERS)
        for name in sorted(names):
            source = source_of(root, f"{folder}/{name}") if name.endswith(".jsonl") else None
            if source is not None:
                yield source


def source_of(root: Root, path: str) -> Source | None:
    """The transcript that a changed file belongs to: itself, or the one it describes."""
    place = PurePath(path)
    if not place.is_relative_to(root.path):
        return None
    if place.name.startswith("agent-") and place.name.endswith(".meta.json"):
        place = place.with_name(place.name.removesuffix(".meta.json") + ".jsonl")
    folders = place.relative_to(root.path).parts[:-1]
    if place.suffix != ".jsonl" or not _FOREIGN_FOLDERS.isdisjoint(folders):
        return None
    if "subagents" in folders and not place.name.startswith("agent-"):
        return None
    return Source(agent=AGENT_NAME, root=root.path, path=str(place))


def meta_of(source: Source) -> Meta | None:
    """What Claude Code says of a subagent beside its transcript; None where it says nothing.

    Not read for a transcript that comes from elsewhere than its own folder.
    """
    place = PurePath(source.path)
    if source.read_from or not place.name.startswith("agent-"):
        return None
    beside = msgspec.structs.replace(source, path=str(place.with_suffix(".meta.json")))
    try:
        with opened(beside) as (descriptor, _):
            return msgspec.json.decode(os.read(descriptor, _META_BYTES), type=Meta)
    except (SourceGone, SourceRefused, OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None  # it only adds a link and a name: the transcript is read without
