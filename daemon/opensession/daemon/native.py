"""Reading what agents wrote once more, to look for what is private in it: the file, or its archive.

Nothing of it is stored, and no cursor is moved.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from opensession.core import ids
from opensession.core.config.settings import CommandAgent
from opensession.daemon.archive import materialise
from opensession.parsers import registry
from opensession.parsers.agent import Agent, Cursor, Delta, Source


class Native(msgspec.Struct, frozen=True):
    """A source to read whole. With `archive_file` from a generation in the archive. `suffix` is the
    number that the ids of its sessions have in the index.
    """

    source: Source
    size: int = 0
    archive_file: str = ""
    generation: int = 0
    suffix: int = 1

    def session(self, native_id: str) -> str:
        """The id that a session of it has in the index."""
        if self.suffix == 1:
            return native_id
        return ids.fit(self.source.agent, f"{native_id}.{self.suffix}")


@contextlib.contextmanager
def readable(native: Native, scratch: Path) -> Iterator[Source]:
    """The source as an agent reads it; what is archived is a private file meanwhile."""
    if not native.archive_file:
        yield native.source
        return
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="archived-", dir=scratch) as folder:
        copy = materialise(Path(native.archive_file), native.generation, Path(folder))
        yield msgspec.structs.replace(native.source, read_from=str(copy))


def deltas(native: Native, scratch: Path, commands: Sequence[CommandAgent] = ()) -> Iterator[Delta]:
    """All that a source holds, piece by piece. Raises what `Agent.read` raises, KeyError for an
    agent that is not known, `DamagedArchive`.
    """
    agent: Agent = registry.agent(native.source.agent, tuple(commands))
    with readable(native, scratch) as source:
        cursor: Cursor | None = None
        more = True
        while more:
            delta = agent.read(source, cursor)
            yield delta
            cursor, more = delta.cursor, delta.more
