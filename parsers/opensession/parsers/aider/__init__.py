"""Aider: a Markdown file in each project, every launch in it a session.

~/src/acme/.aider.chat.history.md
~/src/acme/.aider.llm.history           with --llm-history-file; read where the other is missing

Aider keeps no list of projects, so the folders are those that the user names: `[watchers]
custom_paths`, the repositories of `daemon select`, and the folder of AIDER_CHAT_HISTORY_FILE.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source
from opensession.parsers.aider import llm, markdown
from opensession.parsers.aider.launch import NAME
from opensession.parsers.jsonl import read_lines

CHAT = ".aider.chat.history.md"
LLM = ".aider.llm.history"
WATCH_DEPTH = 1
DEPTH = 4
"""So many levels below a named folder are looked through for projects."""

_VARIABLES = ("AIDER_CHAT_HISTORY_FILE", "AIDER_LLM_HISTORY_FILE")
_NO_PROJECTS = frozenset({"node_modules", "__pycache__", "venv", "target", "build", "dist"})


class Aider(Agent):
    """The row of Aider; it holds no state."""

    name = NAME
    label = "Aider"
    color = "#14b014"
    parser_version = 1
    variables: tuple[str, ...] = _VARIABLES
    retention_days: int | None = None
    resume: tuple[str, ...] = ()
    ids = "a hash of the launch's first line and first prompt"

    def roots(self, env: Environment) -> list[Root]:
        """The folders that the user named."""
        files = [env.variables.get(name, "") for name in _VARIABLES]
        folders = [posixpath.dirname(file) for file in files if file.startswith("/")]
        named = dict.fromkeys([*folders, *env.projects, *env.extra])
        return [Root(self.name, folder, WATCH_DEPTH) for folder in named]

    def sources(self, root: Root) -> Iterator[Source]:
        """The histories in a folder and in the projects a few levels below it."""
        for folder in _folders(root.path, DEPTH):
            yield from self._in(root, folder)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The history that `path` is, if it is one."""
        folder, name = os.path.split(path)
        below = folder == root.path.rstrip("/") or folder.startswith(root.path.rstrip("/") + "/")
        if not below or not (_is_chat(name) or _is_llm(name)):
            return None
        if _is_llm(name) and os.path.lexists(f"{folder}/{CHAT}"):
            return None
        return Source(self.name, root.path, path)

    def recognises(self, path: str, head: bytes) -> float:
        """By the line that begins a launch, or a call of the model."""
        if b"# aider chat started at " in head:
            return 0.95
        return 0.9 if head.startswith(b"TO LLM ") else 0.0

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a history."""
        is_llm = _is_llm(PurePosixPath(source.path).name)
        return read_lines(source, cursor, llm.feed if is_llm else markdown.feed)

    def _in(self, root: Root, folder: str) -> Iterator[Source]:
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError:
            return
        chats = [name for name in names if _is_chat(name)]
        for name in chats or [name for name in names if _is_llm(name)]:
            yield Source(self.name, root.path, f"{folder.rstrip('/')}/{name}")


def _folders(folder: str, levels: int) -> Iterator[str]:
    yield folder
    if not levels:
        return
    try:
        with os.scandir(folder) as entries:
            below = sorted(
                entry.path
                for entry in entries
                if not entry.name.startswith(".")
                and entry.name not in _NO_PROJECTS
                and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return
    for path in below:
        yield from _folders(path, levels - 1)


def _is_chat(name: str) -> bool:
    """A history by its usual name, or by one that says what it is."""
    return name == CHAT or ("aider" in name and name.endswith("history.md"))


def _is_llm(name: str) -> bool:
    return name == LLM


AGENT: Agent = Aider()
