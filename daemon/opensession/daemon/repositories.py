"""Which repository a folder belonged to, kept in `user.db` for when the folder is gone.

Git's own files say it while they are there; neither the agents' files nor the archive do. So what a
folder said is remembered, and given to the sessions that were begun in it up to then, when an index
is made anew after the folder was moved or removed, or in another home.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import apsw
import msgspec

from opensession.daemon.archive.space import DiskFull
from opensession.daemon.batch import Batch, PreparedSession
from opensession.daemon.gitfacts import GitFacts, clean_remote
from opensession.daemon.store.connect import (
    CorruptDatabase,
    all_or_nothing,
    emptied,
    open_reader,
)
from opensession.daemon.user_data import UserData

log = logging.getLogger(__name__)

_TAKEN = "repositories"
"""In `meta` of an index: what it knew of repositories from before is in `user.db` as well."""

_KNOWN_TO_INDEX = (
    "SELECT cwd, git_root, git_remote, git_repo_name, max(updated_us) FROM session"
    " WHERE git_root <> '' AND cwd <> '' GROUP BY cwd"
)


class Known(msgspec.Struct, frozen=True):
    """A folder's repository, and until when it is known to have been that (microseconds)."""

    facts: GitFacts
    seen_us: int


class Repositories:
    """Used by the writer's thread; what it remembers is on the disk before a method returns."""

    def __init__(self, user: UserData) -> None:
        self._user = user
        self._known = user.read(_load)

    def of(self, folder: str) -> GitFacts | None:
        """The repository that a folder was in when it was last seen."""
        known = self._known.get(folder)
        return None if known is None else known.facts

    def completed(self, batches: Sequence[Batch]) -> list[Batch]:
        """The batches, with what is remembered where a folder does not say any more which
        repository it is of; what folders say now is remembered. Raises DiskFull.
        """
        found: dict[str, Known] = {}
        done = []
        for batch in batches:
            sessions = [self._completed(one, found) for one in batch.sessions]
            if any(one is not other for one, other in zip(sessions, batch.sessions, strict=True)):
                batch = msgspec.structs.replace(batch, sessions=sessions)
            done.append(batch)
        self._remember(found)
        return done

    def forget(self, folders: Collection[str]) -> None:
        """Nothing is remembered of these folders; what was is overwritten. Raises DiskFull."""
        gone = [folder for folder in folders if folder in self._known]
        if gone:
            self._write(partial(_delete, folders=gone))
            self._known = {key: one for key, one in self._known.items() if key not in gone}

    def keep_only(self, index: apsw.Connection) -> None:
        """Forgets the folders that no session of a complete index was begun in. Raises DiskFull."""
        used = {str(folder) for (folder,) in index.execute("SELECT DISTINCT cwd FROM session")}
        self.forget(self._known.keys() - used)

    def take_from(self, index: apsw.Connection, aside: Collection[Path]) -> None:
        """Remembers what an index knows from the time before anything was remembered, once; and
        what those know that were put `aside`, since it cannot be found out again. Raises DiskFull.
        """
        if not _is_taken(index):
            self._remember(self._news(index))
            index.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, '1')", (_TAKEN,))
        for path in aside:
            with contextlib.suppress(apsw.Error, CorruptDatabase), _read(path) as db:
                if not _is_taken(db):
                    self._remember(self._news(db))

    def _news(self, index: apsw.Connection) -> dict[str, Known]:
        return {
            str(folder): Known(GitFacts(str(root), clean_remote(str(remote)), str(name)), int(seen))
            for folder, root, remote, name, seen in index.execute(_KNOWN_TO_INDEX)
            if str(folder) not in self._known
        }

    def _completed(self, one: PreparedSession, found: dict[str, Known]) -> PreparedSession:
        folder = one.info.cwd
        if not folder or not one.rows:
            return one  # nothing of it is stored: it may have been written in a pause
        known = found.get(folder) or self._known.get(folder)
        now_us = time.time_ns() // 1000
        begun_us = min(one.tally.first_us, now_us)
        first = one.keep == 0
        if one.git is None:
            # One that was begun later may be of no repository: the folder may be another by now.
            if known is None or not first or begun_us > known.seen_us:
                return one
            return msgspec.structs.replace(one, git=known.facts)
        if known is None or known.facts != one.git or (first and begun_us > known.seen_us):
            found[folder] = Known(one.git, now_us)
        return one

    def _remember(self, found: Mapping[str, Known]) -> None:
        if found:
            self._write(partial(_store, found=found))
            self._known = {**self._known, **found}

    def _write(self, work: Callable[[apsw.Connection], None]) -> None:
        try:
            self._user.read(work)
        except apsw.FullError as error:
            raise DiskFull("no room for what is to be remembered") from error


def _load(db: apsw.Connection) -> dict[str, Known]:
    return {
        str(folder): Known(GitFacts(str(root), str(remote), str(name)), int(str(seen_us)))
        for folder, root, remote, name, seen_us in db.execute(
            "SELECT folder, root, remote, name, seen_us FROM repository"
        )
    }


def _store(db: apsw.Connection, found: Mapping[str, Known]) -> None:
    with all_or_nothing(db):
        db.executemany(
            "INSERT OR REPLACE INTO repository (folder, root, remote, name, seen_us)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                (folder, one.facts.root, one.facts.remote, one.facts.name, one.seen_us)
                for folder, one in found.items()
            ],
        )


def _delete(db: apsw.Connection, folders: Collection[str]) -> None:
    with all_or_nothing(db):
        db.executemany("DELETE FROM repository WHERE folder = ?", [(each,) for each in folders])
    emptied(db)  # the log has it still, else


def _is_taken(index: apsw.Connection) -> bool:
    return index.execute("SELECT 1 FROM meta WHERE key = ?", (_TAKEN,)).get is not None


@contextlib.contextmanager
def _read(path: Path) -> Iterator[apsw.Connection]:
    db = open_reader(path)
    try:
        yield db
    finally:
        db.close()
