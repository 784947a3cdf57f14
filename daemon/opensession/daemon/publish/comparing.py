"""What was sent of a session beside what it is now: lines, their hashes, the chain over them."""

from __future__ import annotations

import apsw
import msgspec

from opensession.core.hail_lines import chain as chain_on
from opensession.core.hail_lines import chain_start
from opensession.core.hub import MAX_BATCH_EVENTS, Have, hub_session_key
from opensession.daemon.publish import lane, records
from opensession.daemon.publish.lane import Differs
from opensession.daemon.publish.lines import Lines, line_hash, read_lines
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.standing import rules_of
from opensession.daemon.store.connect import all_or_nothing

Stamp = tuple[int, int, str]
"""By what lines are made: since when the session was only appended to, parser, rules."""


class Moved(Exception):
    """The session changed while it was read: begin again."""


class Comparing:
    """Of one session only one call at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._different: dict[tuple[str, str], Stamp] = {}

    async def read(
        self, made: Publication, first: int, most: int = MAX_BATCH_EVENTS
    ) -> Lines | None:
        """The lines of now from seq `first` on, as many as make a batch."""
        return await self._parts.query(
            read_lines, *made.key, first, self._parts.stripper, most_events=most
        )

    def stamp(self, lines: Lines) -> Stamp:
        """By what these lines are made."""
        return lines.settled_us, lines.parser_version, rules_of(self._parts.rules, lines.rules)

    async def compare(self, made: Publication, now: Lines) -> bool:
        """Compares all that was attempted with the lines of now; whether the lane goes on."""
        stamp = self.stamp(now)
        if self._different.get(made.key) == stamp and made.differs:
            return False
        found = await self._difference(made, stamp)
        after, going = lane.compared(
            made, found, settled_us=stamp[0], parser_version=stamp[1], rules=stamp[2]
        )
        if going and not found.first and (made.parser_version, made.rules) != stamp[1:]:
            # Newer rules never send by themselves, not even another header.
            after = msgspec.structs.replace(after, header=line_hash(now.header))
        if not going:
            self._different[made.key] = stamp
        await self.keep(made, after)
        return going

    async def chain(self, made: Publication) -> bytes:
        """The chain after `made.seq`. Raises Moved."""
        if made.chain and made.seq:
            return made.chain
        start = self._start(made, made.generation)
        if not made.seq:
            return start
        near = await self._parts.record(records.chain_before, made.id, made.seq)
        first, chain = near or (1, start)
        return await self._chain_over(made, first, made.seq, chain)

    async def is_ours(self, made: Publication, have: Have) -> bool:
        """Whether the lines of now have the chain that the hub tells. Raises Moved."""
        if have.gone or not have.generation:
            return False
        start = self._start(made, have.generation)
        if not have.seq:
            return have.chain in ("", start.hex())
        now = await self.read(made, have.seq, 1)
        if now is None or now.total < have.seq:
            return False
        first, chain = 1, start
        if have.generation == made.generation and have.seq <= made.attempted:
            near = await self._parts.record(records.chain_before, made.id, have.seq)
            first, chain = near or (first, chain)
        return (await self._chain_over(made, first, have.seq, chain)).hex() == have.chain

    async def note_there(self, made: Publication) -> None:
        """The hub has the lines of now up to `made.seq`: their hashes are noted as sent. Raises
        Moved.
        """
        chain = self._start(made, made.generation)
        first = 1
        while first <= made.seq:
            lines = await self.read(made, first, min(MAX_BATCH_EVENTS, made.seq - first + 1))
            if lines is None or not lines.lines:
                raise Moved
            at = msgspec.structs.replace(made, seq=first - 1, attempted=first - 1)
            await self._parts.record(records.attempt, at, chain, lines.lines)
            for line in lines.lines:
                chain = chain_on(chain, line)
            first = lines.last + 1

    async def keep(self, before: Publication, after: Publication) -> None:
        """Stores what is known now; hashes of lines that are to be sent anew are dropped."""
        await self._parts.record(_kept, before, after)

    async def _difference(self, made: Publication, stamp: Stamp) -> Differs:
        first = 1
        differing = 0
        while first <= made.attempted:
            lines = await self.read(made, first)
            if lines is None or self.stamp(lines) != stamp:
                raise Moved
            last = min(lines.last, made.attempted)
            sent = await self._parts.record(records.hashes, made.id, first, max(first, last))
            for seq, line in zip(range(first, last + 1), lines.lines, strict=False):
                if sent.get(seq) == line_hash(line):
                    continue
                differing = differing or seq
                if b"[redacted:" in line:
                    return Differs(differing, True)
            if lines.last < min(lines.total, made.attempted) and not lines.lines:
                raise Moved
            if lines.last >= lines.total:
                return Differs(
                    differing or (lines.total + 1 if lines.total < made.attempted else 0)
                )
            first = lines.last + 1
        return Differs(differing)

    async def _chain_over(self, made: Publication, first: int, last: int, chain: bytes) -> bytes:
        """The chain after the lines `first` to `last` of now."""
        while first <= last:
            lines = await self.read(made, first, min(MAX_BATCH_EVENTS, last - first + 1))
            stamp = (made.settled_us, made.parser_version, made.rules)
            if lines is None or not lines.lines or self.stamp(lines) != stamp:
                raise Moved
            for line in lines.lines:
                chain = chain_on(chain, line)
            first = lines.last + 1
        return chain

    def _start(self, made: Publication, generation: int) -> bytes:
        name = hub_session_key(made.account, self._parts.link.device, *made.key)
        return chain_start(name, generation)


def _kept(db: apsw.Connection, before: Publication, after: Publication) -> None:
    with all_or_nothing(db):
        if after.attempted < before.attempted:
            records.cut(db, after.id, after.attempted)
        records.replace(db, after)


__all__ = ["Comparing", "Moved", "Stamp"]
