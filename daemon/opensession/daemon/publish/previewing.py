"""The bytes that publishing a session would send, a page at a time: the session's lines, then those
of its subagents, each with a header before them; and which of them the hub has so.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec

from opensession.core.errors import UsageError
from opensession.core.rpc.privacy import PreviewParams, PreviewResult
from opensession.core.timeparse import format_time
from opensession.daemon.library import Library
from opensession.daemon.publish import records, session
from opensession.daemon.publish.lines import line_hash, read_lines
from opensession.daemon.publish.publisher import Publisher
from opensession.daemon.publish.records import Publication
from opensession.daemon.store.cursors import mark, place
from opensession.daemon.store.resolve import resolve_one

PAGE_EVENTS = 500
PAGE_BYTES = 2 << 20


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A page begins with seq `seq` of the `number`-th session."""

    number: int
    seq: int


async def preview(
    library: Library, publisher: Publisher | None, params: PreviewParams
) -> PreviewResult:
    """A page. Raises NotFound, UsageError for a bad cursor."""
    at = place(params.cursor, Place) or Place(0, 1)
    ctx = library.context()
    stripper = ctx.stripper
    assert stripper is not None  # noqa: S101 - the library always has one

    def keys(db: apsw.Connection) -> list[tuple[str, str]]:
        target = resolve_one(db, params.ref, params.scope, params.all, ctx)
        name = target.agent, target.native_id
        return [name, *session.children(db, *name)]

    found = await library.query(keys)
    if not 0 <= at.number < len(found) or at.seq < 1:
        raise UsageError("the cursor is not one of this list", "leave the cursor out")
    key = found[at.number]
    page = await library.query(
        read_lines, *key, at.seq, stripper, most_events=PAGE_EVENTS, most_bytes=PAGE_BYTES
    )
    made = await _made(publisher, found)
    one = made.get(key)
    lines: list[bytes] = []
    new: list[int] = []
    following = Place(at.number + 1, 1)
    if page is not None:
        if at.seq == 1:
            lines.append(page.header)
            if one is None or one.header != line_hash(page.header):
                new.append(0)
        sent = await _sent(publisher, one, at.seq, page.last)
        for seq, line in enumerate(page.lines, at.seq):
            if sent.get(seq) != line_hash(line):
                new.append(len(lines))
            lines.append(line)
        if page.lines and page.last < page.total:
            following = Place(at.number, page.last + 1)
    last = max((each.last_sent_us for each in made.values()), default=0)
    return PreviewResult(
        lines=[msgspec.Raw(line) for line in lines],
        next=mark(following) if following.number < len(found) else "",
        sent_at=format_time(last) if last else None,
        new=new,
    )


async def _made(
    publisher: Publisher | None, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Publication]:
    """What the hub of now has of these sessions."""
    if publisher is None or not publisher.parts.link.server.url:
        return {}
    hub = publisher.parts.link.hub

    def work(db: apsw.Connection) -> dict[tuple[str, str], Publication]:
        found = [records.find(db, hub, *key) for key in keys]
        return {one.key: one for one in found if one is not None and not one.gone}

    return await publisher.parts.user.run(work)


async def _sent(
    publisher: Publisher | None, made: Publication | None, first: int, last: int
) -> dict[int, bytes]:
    """The hashes of what was acknowledged."""
    if publisher is None or made is None or not made.seq:
        return {}
    sent = await publisher.parts.record(
        records.hashes, made.id, first, max(first, min(last, made.seq))
    )
    return {seq: data for seq, data in sent.items() if seq <= made.seq}
