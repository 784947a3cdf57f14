"""Taking a publication back: asked again until the hub has answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import apsw

from opensession.core import keyring
from opensession.core.errors import Refused
from opensession.core.hub import Identity
from opensession.daemon.publish import records
from opensession.daemon.publish.backoff import delay
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.records import Publication
from opensession.daemon.store.connect import all_or_nothing

log = logging.getLogger(__name__)

UNSEEN_SECONDS = 120.0
"""A request that is still under way could bring a session that the hub does not know yet: it is
asked once more after so long."""

KEYRING_SECONDS = 30.0
"""How long a keyring may take to give the key of a hub of before; nobody waits for it."""


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


async def mark_gone(parts: Parts, key: tuple[str, str]) -> bool:
    """A session is not here any more: where a person said so, nor shall it be on any hub. Whether
    there is one to be taken back.
    """
    guards = parts.library.guards
    if guards is None or not guards.is_private(*key):
        return False
    return await _mark(parts, lambda made: made.key == key)


async def mark_private(parts: Parts) -> None:
    """Sessions that became private while nobody looked are to be taken back."""
    guards = parts.library.guards
    if guards is not None and guards.knows_private:
        await _mark(parts, lambda made: guards.is_private(*made.key))


async def _mark(parts: Parts, meant: Callable[[Publication], bool]) -> bool:
    now_us = records.now_us()
    found = [
        made
        for made in await parts.record(records.everything)
        if made.attempted and not made.recall_us and meant(made)
    ]
    for made in found:
        await parts.record(records.change, made.id, recall_us=now_us)
    return bool(found)


async def elsewhere(parts: Parts) -> bool:
    """Takes sessions back from hubs that are not the one of now, where the keyring still has a key
    for them; whether something is left that may be tried again.
    """
    due = [one for one in await parts.record(records.everything) if is_elsewhere(parts, one)]
    left = False
    for url in dict.fromkeys(one.hub for one in due):
        key = await asyncio.to_thread(keyring.get, url, parts.environ, KEYRING_SECONDS)
        if key:
            mine = [one for one in due if one.hub == url]
            left |= not await _take_back_there(parts, url, key, mine)
    return left


def is_elsewhere(parts: Parts, made: Publication) -> bool:
    """Whether a session is to be taken back from a hub, or an account, that is not that of now."""
    hub = parts.link.hub
    if made.recall_us <= made.recalled_us:
        return False
    return made.hub != hub.url or bool(hub.account and made.account and made.account != hub.account)


async def _take_back_there(parts: Parts, url: str, key: str, due: Sequence[Publication]) -> bool:
    """Whether nothing is left to be done on a hub, as far as this key goes."""
    from opensession.daemon.publish.client import HubClient, check_address

    try:
        check_address(url)
    except Refused:
        return True  # nothing goes there
    async with HubClient(url, key) as client:
        whose = await client.verify()
        if not isinstance(whose, Identity):
            return False
        for made in due:
            if made.account != whose.user_id:
                continue
            found = await client.delete(made.native_id, made.agent, parts.link.device)
            if not isinstance(found, bool):
                return False
            await parts.record(_done, made, _is_private(parts, made))
    return True


def _is_private(parts: Parts, made: Publication) -> bool:
    guards = parts.library.guards
    return guards is not None and guards.is_private(made.agent, made.native_id)


def _done(db: apsw.Connection, made: Publication, private: bool) -> None:
    """The hub has it no more. Of a private session nothing is remembered."""
    with all_or_nothing(db):
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
    """A person wants it sent although it was taken back, expired, denied or refused: as the next
    generation where the hub has a tombstone.
    """
    made = records.change(db, made.id, denied_us=0, refused="", failures=0, next_try_us=0)
    expired = 0 < made.expires_us <= records.now_us()
    if not (made.gone or made.recalled_us or made.recall_us or expired):
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
        expires_us=0,
    )
