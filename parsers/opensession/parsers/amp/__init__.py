"""Amp, one file a thread, rewritten whole; threads since spring 2026 are on its server alone.

~/.local/share/amp/threads/T-0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001.json
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source, Storage
from opensession.parsers.amp.thread import NAME, feed
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.places import absolute, data_home
from opensession.parsers.whole import Part, read_parts

DATA_VARIABLE = "AMP_DATA_DIR"

_FOLDER = "threads"


class Amp(Agent):
    """The row of Amp; it holds no state."""

    name = NAME
    label = "Amp"
    color = "#f34e3f"
    parser_version = 1
    variables: tuple[str, ...] = (DATA_VARIABLE,)
    retention_days: int | None = None
    resume: tuple[str, ...] = ("amp", "threads", "continue", "{id}")
    ids = "the thread's id, T-…, which is also the file's name"

    def roots(self, env: Environment) -> list[Root]:
        """`threads` of its data folders, or those folders themselves."""
        moved = absolute(env.variables.get(DATA_VARIABLE, ""))
        folders = [moved, *map(absolute, env.extra), f"{data_home(env)}/amp"]
        found: dict[str, Root] = {}
        for folder in filter(None, folders):
            path = folder if PurePath(folder).name == _FOLDER else f"{folder}/{_FOLDER}"
            found.setdefault(path, Root(self.name, path, 0))
        return list(found.values())

    def sources(self, root: Root) -> Iterator[Source]:
        """Every thread in the folder `root`."""
        try:
            names = sorted(path.name for path in Path(root.path).iterdir())
        except OSError:
            return
        for name in names:
            source = self.source_of(root, f"{root.path}/{name}")
            if source is not None:
                yield source

    def source_of(self, root: Root, path: str) -> Source | None:
        """The thread that `path` is, if it is one."""
        folder, name = os.path.split(path)
        if folder != root.path or not (name.startswith("T-") and name.endswith(".json")):
            return None
        return Source(self.name, root.path, path)

    def recognises(self, path: str, head: bytes) -> float:
        """By its first keys, and an id as only threads have one."""
        return 0.9 if b'"T-' in head and begins_with_keys(head, "v", "id", "created") else 0.0

    def storage(self, source: Source) -> Storage:
        """A thread is rewritten whole."""
        return "whole"

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads a thread, anew whenever it changed."""
        return read_parts(source, cursor, [Part("thread", source.path, ("messages",))], feed)


AGENT: Agent = Amp()
