"""Sending one session: read, compare, note, send, note; again until nothing is left."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import apsw
import msgspec

from opensession.core.hail_lines import chain as chain_on
from opensession.core.hail_lines import chain_start
from opensession.core.hub import MAX_BATCH_EVENTS, Have, Position, hub_session_key
from opensession.core.timeparse import format_time
from opensession.daemon import audit
from opensession.daemon.publish import lane, records, session
from opensession.daemon.publish.backoff import delay
from opensession.daemon.publish.lane import Differs
from opensession.daemon.publish.lines import Lines, line_hash, read_lines
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.standing import rules_of

if TYPE_CHECKING:
    from opensession.daemon.publish.client import Answer

log = logging.getLogger(__name__)

REREAD_SECONDS = 1.0
"""How long a session that is just being read again is left alone."""

MOST_CONFLICTS = 6
"""So often in a row the hub may say that it has something else before a pause is made."""


class Moved(Exception):
    """The session changed while it was read: begin again."""


class Sender:
    """Sends sessions; of one session only one call at a time. `wait` is the seconds after which a
    session is to be looked at again.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._most: dict[tuple[str, str], int] = {}
        self._different: dict[tuple[str, str], tuple[int, int, str]] = {}

    async def run(self, key: tuple[str, str]) -> float | None:
        """Sends what may go of a session; after how many seconds to look again, None: not before
        something happens.
        """
        parts = self._parts
        while parts.link.usable:
            found = await parts.query(session.family, *key)
            made = await parts.record(records.find, parts.link.hub, *key)
            if found is None:
                return None
            now_us = records.now_us()
            standing = await parts.judge(found, made, now_us)
            if not standing.due:
                later = (standing.at_us - now_us) / 1e6
                return max(later, 0.05) if standing.at_us else None
            if not await parts.link.known():
                return None
            if made is None or not made.account:
                made = await parts.record(records.obtain, parts.link.hub, *key)
            try:
                done, wait = await self._step(made)
            except Moved:
                continue
            if done:
                return wait
        return None

    async def _step(self, made: Publication) -> tuple[bool, float | None]:
        """One request; whether that was all, and when to look again."""
        most = self._most.get(made.key, MAX_BATCH_EVENTS)
        lines = await self._read(made, made.seq + 1, most)
        if lines is None:
            return True, None
        if lines.rereading:
            return True, REREAD_SECONDS
        stamp = self._stamp(lines)
        if not made.attempted:
            made = msgspec.structs.replace(
                made, settled_us=stamp[0], parser_version=stamp[1], rules=stamp[2]
            )
        elif stamp != (made.settled_us, made.parser_version, made.rules):
            return not await self._compare(made, lines, stamp), None
        header = line_hash(lines.header)
        if not lines.lines and made.chain and header == made.header:
            await self._nothing_left(made)
            return True, None
        if not lines.lines and not made.seq and not made.rewind and made.generation == 1:
            return True, None  # a session without events is none yet
        before = await self._chain(made)
        made = msgspec.structs.replace(made, chain=before)
        made = await self._note_attempt(made, before, lines)
        answer = await self._put(made, before, lines)
        return await self._answered(made, before, lines, answer)

    def _stamp(self, lines: Lines) -> tuple[int, int, str]:
        return lines.settled_us, lines.parser_version, rules_of(self._parts.rules, lines.rules)

    async def _read(
        self, made: Publication, first: int, most: int = MAX_BATCH_EVENTS
    ) -> Lines | None:
        return await self._parts.query(
            read_lines, *made.key, first, self._parts.stripper, most_events=most
        )

    async def _nothing_left(self, made: Publication) -> None:
        if made.wanted or made.failures or made.next_try_us:
            await self._parts.record(records.change, made.id, wanted=0, failures=0, next_try_us=0)

    # What was sent against what is.

    async def _compare(self, made: Publication, now: Lines, stamp: tuple[int, int, str]) -> bool:
        """Compares all that was attempted with the lines of now; whether the lane goes on."""
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
        await self._keep(made, after)
        return going

    async def _difference(self, made: Publication, stamp: tuple[int, int, str]) -> Differs:
        first = 1
        differing = 0
        while first <= made.attempted:
            lines = await self._read(made, first)
            if lines is None or self._stamp(lines) != stamp:
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

    async def _chain(self, made: Publication) -> bytes:
        """The chain after `made.seq`."""
        if made.chain and made.seq:
            return made.chain
        start = self._start(made, made.generation)
        if not made.seq:
            return start
        near = await self._parts.record(records.chain_before, made.id, made.seq)
        first, chain = near or (1, start)
        return await self._chain_over(made, first, made.seq, chain)

    async def _chain_over(self, made: Publication, first: int, last: int, chain: bytes) -> bytes:
        """The chain after the lines `first` to `last` of now."""
        while first <= last:
            lines = await self._read(made, first, min(MAX_BATCH_EVENTS, last - first + 1))
            stamp = (made.settled_us, made.parser_version, made.rules)
            if lines is None or not lines.lines or self._stamp(lines) != stamp:
                raise Moved
            for line in lines.lines:
                chain = chain_on(chain, line)
            first = lines.last + 1
        return chain

    def _start(self, made: Publication, generation: int) -> bytes:
        name = hub_session_key(made.account, self._parts.link.device, *made.key)
        return chain_start(name, generation)

    # The request.

    async def _note_attempt(self, made: Publication, before: bytes, lines: Lines) -> Publication:
        if not made.attempted and not made.first_sent_us:
            audit.record(
                self._parts.paths,
                "publish",
                "exit",
                id=made.native_id,
                agent=made.agent,
                server=made.hub,
            )
        after = await self._parts.record(records.attempt, made, before, lines.lines)
        return msgspec.structs.replace(after, chain=before)

    async def _put(self, made: Publication, before: bytes, lines: Lines) -> Answer:
        link = self._parts.link
        return await link.client().put(
            made.native_id,
            Position(
                generation=made.generation,
                rewind=made.rewind,
                from_seq=made.seq + 1,
                chain=before.hex(),
                device=link.device,
                agent=made.agent,
            ),
            lines.header,
            lines.lines,
            expires=format_time(made.expires_us) if made.expires_us else "",
            team_id=made.team_id or link.server.team_id,
            parents=msgspec.json.decode(made.parents, type=list[str]),
        )

    async def _answered(
        self, made: Publication, before: bytes, lines: Lines, answer: Answer
    ) -> tuple[bool, float | None]:
        from opensession.daemon.publish.client import Accepted, Conflict, Refusal, Stranger

        link = self._parts.link
        if isinstance(answer, Stranger):
            link.refused(answer)
            return True, None
        if isinstance(answer, Refusal):
            return await self._refused(made, lines, answer)
        if isinstance(answer, (Accepted, Conflict)):
            link.worked()
            if isinstance(answer, Conflict):
                return await self._conflict(made, answer.have)
            chain = before
            for line in lines.lines:
                chain = chain_on(chain, line)
            receipt = answer.receipt
            after = lane.accepted(made, lines.last, chain, line_hash(lines.header), receipt)
            if after is None:
                have = Have(
                    generation=receipt.generation,
                    rewind=receipt.rewind,
                    seq=receipt.seq,
                    chain=receipt.chain,
                )
                return await self._conflict(made, have)
            await self._keep(made, after)
            return False, None
        if answer.everybody:
            return True, link.hold(answer)
        return True, await self._later(made, answer.seconds)

    async def _later(self, made: Publication, seconds: float = 0) -> float:
        """This session is tried again later."""
        failures = made.failures + 1
        wait = max(seconds, delay(failures), 0.1)
        at_us = records.now_us() + int(wait * 1e6)
        await self._parts.record(records.change, made.id, failures=failures, next_try_us=at_us)
        return wait

    async def _refused(
        self, made: Publication, lines: Lines, answer: object
    ) -> tuple[bool, float | None]:
        from opensession.daemon.publish.client import Refusal

        assert isinstance(answer, Refusal)  # noqa: S101 - as the caller saw
        if answer.code == "too_large" and len(lines.lines) > 1:
            self._most[made.key] = len(lines.lines) // 2
            return False, None
        reason = answer.reason or "it does not say why"
        log.warning("the hub refuses a session of %s", made.agent)
        await self._parts.record(records.change, made.id, refused=reason[:500], wanted=0)
        return True, None

    async def _conflict(self, made: Publication, have: Have) -> tuple[bool, float | None]:
        same = await self._is_ours(made, have)
        after = lane.conflicted(made, have, same)
        after = msgspec.structs.replace(after, failures=made.failures + 1)
        if after.generation != made.generation or after.seq > made.attempted:
            await self._parts.record(_drop_blocks, after)
            if after.seq:
                await self._note_there(after)
            after = msgspec.structs.replace(after, attempted=after.seq)
            await self._parts.record(records.replace, after)
        else:
            await self._keep(made, after)
        if after.gone:
            return True, None
        if after.failures >= MOST_CONFLICTS:
            return True, await self._later(after)
        return False, None

    async def _is_ours(self, made: Publication, have: Have) -> bool:
        """Whether the lines of now have the chain that the hub tells."""
        if have.gone or not have.generation:
            return False
        start = self._start(made, have.generation)
        if not have.seq:
            return have.chain in ("", start.hex())
        found = await self._parts.query(session.family, *made.key)
        if found is None or found.session.event_count < have.seq:
            return False
        first, chain = 1, start
        if have.generation == made.generation and have.seq <= made.attempted:
            near = await self._parts.record(records.chain_before, made.id, have.seq)
            first, chain = near or (first, chain)
        return (await self._chain_over(made, first, have.seq, chain)).hex() == have.chain

    async def _note_there(self, made: Publication) -> None:
        """The hub has the lines of now up to `made.seq`: their hashes are noted as sent."""
        chain = self._start(made, made.generation)
        first = 1
        while first <= made.seq:
            lines = await self._read(made, first, min(MAX_BATCH_EVENTS, made.seq - first + 1))
            if lines is None or not lines.lines:
                raise Moved
            at = msgspec.structs.replace(made, seq=first - 1, attempted=first - 1)
            await self._parts.record(records.attempt, at, chain, lines.lines)
            for line in lines.lines:
                chain = chain_on(chain, line)
            first = lines.last + 1

    async def _keep(self, before: Publication, after: Publication) -> None:
        """Stores what is known now; hashes of lines that are to be sent anew are dropped."""
        await self._parts.record(_kept, before, after)


def _kept(db: apsw.Connection, before: Publication, after: Publication) -> None:
    with db:
        if after.attempted < before.attempted:
            records.cut(db, after.id, after.attempted)
        records.replace(db, after)


def _drop_blocks(db: apsw.Connection, made: Publication) -> None:
    records.cut(db, made.id, 0)
