"""Reading beside the writer: snapshots, deadlines, replaced and damaged files."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from opensession.core.errors import NotFound, Unreachable
from opensession.daemon.store.connect import move_aside
from opensession.daemon.store.readers import DamagedIndex, Readers, TooSlow
from tests.helpers.index import Index, user

FOREVER = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "index.db")
    yield made
    made.db.close()


def count(db: apsw.Connection) -> int:
    number: int = db.execute("SELECT count(*) FROM session").get
    return number


def forever(db: apsw.Connection) -> int:
    number: int = db.execute(FOREVER).get
    return number


def test_answers_and_errors_come_through(index: Index) -> None:
    """With arguments; what a query raises is what its caller gets."""

    def add(db: apsw.Connection, one: int, two: int) -> int:
        return count(db) + one + two

    def fail(db: apsw.Connection) -> None:
        raise NotFound("nothing", "look elsewhere")

    async def run() -> None:
        readers = Readers(index.path)
        assert await readers.run(add, 1, two=2) == 3
        with pytest.raises(NotFound, match="nothing"):
            await readers.run(fail)
        assert await readers.run(count) == 0
        readers.close()

    asyncio.run(run())


def test_a_call_sees_one_state(index: Index) -> None:
    """What is committed meanwhile is for the next call."""

    def twice(db: apsw.Connection) -> tuple[int, int]:
        first = count(db)
        index.session("a", [user("x")])
        return first, count(db)

    async def run() -> None:
        readers = Readers(index.path)
        assert await readers.run(twice) == (0, 0)
        assert await readers.run(count) == 1
        readers.close()

    asyncio.run(run())


def test_readers_cannot_write(index: Index) -> None:
    """There is one writer."""

    def write(db: apsw.Connection) -> None:
        db.execute("DELETE FROM session")

    async def run() -> None:
        readers = Readers(index.path)
        with pytest.raises(apsw.ReadOnlyError):
            await readers.run(write)
        readers.close()

    asyncio.run(run())


def test_calls_run_side_by_side(index: Index) -> None:
    """Each with a connection to itself; as many as there are threads, no more."""
    meeting = threading.Barrier(3)

    def meet(db: apsw.Connection) -> int:
        meeting.wait(timeout=30)
        return id(db)

    async def run() -> None:
        readers = Readers(index.path, 3)
        used = await asyncio.gather(*(readers.run(meet) for _ in range(3)))
        assert len(set(used)) == 3
        readers.close()

    asyncio.run(run())


def test_deadline(index: Index) -> None:
    """A query that takes too long is broken off, and the connection serves on."""

    async def run() -> None:
        readers = Readers(index.path, 1, deadline=0.05)
        with pytest.raises(TooSlow, match="broken off"):
            await readers.run(forever)
        assert await readers.run(count) == 0
        readers.close()

    asyncio.run(run())


def test_nobody_waits_any_more(index: Index) -> None:
    """A client that is gone costs nothing further."""

    async def run() -> None:
        readers = Readers(index.path, 1, deadline=3600)
        call = asyncio.ensure_future(readers.run(forever))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await readers.run(count) == 0  # the one thread is free again
        readers.close()

    asyncio.run(run())


def test_closing_breaks_off(index: Index) -> None:
    """The daemon stops in good order whatever is being asked."""
    began = threading.Event()

    def ask(db: apsw.Connection) -> int:
        began.set()
        return forever(db)

    async def run() -> None:
        readers = Readers(index.path, 1, deadline=3600)
        call = asyncio.ensure_future(readers.run(ask))
        await asyncio.to_thread(began.wait, 30)
        await asyncio.to_thread(readers.close)
        with pytest.raises(Unreachable, match="stopping"):
            await call

    asyncio.run(run())


def test_replaced_index_is_opened_anew(index: Index) -> None:
    """As after a rebuild."""

    async def run() -> None:
        readers = Readers(index.path)
        assert await readers.run(count) == 0
        index.db.close()
        move_aside(index.path)
        with pytest.raises(Unreachable):
            await readers.run(count)
        Index(index.path).session("a", [user("x")])
        assert await readers.run(count) == 1
        readers.close()

    asyncio.run(run())


def test_no_index_yet(tmp_path: Path) -> None:
    """A state, with what to do; and not created by looking."""

    async def run() -> None:
        readers = Readers(tmp_path / "index.db")
        with pytest.raises(Unreachable, match="not ready"):
            await readers.run(count)
        readers.close()

    asyncio.run(run())
    assert not (tmp_path / "index.db").exists()


def test_damage_is_told(index: Index, caplog: pytest.LogCaptureFixture) -> None:
    """To the caller, with the way out, and to whoever can rebuild."""
    for number in range(50):
        index.session(f"s{number}", [user("x" * 500)])
    index.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    index.db.close()
    data = bytearray(index.path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    index.path.write_bytes(data)
    told: list[bool] = []

    async def run() -> None:
        readers = Readers(index.path, on_damage=lambda: told.append(True))
        with pytest.raises(DamagedIndex, match="damaged") as raised:
            await readers.run(count)
        assert raised.value.hint == "opensession index --rebuild"
        readers.close()

    asyncio.run(run())
    assert told == [True]
    assert "the index is damaged" in caplog.text
