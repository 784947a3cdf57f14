"""The storage in SQLite and a folder of bodies: `hub.db`, `search.db` and `bodies/`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import apsw

from opensession.core.hub import Have
from opensession.server.storage import listing
from opensession.server.storage.bodies import Bodies, Reading
from opensession.server.storage.database import Database
from opensession.server.storage.feed import Feed
from opensession.server.storage.interface import (
    Ask,
    Batch,
    Body,
    Event,
    Found,
    Key,
    Place,
    Row,
    Stored,
    Visible,
    Why,
)
from opensession.server.storage.prefix import NeedsPrefix, Prefix, prefix_of
from opensession.server.storage.removing import Removing
from opensession.server.storage.rows import SELECT, row_of
from opensession.server.storage.search_index import SearchIndex
from opensession.server.storage.taking import Taking, have

EXPIRY_SECONDS = 30.0


class SqliteStorage:
    """`Storage` on one machine. Made by `opened`; `close` waits for what is being written."""

    def __init__(
        self, database: Database, bodies: Bodies, feed: Feed, index: SearchIndex, plugin: str
    ) -> None:
        self._database = database
        self._bodies = bodies
        self._feed = feed
        self._index = index
        self._plugin = plugin
        self._expiring = asyncio.get_running_loop().create_task(self._expire(), name="expiry")

    async def close(self) -> None:
        """Ends what goes on by itself. The database is its owner's to close."""
        self._expiring.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._expiring
        await asyncio.to_thread(self._index.close)

    async def take(self, batch: Batch) -> Stored:
        """As `Storage` has it."""
        prefix: Prefix | None = None
        try:
            while True:
                try:
                    return await self._database.change(self._taking(batch, prefix))
                except NeedsPrefix as needed:
                    await self._let_go(prefix)
                    prefix = None
                    prefix = await asyncio.to_thread(
                        prefix_of, self._bodies, needed.body, needed.seq
                    )
        finally:
            await self._let_go(prefix)

    def _taking(self, batch: Batch, prefix: Prefix | None) -> Taking:
        return Taking(
            self._bodies,
            batch,
            default_plugin=self._plugin,
            prefix=prefix,
            number=self._feed.number,
            tell=self._tell,
        )

    async def _let_go(self, prefix: Prefix | None) -> None:
        """Removes the copy of a prefix, where it was not taken."""
        if prefix is not None and prefix.copy:
            await asyncio.to_thread(self._bodies.unlink, prefix.copy)

    async def have(self, key: Key) -> Have:
        """As `Storage` has it."""
        return await self._database.read(lambda db: have(db, key))

    async def resolve(self, id: str, who: Visible, agent: str = "", device: str = "") -> Row | None:
        """As `Storage` has it."""
        return await self._database.read(lambda db: listing.resolve(db, id, who, agent, device))

    async def find(self, ask: Ask, who: Visible) -> Found:
        """As `Storage` has it."""
        among = None
        if ask.search.strip():
            among = await asyncio.to_thread(self._index.find, ask.search)
        return await self._database.read(lambda db: listing.find(db, ask, who, among))

    async def related(self, row: Row, who: Visible) -> list[tuple[Row, str]]:
        """As `Storage` has it."""
        return await self._database.read(lambda db: listing.related(db, row, who))

    async def open(self, row: Row) -> Body | None:
        """As `Storage` has it."""
        return await self._database.read(lambda db: self._open(db, row))

    async def remove(self, row: Row, why: Why) -> bool:
        """As `Storage` has it."""
        return await self._database.change(
            Removing(self._bodies, row, why, number=self._feed.number, tell=self._tell)
        )

    async def repositories(self, who: Visible) -> list[str]:
        """As `Storage` has it."""
        return await self._database.read(lambda db: listing.repositories(db, who))

    async def last_change(self) -> int:
        """As `Storage` has it."""
        return self._feed.last

    def changes(self, after: int, who: Visible) -> AsyncGenerator[Event, None]:
        """As `Storage` has it."""
        return self._feed.follow(after, who, self._earlier)

    async def searchable(self) -> None:
        """Returns when all that was stored before can be found."""
        await asyncio.to_thread(self._index.catch_up, self._feed.last)

    async def _earlier(self, after: int, until: int, who: Visible) -> list[Event]:
        return await self._database.read(lambda db: listing.changed(db, after, until, who))

    def _tell(self, event: Event) -> None:
        self._feed.tell(event)
        self._index.poke()

    def _open(self, db: apsw.Connection, row: Row) -> Body | None:
        """The body of a row; of the row as it is now, where it has another body by now."""
        now: Row | None = row
        while now is not None and now.body:
            try:
                return OpenBody(Reading(self._bodies, now.body, now.seq), now)
            except FileNotFoundError:
                again = _read_again(db, now.number)
                if again is not None and again.body == now.body:
                    raise  # it is not there although it should be
                now = again
        return None

    async def _expire(self) -> None:
        while True:
            for row in await self._database.read(_expired):
                await self.remove(row, "expired")
            await asyncio.sleep(EXPIRY_SECONDS)


class OpenBody:
    """A session's lines as they were when it was opened."""

    def __init__(self, reading: Reading, row: Row) -> None:
        self._reading = reading
        self._row = row

    @property
    def header(self) -> bytes:
        """The header's line."""
        return self._row.header

    @property
    def size(self) -> int:
        """Bytes of the events' lines."""
        return self._row.size

    def places(self) -> list[Place]:
        """Of every event."""
        return self._reading.places()

    def read(self, start: int, end: int) -> bytes:
        """Some of its bytes."""
        return self._reading.read(start, end)

    def close(self) -> None:
        """Lets go of it."""
        self._reading.close()


@contextlib.asynccontextmanager
async def opened(data: Path, database: Database, plugin: str) -> AsyncIterator[SqliteStorage]:
    """The storage of a data folder. What a crash left behind is removed before it opens."""
    bodies = await asyncio.to_thread(Bodies, data / "bodies")
    last = int(str(await database.read(lambda db: db.execute(_LAST).get)))
    live = await database.read(lambda db: [str(row[0]) for row in db.execute(_LIVE_BODIES)])
    await asyncio.to_thread(bodies.sweep, live)
    index = await asyncio.to_thread(SearchIndex, data, bodies)
    storage = SqliteStorage(database, bodies, Feed(last), index, plugin)
    index.poke()
    try:
        yield storage
    finally:
        await storage.close()


_LAST = "SELECT coalesce(max(change), 0) FROM session"
_LIVE_BODIES = "SELECT body FROM session WHERE body <> ''"


def _expired(db: apsw.Connection) -> list[Row]:
    return [
        row_of(values)
        for values in db.execute(
            f"SELECT {SELECT} FROM session s WHERE s.expires_us <= ? AND s.gone_us IS NULL LIMIT 200",  # noqa: E501, S608
            (listing.now_us(),),
        )
    ]


def _read_again(db: apsw.Connection, number: int) -> Row | None:
    # The reader's snapshot is of before; the next statement's is of now.
    db.execute("ROLLBACK; BEGIN")
    found = db.execute(f"SELECT {SELECT} FROM session s WHERE s.id = ?", (number,)).fetchone()  # noqa: S608
    return row_of(found) if found else None
