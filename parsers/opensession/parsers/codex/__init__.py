"""Codex, one file a session, compressed after a week.

~/.codex/sessions/2026/11/20/rollout-2026-11-20T23-44-31-<uuid>.jsonl[.zst]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source
from opensession.parsers.codex import names
from opensession.parsers.codex.feed import NAME, feed
from opensession.parsers.jsonl import read_lines
from opensession.parsers.opening import walk

WATCH_DEPTH = 3
"""Year, month, day: where a session is written while it runs."""


class Codex(Agent):
    """The row of Codex; it holds no state."""

    name = NAME
    label = "Codex"
    color = "#10a37f"
    parser_version = 1
    variables: tuple[str, ...] = ("CODEX_HOME",)
    retention_days: int | None = None
    resume: tuple[str, ...] = ("codex", "resume", "{id}")
    ids = "the id in the session's header, which is also the end of its file's name"

    def roots(self, env: Environment) -> list[Root]:
        """`sessions` and `archived_sessions` of every Codex home."""
        homes = [env.variables.get("CODEX_HOME", ""), *env.extra, str(Path(env.home) / ".codex")]
        roots: dict[str, Root] = {}
        for home in homes:
            if not Path(home).is_absolute():
                continue
            folder = Path(home)
            if folder.name in ("sessions", "archived_sessions"):
                found = [folder]
            else:
                found = [folder / "sessions", folder / "archived_sessions"]
            for path in found:
                roots.setdefault(str(path), Root(self.name, str(path), WATCH_DEPTH))
        return list(roots.values())

    def sources(self, root: Root) -> Iterator[Source]:
        """Every rollout below `root`, at any depth."""
        for path in walk(root.path, _is_rollout):
            yield Source(self.name, root.path, path)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The rollout that `path` is, if it is one."""
        name = path.rsplit("/", 1)[-1]
        if not path.startswith(root.path.rstrip("/") + "/") or not _is_rollout(name):
            return None
        return Source(self.name, root.path, path)

    def recognises(self, path: str, head: bytes) -> float:
        """By the records that only a rollout has."""
        marks = (b'"session_meta"', b'"response_item"', b'"event_msg"', b'"turn_context"')
        found = sum(mark in head for mark in marks)
        return min(0.95, 0.5 + 0.2 * found) if found else 0.0

    def names_file(self, root: str) -> str:
        """`session_index.jsonl` beside the folder of rollouts."""
        return names.names_file(root)

    def names_in(self, path: str) -> Mapping[str, str]:
        """What `/rename` called sessions."""
        return names.read_names(self.name, path)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a rollout."""
        return read_lines(source, cursor, feed)


def _is_rollout(name: str) -> bool:
    return name.startswith("rollout") and name.endswith((".jsonl", ".jsonl.zst"))


AGENT: Agent = Codex()
