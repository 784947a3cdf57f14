"""The storage on real files: what it takes, keeps through crashes, and takes away."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.core.hub import Have
from opensession.server.storage.bodies import Bodies, Broken, name_of
from opensession.server.storage.connect import DATABASE, open_writer
from opensession.server.storage.interface import Ask, Batch, Event, Key, Refusal, Visible
from opensession.server.storage.search_index import SearchIndex
from opensession.server.storage.sqlite import SqliteStorage
from opensession.server.storage.taking import Taking
from tests.server.storage.keeping import (
    EVERYONE,
    KEY,
    batch,
    header_line,
    held,
    line,
    storage_in,
)
from tests.server.storage.test_deciding import Content, Request, applied, histories

LINES = [line(number) for number in range(1, 9)]
Work = Callable[[SqliteStorage], Coroutine[Any, Any, None]]


def in_storage(folder: Path, work: Work) -> None:
    """Run something on a storage, opened and closed."""

    async def run() -> None:
        async with storage_in(folder) as storage:
            await work(storage)

    asyncio.run(run())


def files(folder: Path) -> list[str]:
    """The names of all files of bodies."""
    return sorted(path.name for path in (folder / "bodies").rglob("*") if path.is_file())


def test_what_was_taken_is_there_after_a_restart_byte_for_byte(tmp_path: Path) -> None:
    odd = [line(1), line(2, "Zeichen: é 日本 \U0001f600"), line(3).replace(b'"e3"', b'"e3" ')]

    async def send(storage: SqliteStorage) -> None:
        stored = await storage.take(batch(tmp_path, odd[:1]))
        assert (stored.seq, stored.created, stored.kind) == (1, True, "created")
        stored = await storage.take(batch(tmp_path, odd[1:], first=2, before=odd[:1]))
        assert (stored.seq, stored.created, stored.kind) == (3, False, "updated")

    async def look(storage: SqliteStorage) -> None:
        assert await held(storage) == odd

    in_storage(tmp_path, send)
    in_storage(tmp_path, look)


@settings(max_examples=25)
@given(st.data(), histories())
def test_any_order_of_any_parts_is_stored_as_the_rules_say(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, contents: list[Content]
) -> None:
    folder = tmp_path_factory.mktemp("storage")
    contents = [
        one._replace(lines=tuple(line(int(number)) for number in one.lines)) for one in contents
    ]

    async def work(storage: SqliteStorage) -> None:
        there: Content | None = None
        for _ in range(data.draw(st.integers(0, 8)) if contents else 0):
            of = data.draw(st.sampled_from(contents))
            first = data.draw(st.integers(1, len(of.lines)))
            request = Request(of, first, data.draw(st.integers(first - 1, len(of.lines))))
            sent = batch(
                folder,
                request.lines,
                first=first,
                before=of.lines[: first - 1],
                generation=of.generation,
                rewind=of.rewind,
            )
            # The rules' own tests use a key of their own; chains differ, what they allow does not.
            wanted: Content | None
            try:
                wanted = applied(there, request)
            except Refusal:
                wanted = None
            if wanted is None:
                with pytest.raises(Refusal):
                    await storage.take(sent)
            else:
                stored = await storage.take(sent)
                assert (stored.generation, stored.rewind) == wanted.state[:2]
                assert stored.seq == len(wanted.lines)
                there = wanted
            assert await held(storage) == list(there.lines if there else ())
            row = await storage.resolve(KEY.id, EVERYONE)
            assert (row.messages if row else 0) == len(there.lines if there else ())
        assert len(files(folder)) == (2 if there else 0), "files of what is no more are removed"

    in_storage(folder, work)


def test_a_write_that_a_crash_cut_off_is_as_if_it_never_was(tmp_path: Path) -> None:
    async def first(storage: SqliteStorage) -> None:
        await storage.take(batch(tmp_path, LINES[:2]))

    in_storage(tmp_path, first)
    for unfinished in (
        batch(tmp_path, LINES[2:5], first=3, before=LINES[:2]),
        batch(tmp_path, [line(77)], first=3, before=LINES[:2], rewind=1),
        batch(tmp_path, [line(78)], generation=2),
    ):
        stage_only(tmp_path, unfinished)

    async def then(storage: SqliteStorage) -> None:
        assert await held(storage) == LINES[:2]
        assert len(files(tmp_path)) == 2
        await storage.take(batch(tmp_path, [line(99)], first=3, before=LINES[:2]))
        assert await held(storage) == [*LINES[:2], line(99)]

    in_storage(tmp_path, then)


def stage_only(folder: Path, unfinished: Batch) -> None:
    """Write a batch's files, and nothing of its transaction, as a crash between them does."""
    db = open_writer(folder / DATABASE)
    change = Taking(
        Bodies(folder / "bodies"),
        unfinished,
        default_plugin="zero_v1",
        prefix=None,
        number=lambda: 0,
        tell=_ignore,
    )
    assert change.stage(db)
    change.done(False)
    db.close()


def _ignore(_event: Event) -> None:
    return


def test_a_full_disk_costs_that_request_and_nothing_else(tmp_path: Path) -> None:
    class Full:
        def size(self) -> int:
            return 1

        def write_to(self, descriptor: int, start: int, offset: int) -> None:
            raise OSError(errno.ENOSPC, "full")

    import msgspec

    async def work(storage: SqliteStorage) -> None:
        await storage.take(batch(tmp_path, LINES[:1]))
        other = Key("owner", "device", "codex", "other")
        full = batch(tmp_path, LINES[1:2], first=2, before=LINES[:1])
        outcomes = await asyncio.gather(
            storage.take(msgspec.structs.replace(full, lines=Full())),
            storage.take(batch(tmp_path, LINES[:1], key=other)),
            return_exceptions=True,
        )
        assert isinstance(outcomes[0], OSError) and outcomes[0].errno == errno.ENOSPC
        assert not isinstance(outcomes[1], BaseException)
        await storage.take(full)
        assert await held(storage) == LINES[:2]

    in_storage(tmp_path, work)


def test_a_body_that_lost_bytes_is_never_appended_to(tmp_path: Path) -> None:
    async def work(storage: SqliteStorage) -> None:
        await storage.take(batch(tmp_path, LINES[:2]))
        lines = next((tmp_path / "bodies").rglob("*.lines"))
        lines.write_bytes(lines.read_bytes()[:-5])
        with pytest.raises(Broken):
            await storage.take(batch(tmp_path, LINES[2:3], first=3, before=LINES[:2]))

    in_storage(tmp_path, work)


def test_a_header_is_taken_unless_it_is_older(tmp_path: Path) -> None:
    async def title(storage: SqliteStorage) -> str:
        row = await storage.resolve(KEY.id, EVERYONE)
        assert row is not None
        return row.title

    async def work(storage: SqliteStorage) -> None:
        one, two = header_line(title="one"), header_line(title="two")
        await storage.take(batch(tmp_path, LINES[:3], header=one))
        stored = await storage.take(batch(tmp_path, [], first=4, before=LINES[:3], header=two))
        assert (stored.kind, await title(storage)) == ("updated", "two")
        stored = await storage.take(batch(tmp_path, LINES[:2], header=one))
        assert (stored.kind, await title(storage)) == (None, "two")

    in_storage(tmp_path, work)


def test_what_is_taken_away_leaves_no_byte_but_a_tombstone(tmp_path: Path) -> None:
    secret = line(1, "onlyinthissession")

    async def work(storage: SqliteStorage) -> None:
        await storage.take(batch(tmp_path, [secret], header=header_line(title="hiddentitle")))
        await storage.searchable()
        row = await storage.resolve(KEY.id, EVERYONE)
        assert row is not None
        assert await storage.remove(row, "recalled")
        assert not await storage.remove(row, "recalled")
        assert await storage.resolve(KEY.id, EVERYONE) is None
        mine = await storage.resolve(KEY.id, Visible(KEY.owner))
        assert mine is not None and mine.gone_us is not None and not mine.title
        assert await storage.open(mine) is None
        assert await storage.have(KEY) == Have(generation=1, gone=True)
        with pytest.raises(Refusal):
            await storage.take(batch(tmp_path, [secret]))
        await storage.searchable()
        assert (await storage.find(Ask(search="onlyinthissession"), EVERYONE)).rows == []
        stored = await storage.take(batch(tmp_path, LINES[:1], generation=2))
        assert stored.created and await held(storage) == LINES[:1]

    in_storage(tmp_path, work)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*.lines"))
    assert b"onlyinthissession" not in kept
    assert b"hiddentitle" not in (tmp_path / DATABASE).read_bytes()


def test_no_word_of_what_was_taken_away_stays_in_the_files_of_the_search(tmp_path: Path) -> None:
    async def work(storage: SqliteStorage) -> None:
        others = [line(number, f"a common word and word{number}") for number in range(1, 200)]
        await storage.take(batch(tmp_path, others, key=Key("owner", "device", "codex", "other")))
        secret = [line(1, "onlyinthissession")]
        await storage.take(batch(tmp_path, secret, header=header_line(title="hiddentitle")))
        await storage.searchable()
        row = await storage.resolve(KEY.id, EVERYONE)
        assert row is not None and b"hiddentitle" in searched(tmp_path)
        await storage.remove(row, "recalled")

    in_storage(tmp_path, work)
    index = SearchIndex(tmp_path, Bodies(tmp_path / "bodies"), erase_seconds=0)
    try:
        assert index.catch_up(3, erased=True)
        assert index.find("common word7")
        kept = searched(tmp_path)
    finally:
        index.close()
    assert b"onlyinthissession" not in kept and b"hiddentitle" not in kept


def searched(folder: Path) -> bytes:
    """All bytes that the search keeps."""
    return b"".join(path.read_bytes() for path in folder.glob("search.db*"))


def test_what_is_closed_leaves_no_log(tmp_path: Path) -> None:
    async def work(storage: SqliteStorage) -> None:
        await storage.take(batch(tmp_path, LINES))
        await storage.find(Ask(search="prompt"), EVERYONE)

    in_storage(tmp_path, work)

    assert {p.name for p in tmp_path.glob("*.db*")} == {DATABASE, "search.db"}


def test_a_reader_keeps_what_it_opened_while_the_session_is_rewound(tmp_path: Path) -> None:
    async def work(storage: SqliteStorage) -> None:
        await storage.take(batch(tmp_path, LINES[:4]))
        row = await storage.resolve(KEY.id, EVERYONE)
        assert row is not None
        body = await storage.open(row)
        assert body is not None
        await storage.take(batch(tmp_path, [line(99)], first=2, before=LINES[:1], rewind=1))
        assert body.read(0, body.size) == b"".join(one + b"\n" for one in LINES[:4])
        body.close()
        again = await storage.open(row)
        assert again is not None, "a row that was read before leads to what is there now"
        assert again.read(0, again.size) == LINES[0] + b"\n" + line(99) + b"\n"
        again.close()

    in_storage(tmp_path, work)


def test_words_are_found_in_all_that_is_there_and_in_nothing_that_was(tmp_path: Path) -> None:
    async def numbers(storage: SqliteStorage, words: str) -> list[str]:
        await storage.searchable()
        found = await storage.find(Ask(search=words), EVERYONE)
        return [row.key.id for row in found.rows]

    async def work(storage: SqliteStorage) -> None:
        first = [line(1, "apples and parseJSONFile"), line(2, "pears 日本語")]
        await storage.take(batch(tmp_path, first))
        for words in ("apples pears", "title apples", '"apples and"', "json", "pea*", "日本"):
            assert await numbers(storage, words) == [KEY.id], words
        for words in ("apples plums", '"and apples"', "pea"):
            assert await numbers(storage, words) == [], words
        await storage.take(batch(tmp_path, [line(3, "plums")], first=2, before=first[:1], rewind=1))
        assert await numbers(storage, "apples plums") == [KEY.id]
        assert await numbers(storage, "pears") == []

    in_storage(tmp_path, work)


def test_who_follows_is_told_of_every_change_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async def some(storage: SqliteStorage, after: int, count: int, who: Visible) -> list[Event]:
        found: list[Event] = []
        changes = storage.changes(after, who)
        while len(found) < count:
            found.append(await anext(changes))
        await changes.aclose()
        return found

    async def work(storage: SqliteStorage) -> None:
        other = Key("another", "device", "codex", "theirs")
        await storage.take(batch(tmp_path, LINES[:2]))
        await storage.take(batch(tmp_path, LINES[:1], key=other))
        await storage.take(batch(tmp_path, LINES[2:3], first=3, before=LINES[:2]))
        await storage.take(batch(tmp_path, [], first=2, before=LINES[:1], rewind=1))
        told = await some(storage, 0, 3, Visible("owner"))
        assert [(one.kind, one.seq) for one in told] == [
            ("created", 2), ("updated", 3), ("rewound", 1)
        ]  # fmt: skip
        assert [one.number for one in told] == [1, 3, 4]

    async def later(storage: SqliteStorage) -> None:
        row = await storage.resolve(KEY.id, EVERYONE)
        assert row is not None
        told = await some(storage, 0, 2, EVERYONE)
        assert [(one.key.id, one.kind) for one in told] == [
            ("theirs", "created"), (KEY.id, "created")
        ]  # fmt: skip
        waiting = asyncio.ensure_future(some(storage, 4, 1, Visible("owner")))
        await storage.remove(row, "recalled")
        assert [(one.number, one.kind) for one in await waiting] == [(5, "deleted")]

    in_storage(tmp_path, work)
    in_storage(tmp_path, later)


def test_names_of_files_say_nothing_of_the_session() -> None:
    assert name_of("owner/device/agent/id", 1, 0) != name_of("owner/device/agent/id", 1, 1)
    assert name_of("owner/device/agent/id", 1, 0).isalnum()


def test_a_long_session_is_rewound_without_a_byte_left_behind(tmp_path: Path) -> None:
    """What stays of it is copied before the writer takes it; that copy becomes the body."""
    lines = [line(number, "x" * 2000) for number in range(1, 401)]
    other = [line(number, "y" * 2000) for number in range(1001, 1011)]

    async def run() -> None:
        async with storage_in(tmp_path) as storage:
            await storage.take(batch(tmp_path, lines))
            for rewind, keep in ((1, 300), (2, 310)):
                now = await storage.take(
                    batch(tmp_path, other, first=keep + 1, before=lines[:keep], rewind=rewind)
                    if rewind == 1
                    else batch(
                        tmp_path, [], first=keep + 1, before=lines[:300] + other, rewind=rewind
                    )
                )
                assert (now.rewind, now.seq) == (rewind, 310)
                assert await held(storage) == lines[:300] + other
            row = await storage.resolve(KEY.id, EVERYONE)
            assert row is not None and row.messages == 310
            stale = batch(tmp_path, other, first=400, before=lines[:399], rewind=3)
            with pytest.raises(Refusal):
                await storage.take(stale)
        files = [p for p in (tmp_path / "bodies").rglob("*") if p.is_file()]
        assert {p.suffix for p in files} == {".lines", ".seqs"} and len(files) == 2

    asyncio.run(run())
