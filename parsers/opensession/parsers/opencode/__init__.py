"""OpenCode, all sessions in one database; until January 2026 files of JSON.

~/.local/share/opencode/opencode.db
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source, Storage
from opensession.parsers.opencode import exporting, sources

NAME = "opencode"
DATABASE_VARIABLE = "OPENCODE_DB"


class OpenCode(Agent):
    """The row of OpenCode; it holds no state."""

    name = NAME
    label = "OpenCode"
    color = "#6b7280"
    parser_version = 1
    variables: tuple[str, ...] = (DATABASE_VARIABLE, "XDG_DATA_HOME")
    retention_days: int | None = None
    resume: tuple[str, ...] = ("opencode", "--session", "{id}")
    loads: tuple[str, ...] = ("opencode", "import", "{file}")
    ids = "the id of the session's row, ses_…; of the older files, their names"

    def roots(self, env: Environment) -> list[Root]:
        """The folder of the database, and those of the files before it."""
        return sources.roots(self.name, env, self.name, DATABASE_VARIABLE)

    def sources(self, root: Root) -> Iterator[Source]:
        """Every database, or every session of files, below `root`."""
        return sources.sources(root, self.name)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The source that `path` belongs to, if to any."""
        return sources.source_of(root, path, self.name)

    def files(self, source: Source) -> tuple[str, ...]:
        """A database and its log, or all files of a session."""
        return sources.files(source)

    def storage(self, source: Source) -> Storage:
        """Rows, or files that are each written whole."""
        return sources.storage(source)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a database or a session of files."""
        return sources.read(source, cursor)

    def place_of(self, source: Source, name: str) -> str:
        """A session's own file, or that of a message or part."""
        return sources.place_of(source, name)

    def exported(self, lines: Iterable[bytes], session: str) -> bytes:
        """A session of the database, as `import` takes it."""
        return exporting.exported(lines, session)

    def holds(self, source: Source, session: str) -> bool:
        """Whether the database has a session now."""
        return sources.is_database(source) and exporting.holds(source, session)

    def recognises(self, path: str, head: bytes) -> float:
        """By the tables or ids of a database, or the keys of a session's file."""
        return sources.recognised(head)


AGENT: Agent = OpenCode()
