"""Kilo Code: the command line and the extension made from OpenCode, and the extension before.

~/.local/share/kilo/kilo.db                                     as OpenCode's database
<globalStorage>/kilocode.kilo-code/tasks/<id>/ui_messages.json  until March 2026, as Cline's tasks
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source, Storage
from opensession.parsers.cline import folders
from opensession.parsers.cline.tasks import read_task
from opensession.parsers.opencode import exporting, sources
from opensession.parsers.places import absolute

NAME = "kilo-code"
FOLDER = "kilo"
EXTENSION = "kilocode.kilo-code"
DATABASE_VARIABLE = "KILO_DB"
_MARKS = (b"kilocode",)


class KiloCode(Agent):
    """The row of Kilo Code; it holds no state."""

    name = NAME
    label = "Kilo Code"
    color = "#f8f676"
    parser_version = 1
    variables: tuple[str, ...] = (DATABASE_VARIABLE, "XDG_DATA_HOME")
    retention_days: int | None = None
    resume: tuple[str, ...] = ("kilo", "--session", "{id}")
    loads: tuple[str, ...] = ("kilo", "import", "{file}")
    ids = "the id of the session's row, ses_…; of an older task, the name of its folder"

    def roots(self, env: Environment) -> list[Root]:
        """The folder of the database, and the tasks of every flavour of VS Code."""
        found = sources.roots(self.name, env, FOLDER, DATABASE_VARIABLE)
        given = [path for path in map(absolute, env.extra) if path]
        given = [f"{path}/tasks" if path.endswith(f"/{EXTENSION}") else path for path in given]
        extra = [path for path in given if _is_tasks(path)]
        ours = folders.task_roots(self.name, env, (EXTENSION,), extra)
        return [root for root in found if not _is_tasks(root.path)] + ours

    def sources(self, root: Root) -> Iterator[Source]:
        """Every database, session of files or task below `root`."""
        if _is_tasks(root.path):
            return folders.task_sources(self.name, root.path)
        return sources.sources(root, FOLDER)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The source that `path` belongs to, if to any."""
        if _is_tasks(root.path):
            return folders.task_source_of(self.name, root.path, path)
        return sources.source_of(root, path, FOLDER)

    def files(self, source: Source) -> tuple[str, ...]:
        """A database and its log, or all files of a session or task."""
        return folders.task_files(source) if _is_task(source) else sources.files(source)

    def storage(self, source: Source) -> Storage:
        """Rows, or files that are each written whole."""
        return sources.storage(source)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a database, a session of files or a task."""
        if _is_task(source):
            return read_task(self.name, source, cursor)
        return sources.read(source, cursor)

    def place_of(self, source: Source, name: str) -> str:
        """A file of a task's folder, or of a session of files."""
        if _is_task(source):
            return folders.place_of(source, name)
        return sources.place_of(source, name)

    def exported(self, lines: Iterable[bytes], session: str) -> bytes:
        """A session of the database, as `import` takes it."""
        return exporting.exported(lines, session)

    def holds(self, source: Source, session: str) -> bool:
        """Whether the database has a session now."""
        return sources.is_database(source) and exporting.holds(source, session)

    def recognises(self, path: str, head: bytes) -> float:
        """By a table that Kilo added to OpenCode's, or by the extension's folder."""
        if head.startswith(b"SQLite format 3\0"):
            found = sources.recognised(head)
            return found if b"kilo_board" in head else found / 3
        return folders.recognised(path, head, (EXTENSION,), _MARKS)


def _is_tasks(folder: str) -> bool:
    return PurePosixPath(folder).name == "tasks"


def _is_task(source: Source) -> bool:
    return PurePosixPath(source.path).name in folders.FILES


AGENT: Agent = KiloCode()
