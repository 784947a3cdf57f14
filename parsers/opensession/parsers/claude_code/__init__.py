"""Claude Code: transcripts below `~/.claude/projects`, one JSON record a line."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source
from opensession.parsers.claude_code import sources
from opensession.parsers.claude_code.feed import feed_with
from opensession.parsers.claude_code.state import AGENT_NAME
from opensession.parsers.jsonl import read_lines


class ClaudeCode(Agent):
    """The agent, as `opensession.parsers.agent.Agent` describes it."""

    name = AGENT_NAME
    label = "Claude Code"
    color = "#d97757"
    parser_version = 1
    variables: tuple[str, ...] = (sources.CONFIG_VARIABLE,)
    retention_days: int | None = 30
    resume: tuple[str, ...] = ("claude", "--resume", "{id}")
    ids = "the name of the transcript's file"

    def roots(self, env: Environment) -> list[Root]:
        """The folders of transcripts, existing or not."""
        return sources.roots(env)

    def sources(self, root: Root) -> Iterator[Source]:
        """Every transcript below a root."""
        return sources.sources(root)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The transcript that a changed file belongs to."""
        return sources.source_of(root, path)

    def recognises(self, path: str, head: bytes) -> float:
        """By the keys that every record of a conversation has."""
        keys = (b'"parentUuid"', b'"sessionId"', b'"isSidechain"', b'"userType"')
        found = sum(key in head for key in keys)
        return min(0.95, 0.15 + 0.2 * found) if found > 1 else 0.0

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on from a cursor."""
        return read_lines(source, cursor, feed_with(sources.meta_of(source)))


AGENT: Agent = ClaudeCode()
