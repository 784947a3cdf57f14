"""Roo Code, a folder a task in VS Code, rewritten whole.

~/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks/<uuid>/history_item.json
~/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks/<uuid>/ui_messages.json
~/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks/<uuid>/api_conversation_history.json

The format is Cline's of before version 4: see `cline/tasks.py`. `tasks/_index.json` repeats what
stands in the tasks, later. A folder of `roo-cline.customStoragePath` is given by the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source
from opensession.parsers.cline import folders
from opensession.parsers.cline.tasks import read_task
from opensession.parsers.places import absolute

NAME = "roo-code"
EXTENSIONS = ("rooveterinaryinc.roo-cline", "rooveterinaryinc.roo-code-nightly")
_MARKS = (b'"apiProtocol"', b"Roo tried to use", b"# Current Workspace Directory")


class RooCode(Agent):
    """The row of Roo Code; it holds no state."""

    name = NAME
    label = "Roo Code"
    color = "#8b5cf6"
    parser_version = 1
    variables: tuple[str, ...] = ()
    retention_days: int | None = None
    resume: tuple[str, ...] = ()
    ids = "the name of the task's folder"

    def roots(self, env: Environment) -> list[Root]:
        """The extension's `tasks` in every VS Code, and in the folders of the configuration."""
        extra = [
            path if path.endswith("/tasks") else f"{path}/tasks"
            for path in map(absolute, env.extra)
            if path
        ]
        return folders.task_roots(self.name, env, EXTENSIONS, extra)

    def sources(self, root: Root) -> Iterator[Source]:
        """Every task below `root`."""
        return folders.task_sources(self.name, root.path)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The task that a changed file belongs to."""
        return folders.task_source_of(self.name, root.path, path)

    def files(self, source: Source) -> tuple[str, ...]:
        """All that is read of a task."""
        return folders.task_files(source)

    def storage(self, source: Source) -> Literal["lines", "whole", "rows"]:
        """All is rewritten whole."""
        return "whole"

    def place_of(self, source: Source, name: str) -> str:
        """A file of the task's folder."""
        return folders.place_of(source, name)

    def recognises(self, path: str, head: bytes) -> float:
        """By the extension's folder, or by what Roo alone writes."""
        return folders.recognised(path, head, EXTENSIONS, _MARKS)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads a task anew, where it changed."""
        return read_task(self.name, source, cursor)


AGENT: Agent = RooCode()
