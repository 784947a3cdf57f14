"""Sending one session: read, compare, note, send, note; again until nothing is left."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import apsw
import msgspec

from opensession.core.hail_lines import chain as chain_on
from opensession.core.hub import MAX_BATCH_EVENTS, Have, Position
from opensession.core.timeparse import format_time
from opensession.daemon import audit
from opensession.daemon.publish import lane, records, session
from opensession.daemon.publish.backoff import delay
from opensession.daemon.publish.comparing import Comparing, Moved
from opensession.daemon.publish.lines import Lines, line_hash
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.records import Publication

if TYPE_CHECKING:
    from opensession.daemon.publish.client import Answer

log = logging.getLogger(__name__)

REREAD_SECONDS = 1.0
"""How long a session that is just being read again is left alone."""

MOST_CONFLICTS = 6
"""So often in a row the hub may say that it has something else before a pause is made."""


class Sender:
    """Sends sessions; of one session only one call at a time. `wait` is the seconds after which a
    session is to be looked at again.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._comparing = Comparing(parts)
        self._most: dict[tuple[str, str], int] = {}

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
        lines = await self._comparing.read(made, made.seq + 1, most)
        if lines is None:
            return True, None
        if lines.rereading:
            return True, REREAD_SECONDS
        stamp = self._comparing.stamp(lines)
        if not made.attempted:
            made = msgspec.structs.replace(
                made, settled_us=stamp[0], parser_version=stamp[1], rules=stamp[2]
            )
        elif stamp != (made.settled_us, made.parser_version, made.rules):
            return not await self._comparing.compare(made, lines), None
        header = line_hash(lines.header)
        if not lines.lines and made.chain and header == made.header:
            await self._nothing_left(made)
            return True, None
        if not lines.lines and not made.seq and not made.rewind and made.generation == 1:
            return True, None  # a session without events is none yet
        before = await self._comparing.chain(made)
        made = msgspec.structs.replace(made, chain=before)
        made = await self._note_attempt(made, before, lines)
        answer = await self._put(made, before, lines)
        return await self._answered(made, before, lines, answer)

    async def _nothing_left(self, made: Publication) -> None:
        if made.wanted or made.failures or made.next_try_us:
            await self._parts.record(records.change, made.id, wanted=0, failures=0, next_try_us=0)

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
            await self._comparing.keep(made, after)
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
        same = await self._comparing.is_ours(made, have)
        after = lane.conflicted(made, have, same)
        after = msgspec.structs.replace(after, failures=made.failures + 1)
        if after.generation != made.generation or after.seq > made.attempted:
            await self._parts.record(_drop_blocks, after)
            if after.seq:
                await self._comparing.note_there(after)
            after = msgspec.structs.replace(after, attempted=after.seq)
            await self._parts.record(records.replace, after)
        else:
            await self._comparing.keep(made, after)
        if after.gone:
            return True, None
        if after.failures >= MOST_CONFLICTS:
            return True, await self._later(after)
        return False, None


def _drop_blocks(db: apsw.Connection, made: Publication) -> None:
    records.cut(db, made.id, 0)
