"""Gemini CLI, one file a session, by project.

~/.gemini/tmp/<project>/chats/session-2026-11-20T23-53-1f77a83f.jsonl
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source, Storage
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.gemini import sources
from opensession.parsers.gemini.feed import line_feed, record_feed
from opensession.parsers.jsonl import read_lines
from opensession.parsers.whole import Part, read_parts

NAME = "gemini"
HOME_VARIABLE = "GEMINI_CLI_HOME"


class Gemini(Agent):
    """The row of Gemini CLI; it holds no state."""

    name = NAME
    label = "Gemini CLI"
    color = "#4285f4"
    parser_version = 1
    variables: tuple[str, ...] = (HOME_VARIABLE,)
    retention_days: int | None = 30
    resume: tuple[str, ...] = ("gemini", "--resume", "{id}")
    ids = "sessionId in the file's header; the file's name has its first 8 characters only"

    def roots(self, env: Environment) -> list[Root]:
        """`tmp` of every home; `GEMINI_CLI_HOME` names what `.gemini` is in."""
        moved = env.variables.get(HOME_VARIABLE, "")
        homes = [f"{moved}/.gemini"] if moved else []
        return sources.tmp_roots(self.name, [*homes, *env.extra, f"{env.home}/.gemini"])

    def sources(self, root: Root) -> Iterator[Source]:
        """Every session below `root`."""
        return sources.sources(root)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The session that `path` is, if it is one."""
        return sources.source_of(root, path)

    def recognises(self, path: str, head: bytes) -> float:
        """By the header, which no other agent's sessions have but Qwen Code's older ones."""
        return 0.9 if begins_with_keys(head, "sessionId", "projectHash") else 0.0

    def storage(self, source: Source) -> Storage:
        """Lines, or a whole file as it was before 2026."""
        return storage(source)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a session."""
        return read(source, cursor, "google")


def storage(source: Source) -> Storage:
    """How a session is written, by its name."""
    return "whole" if source.path.endswith(".json") else "lines"


def read(source: Source, cursor: Cursor | None, provider: str) -> Delta:
    """Reads on in a session of Gemini CLI, or of an agent that writes as it does."""
    folder = partial(sources.folder_of, source)
    if storage(source) == "lines":
        return read_lines(source, cursor, line_feed(source.agent, provider, folder))
    parts = [Part("session", source.path, ("messages",))]
    return read_parts(source, cursor, parts, record_feed(source.agent, provider, folder))


AGENT: Agent = Gemini()
