"""The database as the event loop sees it: functions over a connection, run where they may block.

await database.read(lambda db: db.execute("SELECT …").get)
await database.write(lambda db: db.execute("INSERT …"))     durable when it returns
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from opensession.server.storage.connect import open_reader, open_writer
from opensession.server.storage.writer import Change, Plain, Writer

T = TypeVar("T")

READERS = 4


class Database:
    """One writer, some readers. Made in a thread: opening migrates."""

    def __init__(self, path: Path) -> None:
        self.writes = 0
        """Changes by `write` so far: what was read of accounts is good while this is the same."""
        self._writer = Writer(open_writer(path))
        self._readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        self._reading = ThreadPoolExecutor(READERS, "hub-reader")
        for _ in range(READERS):
            self._readers.put(open_reader(path))

    async def read(self, ask: Callable[[apsw.Connection], T]) -> T:
        """What a function gives that only reads; it sees one state of the database throughout."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._ask, ask)

    async def write(self, change: Callable[[apsw.Connection], T]) -> T:
        """What a function gives that writes. It is one transaction; if it raises, nothing is
        written. It must not block: others wait for it.
        """
        return await self._writer.write(Plain(change, self._wrote))

    async def change(self, change: Change[T]) -> T:
        """Like `write`, for what also writes files."""
        return await self._writer.write(change)

    def close(self) -> None:
        """Returns when all is written. Blocks."""
        self._reading.shutdown()
        while not self._readers.empty():
            self._readers.get().close()
        self._writer.close()  # the last one: then no write-ahead log is left

    def _wrote(self) -> None:
        self.writes += 1  # in the writer's thread alone

    def _ask(self, ask: Callable[[apsw.Connection], T]) -> T:
        db = self._readers.get()
        try:
            db.execute("BEGIN")  # one snapshot for all statements
            try:
                return ask(db)
            finally:
                db.execute("ROLLBACK")
        finally:
            self._readers.put(db)
