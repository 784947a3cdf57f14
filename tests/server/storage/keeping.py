"""A storage in a folder, without HTTP, and batches as a receiver would make them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from opensession.core.hail import Event, text
from opensession.core.hail_lines import event_line
from opensession.core.hub import chain_of, chain_start, hub_session_key
from opensession.server.receiving.about import about, header_of
from opensession.server.receiving.lines import prepare
from opensession.server.receiving.spool import Spool
from opensession.server.storage import sqlite
from opensession.server.storage.connect import DATABASE
from opensession.server.storage.database import Database
from opensession.server.storage.interface import Batch, Key, Row, Visible
from opensession.server.storage.sqlite import SqliteStorage

KEY = Key("owner", "device", "codex", "session")
EVERYONE = Visible(everyone=True)
BEGIN_US = 1_767_225_600_000_000


@contextlib.asynccontextmanager
async def storage_in(folder: Path) -> AsyncIterator[SqliteStorage]:
    """A storage as the hub opens it."""
    database = await asyncio.to_thread(Database, folder / DATABASE)
    try:
        async with sqlite.opened(folder, database, "heuristic_v1") as storage:
            yield storage
    finally:
        await asyncio.to_thread(database.close)


def start_of(key: Key, generation: int) -> bytes:
    """The chain that a session begins with."""
    name = hub_session_key(key.owner, key.device, key.agent, key.id)
    return chain_start(name, generation)


def line(number: int, words: str = "") -> bytes:
    """An event of a session, told from others by its number."""
    event = Event(
        event_id=f"e{number}",
        time_us=BEGIN_US + number * 1_000_000,
        type="UserMessage",
        blocks=[text(words or f"prompt {number}")],
    )
    return event_line(event)


def header_line(key: Key = KEY, title: str = "a title", **attributes: Any) -> bytes:
    """The header of a session."""
    import msgspec

    return msgspec.json.encode(
        {
            "type": "header",
            "version": "hail-1.0.0",
            "session_id": key.id,
            "agent": {"provider": "openai", "model": "gpt", "tool": key.agent},
            "context": {
                "title": title,
                "tags": [],
                "created_at": "2026-01-01T00:00:00Z",
                "updated_at": "2026-01-01T00:00:00Z",
                "attributes": attributes,
            },
        }
    )


def batch(
    folder: Path,
    lines: Sequence[bytes],
    *,
    first: int = 1,
    before: Sequence[bytes] = (),
    generation: int = 1,
    rewind: int = 0,
    key: Key = KEY,
    header: bytes = b"",
    **more: Any,
) -> Batch:
    """The lines as events from `first` on, `before` being all that come before them."""
    header = header or header_line(key)
    chain = chain_of(start_of(key, generation), before)
    spool = Spool(folder)
    spool.add(b"".join(one + b"\n" for one in lines))
    prepared = prepare(spool, 0, first, chain, lambda events: [])
    return Batch(
        key=key,
        generation=generation,
        rewind=rewind,
        first=first,
        chain=chain,
        header=header,
        about=about(header_of(header)),
        lines=prepared.lines,
        hashes=prepared.hashes,
        ends=prepared.ends,
        facts=prepared.facts,
        **more,
    )


async def held(storage: SqliteStorage, key: Key = KEY) -> list[bytes]:
    """The lines that the storage has of a session; none where there is none."""
    row = await storage.resolve(key.id, EVERYONE, key.agent, key.device)
    return [] if row is None else await lines_of(storage, row)


async def lines_of(storage: SqliteStorage, row: Row) -> list[bytes]:
    """The lines of a row, checked against the places of its events."""
    body = await storage.open(row)
    assert body is not None
    try:
        places = body.places()
        data = body.read(0, body.size)
        found = [data[place.start : place.end - 1] for place in places]
        assert b"".join(one + b"\n" for one in found) == data
        return found
    finally:
        body.close()
