"""Qwen Code, one file a session, by project.

~/.qwen/projects/-home-me-acme-api/chats/<session id>.jsonl
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from opensession.parsers import gemini
from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source, Storage
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.jsonl import read_lines
from opensession.parsers.qwen_code import sources
from opensession.parsers.qwen_code.feed import feed_with
from opensession.parsers.qwen_code.sources import NAME, VARIABLES

_PARTS = re.compile(rb'"parts"\s*:\s*\[')
_OLDER_RESPONSE = re.compile(rb'"type"\s*:\s*"qwen"')


class QwenCode(Agent):
    """The row of Qwen Code; it holds no state."""

    name = NAME
    label = "Qwen Code"
    color = "#615ced"
    parser_version = 1
    variables: tuple[str, ...] = VARIABLES
    retention_days: int | None = None
    resume: tuple[str, ...] = ("qwen", "--resume", "{id}")
    ids = "sessionId in every record; a subagent's is the name of its file"

    def roots(self, env: Environment) -> list[Root]:
        """`projects` and `tmp` of every home of Qwen Code."""
        return sources.roots(env)

    def sources(self, root: Root) -> Iterator[Source]:
        """Every session below `root`."""
        return sources.sources(root)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The session that `path` belongs to, if to any."""
        return sources.source_of(root, path)

    def recognises(self, path: str, head: bytes) -> float:
        """By the keys of a record with Google's parts, or with what Qwen Code notes itself."""
        if begins_with_keys(head, "sessionId", "projectHash"):
            return 0.95 if _OLDER_RESPONSE.search(head) else 0.0
        if not begins_with_keys(head, "uuid", "parentUuid", "sessionId", "type"):
            return 0.0
        return 0.95 if _PARTS.search(head) or b'"systemPayload"' in head else 0.0

    def storage(self, source: Source) -> Storage:
        """Lines, or a whole file as it was before 0.5."""
        return gemini.storage(source)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a session."""
        if sources.is_older(source):
            return gemini.read(source, cursor, "")
        return read_lines(source, cursor, feed_with(sources.meta_of(source)))


AGENT: Agent = QwenCode()
