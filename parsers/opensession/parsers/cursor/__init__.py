"""Cursor: the editor's databases, the command line's chats, and the transcripts of both.

~/.config/Cursor/User/globalStorage/state.vscdb
~/.cursor/chats/caa990f2469364441262014be4057c2a/cccccccc-0000-4000-8000-000000000001/store.db
~/.cursor/projects/home-dev-demo/agent-transcripts/dddddddd-….txt
"""

from __future__ import annotations

from collections.abc import Iterator

from opensession.parsers.agent import (
    Agent,
    Cursor,
    Delta,
    Environment,
    Root,
    Source,
    SourceRefused,
    Storage,
)
from opensession.parsers.cursor import chats, sources, transcripts, vscdb
from opensession.parsers.cursor.feed import NAME, feed
from opensession.parsers.jsonl import read_lines
from opensession.parsers.rows import read_rows


class CursorAgent(Agent):
    """The row of Cursor; it holds no state."""

    name = NAME
    label = "Cursor"
    color = "#7c8894"
    parser_version = 1
    variables: tuple[str, ...] = ("CURSOR_CONFIG_DIR",)
    retention_days: int | None = None
    resume: tuple[str, ...] = ("cursor-agent", "--resume", "{id}")
    ids = "the id of the conversation (composer) in the editor, or of the chat on the command line"

    def roots(self, env: Environment) -> list[Root]:
        """The folders of the editor, of its remote servers and of the command line."""
        return sources.roots(self.name, env)

    def sources(self, root: Root) -> Iterator[Source]:
        """Every database and every transcript below `root`."""
        return sources.sources(root)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The source of a changed file; a `-wal` is its database's."""
        return sources.source_of(root, path)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a database or a transcript."""
        kind = sources.kind_of(source.path)
        if kind in ("global", "workspace"):
            pull = vscdb.puller(source)
            return read_rows(source, cursor, vscdb.ALLOWED, pull, feed, vscdb.present)
        if kind == "chat":
            pull = chats.puller(source)
            return read_rows(source, cursor, chats.ALLOWED, pull, feed, chats.present(source))
        if kind is None:
            raise SourceRefused("no file of Cursor's")
        return read_lines(source, cursor, transcripts.feed)

    def files(self, source: Source) -> tuple[str, ...]:
        """A transcript itself; a database with its write-ahead log."""
        if self.storage(source) == "rows":
            return (source.path, f"{source.path}-wal")
        return (source.path,)

    def storage(self, source: Source) -> Storage:
        """Databases are read by rows, transcripts by lines."""
        return "lines" if sources.kind_of(source.path) in ("jsonl", "text") else "rows"


AGENT: Agent = CursorAgent()
