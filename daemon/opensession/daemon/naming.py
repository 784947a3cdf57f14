"""What people call their sessions while the daemon runs: whole in memory, and in `user.db`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

import msgspec

from opensession.daemon.store import names_write
from opensession.daemon.store.names import Key, Names, SessionNames, folded
from opensession.daemon.user_data import UserData

Edit = Callable[[SessionNames], SessionNames]


class AliasTaken(Exception):
    """Another session has this alias."""

    def __init__(self, owner: Key) -> None:
        super().__init__("another session has this alias")
        self.owner = owner


class NameBook:
    """`names` may be taken from any thread, and stays as it was when it was taken.

    The other methods wait for `user.db`, so they are not for the loop's thread; what they change is
    on the disk before they return.
    """

    def __init__(self, user: UserData) -> None:
        self._user = user
        self._changing = threading.Lock()
        self.names: Names = user.read(names_write.load)

    def edit(self, keys: Sequence[Key], edit: Edit) -> bool:
        """Changes what these sessions are called; reports whether anything is new.

        Raises AliasTaken, with nothing changed, and DiskFull.
        """
        with self._changing:
            now = time.time_ns() // 1000
            found: list[tuple[Key, SessionNames]] = []
            for key in keys:
                before = self.names.of(*key)
                after = edit(before)
                if after == before:
                    continue
                owner = self.names.called(after.alias) if after.alias else None
                if owner is not None and owner != key:
                    raise AliasTaken(owner)
                found.append((key, msgspec.structs.replace(after, changed_us=now)))
            if found:
                self._user.read(partial(names_write.store, found=found))
                self._take(found)
            return bool(found)

    def forget(self, agent: str, native_ids: Collection[str]) -> None:
        """Sessions are forgotten: what they were called, too. Raises DiskFull."""
        with self._changing:
            keys = [(agent, name) for name in native_ids if (agent, name) in self.names.sessions]
            if keys:
                self._user.read(partial(names_write.forget, keys=keys))
                self._take([(key, SessionNames()) for key in keys])

    def _take(self, found: Sequence[tuple[Key, SessionNames]]) -> None:
        sessions = {**self.names.sessions, **dict(found)}
        sessions = {key: names for key, names in sessions.items() if names.said}
        aliases = {folded(names.alias): key for key, names in sessions.items() if names.alias}
        self.names = Names(sessions, aliases)
