"""The one writer of the index and the archive: batches in, changes out.

A batch goes to the archive and onto the disk first, then one transaction stores its events, search
entries, session, cursor and archived length together. So a crash between the two leaves an archive
that is ahead of the index, which the next read finds and does not write again.

    writer = Writer(index, archive_dir, archive=True)      # in the thread that will use it
    recovered = writer.recover(versions, strip_version)    # once, before anything is read
    ids = writer.register(sources)
    changes = writer.apply(batches)                         # any number, of any sources
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import apsw

from opensession.daemon import set_aside
from opensession.daemon.archive import Appending, Archived, DiskFull, file_for, is_low, merge
from opensession.daemon.batch import Batch, Failure
from opensession.daemon.guards import Guards
from opensession.daemon.store import (
    connect,
    intake,
    leaks_write,
    presence,
    recovery,
    restrip,
    sessions_write,
    sources,
)
from opensession.daemon.store.change import Change
from opensession.daemon.store.leaks_write import Leaks, Noted
from opensession.daemon.store.private import Private
from opensession.daemon.store.sources import SourceRow
from opensession.parsers.agent import Source

_log = logging.getLogger(__name__)

_NOT_OF_A_BATCH = (apsw.BusyError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)

_Placed = tuple[Batch, Archived, bool]
"""A batch, the state of its archive file with it, and whether its frame had to be left out."""


class Writer:
    """Owns the write connection; everything is called from one thread.

    Raises `ForeignDatabase`, `NewerDatabase` or `CorruptDatabase` when it is made, and
    `CorruptDatabase` from any method that finds the index damaged. `archive` False keeps no raw
    bytes. `check` looks for damage first, as after a stop that was not clean. `leaks` is told of
    secrets before the events that hold them are committed.
    """

    def __init__(
        self,
        index: Path,
        archive_dir: Path,
        *,
        archive: bool = True,
        check: bool = False,
        leaks: Leaks | None = None,
        guards: Guards | None = None,
    ) -> None:
        self._leaks = leaks
        self._index = index
        self._archive_dir = archive_dir
        self._archive = archive
        self._db = connect.open_index(index, check=check)
        self._private = Private(self._db, index, archive_dir, guards) if guards else None
        self._repositories = guards.repositories if guards else None
        self.archive_paused = False

    @property
    def db(self) -> apsw.Connection:
        """The write connection, for work that others have done in this thread."""
        return self._db

    @property
    def index(self) -> Path:
        """The index's file."""
        return self._index

    @property
    def archive_dir(self) -> Path:
        """Where the archive lies."""
        return self._archive_dir

    def sources(self) -> list[SourceRow]:
        """Every source that was ever found."""
        return sources.load_all(self._db)

    def unread(self) -> list[int]:
        """Sources that were read before and are to be read from their beginning again, newest
        first: the caller reads them with cursor None.
        """
        query = "SELECT id FROM source WHERE cursor IS NULL AND state = 'ok' ORDER BY mtime_ns DESC"
        return [source_id for (source_id,) in self._db.execute(query)]

    def register(self, found: Iterable[Source]) -> list[int]:
        """The ids of sources, in their order; 0 for a path that is not valid UTF-8."""
        with self._transaction():
            return sources.register(self._db, found)

    def apply(self, batches: Sequence[Batch]) -> list[Change]:
        """Archives and stores `batches`, in their order.

        A batch that does not continue what is stored of its source is dropped. Raises `DiskFull`,
        OSError or an error of SQLite's where the disk or the database is at fault, with nothing
        stored. A batch that is itself at fault is left out, the state of its source becomes
        `error`, and the others are stored.
        """
        try:
            return self._apply(batches)
        except (DiskFull, connect.CorruptDatabase, OSError, *_NOT_OF_A_BATCH):
            raise
        except Exception as error:
            if len(batches) > 1:
                return [change for batch in batches for change in self.apply([batch])]
            _log.exception("source %d could not be stored", batches[0].source_id)
            self.fail(Failure(batches[0].source_id, "error", f"not stored: {type(error).__name__}"))
            return []

    def fail(self, failure: Failure) -> None:
        """Records that a source gave nothing."""
        if failure.state == "gone":
            self.mark_gone([failure.source_id])
            return
        with self._transaction():
            sources.record_state(self._db, failure.source_id, failure.state, failure.reason)
            sources.record_tried(self._db, failure)

    def mark_gone(self, ids: Iterable[int], reason: str = "") -> None:
        """The files of these sources are no more, or for this reason not to be had. All that was
        stored stays; where another source holds the same session, that becomes its source.
        """
        with self._transaction():
            for source_id in ids:
                sources.record_state(self._db, source_id, "gone", reason)
                intake.owner_gone(self._db, source_id)

    def recover(
        self, versions: Mapping[str, int], strip_version: int, rules: str = ""
    ) -> recovery.Recovery:
        """Brings index and archive together after any kind of stop, and marks what older versions
        made to be read again. `versions` are the parsers' by agent.
        """
        if self._private is not None:
            self._private.recover()
        with self._transaction():
            if self._repositories is not None:
                self._repositories.take_from(self._db, set_aside.all_aside(self._index))
            return recovery.recover(
                self._db, self._archive_dir, self._archive, versions, strip_version, rules
            )

    def quiet_sources(self, before_us: int) -> list[int]:
        """Sources last read before `before_us` whose archive has frames that may be merged."""
        return sources.ids_where(
            self._db, "archive_frames > 1 AND read_us < ? ORDER BY read_us", (before_us,)
        )

    def merge(self, source_id: int) -> int:
        """Merges the small frames of a source's archive file; how many bytes that freed."""
        row = sources.load(self._db, source_id)
        if row is None or row.archive_size == 0:
            return 0
        merged = merge(file_for(self._archive_dir, row.agent, row.path), row.source)
        if merged is None:
            merged = Archived(row.generation, row.archived_len, row.archive_size, 0)
        with self._transaction():
            sources.record_archived(self._db, source_id, merged)
        return row.archive_size - merged.size

    def optimize(self) -> None:
        """Tidies the search index a little; for idle times, cheap when there is nothing to do."""
        with self._transaction():
            self._db.execute("INSERT INTO search (search, rank) VALUES ('merge', 200)")

    def checkpoint(self) -> None:
        """Moves the write-ahead log into the database and empties it, unless a reader is at it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Leaves a database without a write-ahead log."""
        self._db.execute("PRAGMA optimize")
        self._db.close()

    def _transaction(self) -> connect.Transaction:
        return connect.Transaction(self._db, self._index)

    def take_again(self, agents: Iterable[str], native_id: str) -> list[int] | None:
        """See `Private.take_again`."""
        return self._private.take_again(list(agents), native_id) if self._private else None

    def store_restripped(
        self, source_id: int, rules: str, found: list[restrip.Restripped]
    ) -> list[Change]:
        """Stores the sessions of a source, as other rules have them."""
        with self._transaction():
            changes = restrip.store(self._db, found)
            if self._leaks is not None:
                noted = [one for each in found for one in self._noted_more(each)]
                if noted:
                    self._leaks.record(noted)
            self._db.execute(
                "UPDATE source SET rules = ? WHERE id = ? AND state = 'gone'", (rules, source_id)
            )
        return changes

    def _noted_more(self, found: restrip.Restripped) -> list[Noted]:
        session = sessions_write.load(self._db, found.session)
        if session is None or not found.prepared.secrets:
            return []
        rows = dict(found.rows)
        secrets = found.prepared.secrets
        return [leaks_write.noted_more(session.agent, session.native_id, secrets, rows)]

    def forget(self, agent: str, native_id: str) -> list[Change]:
        """Forgets a session, as if a prompt of it had said `#private`."""
        found = sessions_write.find(self._db, agent, native_id)
        row = sources.load(self._db, found.source) if found is not None else None
        if self._private is None or row is None:
            return []
        return self._private.forget(agent, native_id, row)

    def erase(self) -> bool:
        """Overwrites what forgotten sessions left behind; for idle times. False where a reader
        keeps it from ending: it is to be tried again.
        """
        return self._private is None or self._private.erase()

    def _apply(self, batches: Sequence[Batch]) -> list[Change]:
        changes: list[Change] = []
        if self._private is not None:
            batches, changes = self._private.admitted(batches)
        if self._repositories is not None:
            batches = self._repositories.completed(batches)
        return changes + self._take(batches)

    def _take(self, batches: Sequence[Batch]) -> list[Change]:
        with Appending(self._archive_dir) as appending:
            placed = self._place(appending, batches)
            appending.sync()
        again: dict[int, bool] = {}
        while True:
            try:
                with self._transaction():
                    return self._store(placed, again)
            except _Misfit as misfit:
                again[misfit.source_id] = misfit.other_content

    def _place(self, appending: Appending, batches: Sequence[Batch]) -> list[_Placed]:
        """Archives what continues its source; the rest is left out."""
        self._notice_room()
        reached: dict[int, tuple[Source, int, Archived, bool]] = {}
        placed: list[_Placed] = []
        for batch in batches:
            if batch.source_id not in reached:
                row = sources.load(self._db, batch.source_id)
                if row is None:
                    continue
                reached[row.id] = (row.source, row.offset, row.archived, row.archive_gap)
            source, offset, archived, gap = reached[batch.source_id]
            if not batch.restarted and batch.expected_offset != offset:
                continue
            if batch.restarted or batch.expected_offset == 0:
                gap = False
            frame = batch.frame
            if batch.lost and self._archive:
                archived = appending.state(source, archived)
            if not self._archive and batch.raw_bytes:
                archived, missed = self._left_out(source, archived, batch)
                gap = gap or missed
            if frame is not None and frame.length and self._archive:
                if self.archive_paused:
                    gap = True
                else:
                    archived = appending.append(source, archived, frame)
                    gap = archived.length < frame.offset + frame.length
            shrunk = not batch.more and 0 < batch.cursor.offset < archived.length and not batch.lost
            if shrunk and self._archive and not (self.archive_paused or batch.older):
                archived = appending.cut(source, archived, batch.cursor.offset)
            reached[batch.source_id] = (source, batch.cursor.offset, archived, gap)
            placed.append((batch, archived, gap))
        return placed

    def _store(self, placed: Sequence[_Placed], again: Mapping[int, bool]) -> list[Change]:
        """Stores batches within a transaction; sources in `again` are only marked to be read."""
        changes: list[Change] = []
        noted: list[Noted] = []
        for source_id, other_content in again.items():
            sources.restart(self._db, [source_id])
            sources.record_found(self._db, source_id)
            if other_content:
                sources.raise_suffix(self._db, source_id)
        for batch, archived, gap in placed:
            row = sources.load(self._db, batch.source_id)
            if row is None:
                continue
            if row.id in again:
                sources.record_archived(self._db, row.id, archived)
                continue
            if not batch.restarted and batch.expected_offset != row.offset:
                continue
            unchanged = batch.cursor == row.cursor and batch.present is None
            if unchanged and row.state == "ok" and not batch.restarted:
                continue
            try:
                if batch.restarted or batch.expected_offset == 0:
                    intake.begin(self._db, row)
                for prepared in batch.sessions:
                    change = intake.take(self._db, row, batch, prepared, self._archive_dir)
                    if change is not None:
                        changes.append(change)
                    if self._leaks is not None:
                        name = intake.suffixed(row, prepared.info.id)
                        noted += leaks_write.noted_of(
                            self._leaks, row.agent, name, prepared, change
                        )
                if not batch.more:
                    ending = intake.finish(self._db, row, batch)
                    if self._leaks is not None:
                        noted += leaks_write.noted_of_end(self._leaks, ending)
                    changes += ending
            except intake.ReadAgain as error:
                raise _Misfit(row.id, isinstance(error, intake.OtherContent)) from error
            if batch.present is not None:
                presence.record(self._db, row, batch.present)
            sources.record_read(self._db, row, batch, archived, gap)
            fetched = gap and self._archive and not self.archive_paused
            if fetched or intake.has_lost_all(self._db, row, batch):
                sources.restart(self._db, [row.id])
        if noted and self._leaks is not None:
            self._leaks.record(noted)
        return changes

    def _left_out(self, source: Source, archived: Archived, batch: Batch) -> tuple[Archived, bool]:
        """Where nothing is archived: what the archive has of a source from before, which a new
        index does not know, and if it lacks what is read now. A file that was rewritten is there.
        """
        if batch.restarted or batch.expected_offset == 0:
            archived = recovery.archived_now(self._archive_dir, source, archived)
        rewritten = batch.restarted and Path(source.path).exists()
        return archived, rewritten or archived.length < batch.cursor.offset

    def _notice_room(self) -> None:
        """Pauses archiving while the disk is nearly full, and afterwards fetches what it missed."""
        if not self._archive:
            return
        low = is_low(self._index.parent)
        if self.archive_paused and not low:
            with self._transaction():
                recovery.refetch_gaps(self._db)
        self.archive_paused = low


class _Misfit(Exception):
    """A batch that made the transaction be rolled back."""

    def __init__(self, source_id: int, other_content: bool) -> None:
        super().__init__(source_id)
        self.source_id = source_id
        self.other_content = other_content
