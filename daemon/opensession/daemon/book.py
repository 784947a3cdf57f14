"""What the ingest knows of every source while it runs: a slim copy of the `source` table.

Cursors stay in the index until they are needed; with ten thousand sources they would be most of the
daemon's memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opensession.daemon import admission
from opensession.daemon.admission import Rules
from opensession.daemon.reconcile import Known
from opensession.daemon.store.sources import AWAY, SourceRow
from opensession.parsers.agent import Agent, Source, Storage
from opensession.parsers.stamps import Stamp, stamp_of

SETTLE_TRIES = 5
"""How often a source may have to be read from its beginning again without having changed."""

LOG_BYTES = 64 << 10
"""What a change of a database counts for at most: its rows are small, and the file says nothing of
how many of them changed.
"""


class Entry:
    """One source. `stamp` is what it was when it was last read, `disk` what it was when it was last
    looked at, `tried` what it was when a read of it failed. `torn` says that its archive is damaged
    and what is left of it is to be read. `agent` is None for an agent that this program does not
    have (any more).
    """

    __slots__ = (
        "again", "agent", "disk", "fresh", "id", "offset", "reason", "source", "stamp", "state",
        "torn", "tried",
    )  # fmt: skip

    def __init__(self, source_id: int, source: Source, agent: Agent | None) -> None:
        self.id = source_id
        self.source = source
        self.agent = agent
        self.stamp: Stamp | None = None
        self.disk: Stamp | None = None
        self.tried: Stamp | None = None
        self.offset = 0
        self.fresh = True
        self.state = "new"
        self.reason = ""
        self.again = 0
        self.torn = False

    def take(self, row: SourceRow) -> None:
        """Takes over what is stored of the source now."""
        self.fresh = row.cursor is None
        self.stamp = None if row.cursor is None else _stamp(row)
        self.offset = row.offset
        self.state = row.state
        self.reason = row.error

    @property
    def storage(self) -> Storage:
        """How the source is written."""
        return "lines" if self.agent is None else self.agent.storage(self.source)

    def look(self) -> Stamp | None:
        """What the source is on disk now, by stat alone; None if it is not there."""
        source = self.source
        return stamp_of((source.path,) if self.agent is None else self.agent.files(source))

    def left(self, stamp: Stamp) -> int:
        """About how many bytes there are to read, if it lies on disk like this."""
        storage = self.storage
        if self.fresh or storage == "whole":
            return stamp.size
        if storage == "rows":
            return min(stamp.size, LOG_BYTES)
        if stamp.ino != (self.stamp.ino if self.stamp else 0):
            return stamp.size
        return stamp.size - self.offset if stamp.size >= self.offset else stamp.size

    def kept_out(self, rules: Rules) -> bool:
        """Whether these rules keep it out, however it changes."""
        return (
            self.state == "refused"
            and admission.is_final(self.reason)
            and not admission.may_differ(self.reason, rules)
        )


class Book:
    """All sources, by id and by (agent, path)."""

    def __init__(self, agents: Sequence[Agent]) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._by_id: dict[int, Entry] = {}
        self._by_path: dict[tuple[str, str], Entry] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def entries(self) -> list[Entry]:
        """All entries; may be called from any thread."""
        return list(self._by_id.values())

    def load(self, rows: Iterable[SourceRow]) -> None:
        """Enters what the index holds."""
        for row in rows:
            self.add(row.id, row.source).take(row)

    def add(self, source_id: int, source: Source) -> Entry:
        """Enters a source, or gives the entry it has."""
        entry = self._by_id.get(source_id)
        if entry is None:
            entry = self._by_id[source_id] = Entry(
                source_id, source, self._agents.get(source.agent)
            )
            self._by_path[source.agent, source.path] = entry
        entry.source = source
        return entry

    def get(self, source_id: int) -> Entry:
        """The entry of an id."""
        return self._by_id[source_id]

    def find(self, agent: str, path: str) -> Entry | None:
        """The entry of a path, None if it is not in the index."""
        return self._by_path.get((agent, path))

    def of_root(self, agent: str, root: str) -> Iterator[Entry]:
        """The entries that were found below a root."""
        for entry in self._by_id.values():
            if entry.source.root == root and entry.source.agent == agent:
                yield entry

    def known(self, agent: str, root: str, rules: Rules) -> dict[str, Known]:
        """What a reconcile compares a root with. A failed source counts as known in the state in
        which it failed; one that the rules keep out does in any state.
        """
        return {entry.source.path: _known(entry, rules) for entry in self.of_root(agent, root)}


def _known(entry: Entry, rules: Rules) -> Known:
    if entry.state == "gone":
        away = entry.reason == AWAY
        return Known(entry.stamp, gone=not away, away=away)
    if entry.kept_out(rules):
        return Known(entry.stamp, any_stamp=True)
    if entry.state == "refused" and admission.may_differ(entry.reason, rules):
        return Known(None)
    if entry.state in ("refused", "error"):
        return Known(entry.tried)
    return Known(entry.stamp)


def _stamp(row: SourceRow) -> Stamp:
    return Stamp(row.size, row.mtime_ns, row.ino % 2**64)
