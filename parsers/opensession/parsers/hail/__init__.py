"""HAIL files of any program, one session a file.

~/.local/share/hail/<any name>.hail.jsonl, a folder of `[watchers] custom_paths`, or a path given by
hand
"""

from __future__ import annotations

from collections.abc import Iterator

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.hail.feed import NAME, feed
from opensession.parsers.jsonl import read_lines
from opensession.parsers.opening import walk
from opensession.parsers.places import data_home

SUFFIX = ".hail.jsonl"
WATCH_DEPTH = 2


class Hail(Agent):
    """The row of HAIL files; it holds no state."""

    name = NAME
    label = "HAIL file"
    color = "#64748b"
    parser_version = 1
    variables: tuple[str, ...] = ()
    retention_days: int | None = None
    resume: tuple[str, ...] = ()
    ids = "the session id in the file's header"

    def roots(self, env: Environment) -> list[Root]:
        """The folder that programs may drop files into, and those of the configuration."""
        folders = dict.fromkeys([f"{data_home(env)}/hail", *env.extra])
        return [Root(self.name, folder, WATCH_DEPTH) for folder in folders]

    def sources(self, root: Root) -> Iterator[Source]:
        """Every HAIL file below `root`."""
        for path in walk(root.path, _is_hail):
            yield Source(self.name, root.path, path)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The HAIL file that `path` is, if it is one."""
        if path.startswith(root.path.rstrip("/") + "/") and _is_hail(path):
            return Source(self.name, root.path, path)
        return None

    def recognises(self, path: str, head: bytes) -> float:
        """By the header, or the keys of the form of one object."""
        if begins_with_keys(head, "type", "version", "session_id") and b'"hail-' in head[:4096]:
            return 1.0
        return 0.86 if begins_with_keys(head, "version", "session_id", "events") else 0.0

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a file."""
        return read_lines(source, cursor, feed)


def _is_hail(name: str) -> bool:
    return name.endswith(SUFFIX)


AGENT: Agent = Hail()
