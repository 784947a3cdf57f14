"""Taking a publication back: asked again until the hub has answered."""

from __future__ import annotations

import logging

import apsw

from opensession.daemon.publish import records
from opensession.daemon.publish.backoff import delay
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.records import Publication

log = logging.getLogger(__name__)

UNSEEN_SECONDS = 120.0
"""A request that is still under way could bring a session that the hub does not know yet: it is
asked once more after so long."""


async def take_back(parts: Parts, key: tuple[str, str]) -> float | None:
    """Takes a session back if that was asked for; seconds after which to try again, None if there
    is nothing (more) to be done.
    """
    from opensession.daemon.publish.client import Later, Stranger

    made = await parts.record(records.find, parts.link.hub, *key)
    if made is None or made.recall_us <= made.recalled_us or not parts.link.usable:
        return None
    found = await parts.link.client().delete(made.native_id, made.agent, parts.link.device)
    if isinstance(found, Stranger):
        parts.link.refused(found)
        return None
    if isinstance(found, bool):
        parts.link.worked()
        unsure = not found and made.attempted > made.seq and not made.failures
        if unsure:
            await parts.record(records.change, made.id, failures=1)
            return UNSEEN_SECONDS
        await parts.record(_done, made, _is_private(parts, made))
        return None
    if isinstance(found, Later) and found.everybody:
        return parts.link.hold(found)
    failures = made.failures + 1
    await parts.record(records.change, made.id, failures=failures)
    return max(1.0, delay(failures))


def _is_private(parts: Parts, made: Publication) -> bool:
    guards = parts.library.guards
    return guards is not None and guards.is_private(made.agent, made.native_id)


def _done(db: apsw.Connection, made: Publication, private: bool) -> None:
    """The hub has it no more. Of a private session nothing is remembered."""
    with db:
        records.cut(db, made.id, 0)
        if private:
            db.execute("DELETE FROM publication WHERE id = ?", (made.id,))
            return
        now_us = max(records.now_us(), made.recall_us)
        records.change(
            db,
            made.id,
            recalled_us=now_us,
            gone=1,
            attempted=0,
            header=b"",
            refused="",
            differs=0,
            differs_secret=0,
            wanted=0,
            failures=0,
            next_try_us=0,
        )


def again(db: apsw.Connection, made: Publication) -> Publication:
    """A person wants it sent although it was taken back, denied or refused: as the next generation
    where the hub has a tombstone.
    """
    made = records.change(db, made.id, denied_us=0, refused="", failures=0, next_try_us=0)
    if not (made.gone or made.recalled_us or made.recall_us):
        return made
    records.cut(db, made.id, 0)
    return records.change(
        db,
        made.id,
        gone=0,
        recall_us=0,
        recalled_us=0,
        generation=made.generation + 1,
        rewind=0,
        seq=0,
        chain=b"",
        attempted=0,
        header=b"",
        url="",
    )
