"""Where Qwen Code keeps its sessions.

~/.qwen/projects/-home-me-acme/chats/<session id>.jsonl
~/.qwen/projects/-home-me-acme/subagents/<session id>/agent-<type>-<call id>.jsonl, .meta.json
~/.qwen/tmp/<sha256 of the folder>/chats/session-<time>-<8 of the id>.json    before 0.5, as Gemini

Beside a subagent's transcript there is a `.jsonl.stream` while it runs; it holds nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePath

import msgspec

from opensession.parsers.agent import Environment, Root, Source, SourceGone, SourceRefused
from opensession.parsers.gemini import sources as gemini
from opensession.parsers.opening import opened, walk

NAME = "qwen-code"
VARIABLES = ("QWEN_RUNTIME_DIR", "QWEN_HOME")
WATCH_DEPTH = 3
"""Project, `chats` or `subagents`, and in the latter the session."""

_META_BYTES = 64 << 10


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """What stands beside a subagent's transcript."""

    description: str = ""
    parent_session_id: str = ""
    parent_agent_id: str | None = None
    tool_use_id: str = ""
    model: str = ""


def roots(env: Environment) -> list[Root]:
    """`projects` and, of older versions, `tmp` of every home of Qwen Code."""
    moved = [env.variables.get(name, "") for name in VARIABLES]
    homes = [*moved, *env.extra, f"{env.home}/.qwen"]
    found: dict[str, Root] = {}
    for home in homes:
        expanded = f"{env.home}{home[1:]}" if home == "~" or home.startswith("~/") else home
        path = PurePath(os.path.normpath(expanded)) if expanded else PurePath()
        if not path.is_absolute():
            continue
        inner = [path] if path.name in ("projects", "tmp") else [path / "projects", path / "tmp"]
        for folder in inner:
            found.setdefault(str(folder), Root(NAME, str(folder), WATCH_DEPTH))
    return list(found.values())


def is_older(source: Source | Root) -> bool:
    """Reports whether a root, or that of a source, is laid out as Gemini CLI does it."""
    root = source.path if isinstance(source, Root) else source.root
    name = PurePath(source.path).name
    return PurePath(root).name == "tmp" or name.startswith("session-")


def sources(root: Root) -> Iterator[Source]:
    """Every session below a root; of a project only its `chats` and `subagents` are looked at."""
    if is_older(root):
        yield from gemini.sources(root)
        return
    try:
        projects = sorted(os.scandir(root.path), key=lambda entry: entry.name)
    except OSError:
        return
    for project in projects:
        for folder in ("chats", "subagents"):
            for path in walk(f"{root.path}/{project.name}/{folder}", _is_transcript):
                source = source_of(root, path)
                if source is not None:
                    yield source


def source_of(root: Root, path: str) -> Source | None:
    """The session that a changed file belongs to: itself, or the one it describes."""
    if is_older(root):
        return gemini.source_of(root, path)
    place = PurePath(path)
    if not place.is_relative_to(root.path):
        return None
    if place.name.startswith("agent-") and place.name.endswith(".meta.json"):
        place = place.with_name(place.name.removesuffix(".meta.json") + ".jsonl")
    folders = place.relative_to(root.path).parts[:-1]
    main = folders[-1:] == ("chats",)
    inner = folders[-2:-1] == ("subagents",) and place.name.startswith("agent-")
    if not (main or inner) or not _is_transcript(place.name):
        return None
    return Source(NAME, root.path, str(place))


def _is_transcript(name: str) -> bool:
    return name.endswith(".jsonl")


def is_subagent(source: Source) -> bool:
    """Reports whether a transcript is a subagent's, by its name."""
    return PurePath(source.path).name.startswith("agent-")


def meta_of(source: Source) -> Meta | None:
    """What Qwen Code says of a subagent beside its transcript; None where it says nothing.

    Not read for a transcript that comes from elsewhere than its own folder.
    """
    if source.read_from or not is_subagent(source):
        return None
    place = PurePath(source.path).with_suffix(".meta.json")
    try:
        with opened(msgspec.structs.replace(source, path=str(place))) as (descriptor, _):
            return msgspec.json.decode(os.read(descriptor, _META_BYTES), type=Meta)
    except (SourceGone, SourceRefused, OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None  # it only adds a link and a name: the transcript is read without
