"""`#private` where batches are stored: the one place that decides, whoever read them.

The order makes every crash safe: the tombstone is on the disk before anything is taken away, and
what a crash left is taken away at the next start (`recover`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

import apsw
import msgspec

from opensession.daemon.admission import PRIVATE
from opensession.daemon.archive import Archived, DiskFull
from opensession.daemon.batch import Batch
from opensession.daemon.guards import Guards, Tombstone
from opensession.daemon.hidden import without_sessions
from opensession.daemon.store import connect, forgetting, forgetting_archive, intake, sources
from opensession.daemon.store.change import Change
from opensession.daemon.store.sources import SourceRow

TELLING = 8
"""A shorter id may be part of any path."""

_log = logging.getLogger(__name__)


class Private:
    """Part of the writer, in its thread."""

    def __init__(self, db: apsw.Connection, index: Path, archive_dir: Path, guards: Guards) -> None:
        self._db = db
        self._index = index
        self._archive_dir = archive_dir
        self._guards = guards
        self._reached: dict[tuple[int, str], int] = {}

    def admitted(self, batches: Sequence[Batch]) -> tuple[list[Batch], list[Change]]:
        """The batches without private sessions; those that say that they are, are forgotten."""
        found: list[Batch] = []
        changes: list[Change] = []
        for batch in batches:
            if not (batch.private or self._guards.knows_private):
                found.append(batch)
                continue
            row = sources.load(self._db, batch.source_id)
            if row is None:
                continue
            for line in batch.private:
                name = line.session
                if not self._known(row, name) and self._guards.counts(row.agent, line):
                    changes += self.forget(row.agent, name, row, rows=batch.keeps)
                    row = sources.load(self._db, row.id) or row
            if self._guards.uncounted:
                self._count(row, batch)
            admitted = self._without_private(row, batch)
            if admitted is not None:
                found.append(admitted)
        return found, changes

    def forget(
        self, agent: str, native_id: str, row: SourceRow, *, rows: bool = False
    ) -> list[Change]:
        """Forgets a session with its subagents; `row` is the source that it is in, a database's if
        `rows`.
        """
        guards, db = self._guards, self._db
        because = guards.session_hash(agent, native_id)
        sessions = forgetting.family(db, agent, native_id)
        places = {row.id: row}
        for number in forgetting.sources_of(db, sessions):
            other = sources.load(db, number)
            if other is not None:
                places[number] = other
        names = {native_id, *(session.native_id for session in sessions)}
        for number in forgetting.left_behind(db, self._archive_dir, agent, names):
            other = sources.load(db, number)
            if other is not None:
                places[number] = other
        alone = {number: _is_own(place, names) for number, place in places.items()}
        shared = {number for number in places if not alone[number]}
        databases = {number for number in shared if is_database(places[number])}
        if rows and row.id in shared:
            databases.add(row.id)
        home = {session.native_id: session.source for session in sessions}
        guards.forget(
            [
                Tombstone(
                    guards.session_hash(agent, name),
                    guards.source_hash(agent, places[home.get(name, row.id)].path),
                    because,
                    alone[home.get(name, row.id)],
                )
                for name in names
            ]
        )
        guards.names.forget(agent, names)
        guards.repositories.forget(forgetting.folders_of(db, self._index, sessions))
        # Before the index: as long as that knows them, a start after a crash comes here again.
        for number, place in places.items():
            if number in databases:
                self._blank(place, names)
            else:
                forgetting_archive.remove_archive(self._archive_dir, place)
        db.execute("PRAGMA secure_delete = ON")
        try:
            with self._transaction():
                changes = forgetting.delete(db, sessions)
                db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('erase', '1')")
                for number in places:
                    if alone[number]:
                        forgetting.give_up(db, number, PRIVATE)
                    elif number not in databases:
                        sources.restart(db, [number])
                        sources.record_archived(db, number, Archived())
        finally:
            db.execute("PRAGMA secure_delete = FAST")
        for session in sessions:
            guards.forget_leaks(agent, session.native_id)
        forgetting.forget_aside(self._index, agent, names)
        _log.info("a session of %s is private: what was stored of it is taken away", agent)
        return changes

    def recover(self) -> None:
        """Takes away what a crash left of sessions that are to be forgotten."""
        forgetting_archive.left_over(self._archive_dir)
        if not self._guards.knows_private:
            return
        for agent, name, source in list(
            self._db.execute("SELECT agent, native_id, source FROM session")
        ):
            if self._guards.is_private(str(agent), str(name)):
                row = sources.load(self._db, int(str(source)))
                if row is not None:
                    try:
                        self.forget(str(agent), str(name), row)
                    except (DiskFull, OSError) as error:  # the next start comes here again
                        _log.error("a private session is still here: %s", type(error).__name__)
        alone = self._guards.private_sources
        for row in sources.load_all(self._db):
            if self._guards.source_hash(row.agent, row.path) in alone and row.state != "refused":
                with self._transaction():
                    forgetting.give_up(self._db, row.id, PRIVATE)
                forgetting_archive.remove_archive(self._archive_dir, row)

    def erase(self) -> bool:
        """Overwrites what forgotten sessions left in the databases; False if some of it is still
        there, since somebody reads.
        """
        if self._db.execute("SELECT value FROM meta WHERE key = 'erase'").get is None:
            return True
        if not (forgetting.erase(self._db) and self._guards.erase()):
            return False
        self._db.execute("DELETE FROM meta WHERE key = 'erase'")
        return True

    def take_again(self, agents: Collection[str], native_id: str) -> list[int] | None:
        """Sessions of this id are taken in again; the sources to be read, None if none is private.
        A file that is not there any more is none of them.

        The id is not known from the tombstone, so it has to be the whole one.
        """
        found = [
            one
            for agent in agents
            for one in self._guards.release(self._guards.session_hash(agent, native_id))
        ]
        if not found:
            return None
        wanted = {one.source for one in found}
        rows = [
            row
            for row in sources.load_all(self._db)
            if self._guards.source_hash(row.agent, row.path) in wanted
            or (row.agent in agents and _is_own(row, {native_id}))  # was moved since
        ]
        there = [row.id for row in rows if Path(row.path).exists()]
        with self._transaction():
            for row in rows:
                if row.id in there:
                    sources.record_found(self._db, row.id)
                else:
                    sources.record_state(self._db, row.id, "gone", "")
            sources.restart(self._db, [row.id for row in rows])
        return there

    def _count(self, row: SourceRow, batch: Batch) -> None:
        """Notes how far sessions that were taken in again come, once they are read to the end."""
        for prepared in batch.sessions:
            name = prepared.info.id
            if self._guards.is_uncounted(row.agent, name):
                known = self._reached.get((row.id, name), 0)
                last = max(known, prepared.keep + len(prepared.rows))
                self._reached[row.id, name] = last
        if batch.more:
            return
        for source, name in [each for each in self._reached if each[0] == row.id]:
            last = self._reached.pop((source, name))
            if self._guards.is_uncounted(row.agent, name):
                self._guards.count(row.agent, name, last)

    def _known(self, row: SourceRow, name: str) -> bool:
        return self._guards.is_private(row.agent, name)

    def _without_private(self, row: SourceRow, batch: Batch) -> Batch | None:
        """The batch without private sessions; None where its source holds nothing else."""
        guards = self._guards
        hidden: set[str] = set()
        for prepared in batch.sessions:
            name, parent = prepared.info.id, prepared.info.parent
            if guards.is_private(row.agent, name) or guards.is_private(
                row.agent, intake.suffixed(row, name)
            ):
                hidden.add(name)
            elif parent and guards.is_private(row.agent, parent):
                hidden.add(name)
                because = guards.because_of(row.agent, parent)
                source = guards.source_hash(row.agent, row.path)
                alone = _is_own(row, {name, parent})
                guards.forget(
                    [Tombstone(guards.session_hash(row.agent, name), source, because, alone)]
                )
        if guards.source_hash(row.agent, row.path) in guards.private_sources or (
            self._is_moved(row, batch, hidden)
        ):
            if row.state != "refused" or row.cursor is not None:
                with self._transaction():
                    forgetting.give_up(self._db, row.id, PRIVATE)
                forgetting_archive.remove_archive(self._archive_dir, row)
            return None
        if batch.keeps:
            return without_sessions(batch, hidden)
        if hidden or guards.is_unarchived(row.agent, row.path):
            left = [each for each in batch.sessions if each.info.id not in hidden]
            return msgspec.structs.replace(batch, sessions=left, frame=None)
        return batch

    def _is_moved(self, row: SourceRow, batch: Batch, hidden: Collection[str]) -> bool:
        """Whether a source is another file of what is forgotten and holds nothing else: where that
        is now, or was before, and which a backup brought back.
        """
        if batch.keeps or not hidden or len(hidden) < len(batch.sessions):
            return False
        whole = batch.expected_offset == 0 and not batch.more
        return _is_own(row, hidden) or (whole and not Path(row.path).exists())

    def _blank(self, row: SourceRow, names: Collection[str]) -> None:
        made = forgetting_archive.blank_archive(self._archive_dir, row, names)
        if made is None:
            return
        with self._transaction():
            sources.record_archived(self._db, row.id, made.archived)
            if made.lost:
                _log.warning("%d bytes that were damaged are blank now: %s", made.lost, row.agent)
                self._db.execute(
                    "UPDATE source SET archive_gap = state <> 'gone',"
                    " missing_bytes = missing_bytes + iif(state = 'gone', ?, 0) WHERE id = ?",
                    (made.lost, row.id),
                )

    def _transaction(self) -> connect.Transaction:
        return connect.Transaction(self._db, self._index)


def _is_own(row: SourceRow, names: Collection[str]) -> bool:
    """Whether a source is the file of one of these sessions alone: it bears its name."""
    return any(len(name) >= TELLING and name in row.path for name in names)


def is_database(row: SourceRow) -> bool:
    """Whether what is archived of a source is a log of rows."""
    return names_database(row.path)


def names_database(path: str) -> bool:
    """Whether a path is that of a database."""
    return path.endswith((".db", ".sqlite", ".sqlite3", ".vscdb"))
