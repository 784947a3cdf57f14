"""Putting a whole index aside while another is made (`tidying` removes it when that is complete).

Where archiving was off, an index may hold sessions that are nowhere else: their agent deleted the
file, and no bytes were kept. Such an index is never removed before the next one has them.
"""

from __future__ import annotations

import logging
from pathlib import Path

import apsw

from opensession.daemon.store.connect import CorruptDatabase, open_reader

log = logging.getLogger(__name__)

_PARTS = ("", "-wal", "-shm")
_SESSIONS = "SELECT agent, native_id, event_count FROM session"


def old_index(index: Path) -> Path:
    """Where an index waits while the next one is made."""
    return index.with_name(index.name + ".old")


def all_aside(index: Path) -> list[Path]:
    """All that wait, the most complete one first."""
    target = old_index(index)
    found = target.parent.glob(f"{target.name}-[0-9]*")
    numbers = sorted(
        int(number) for path in found if (number := path.name.rpartition("-")[2]).isdecimal()
    )
    more = (_named(target, f"-{number}") for number in numbers)
    return [each for each in (target, *more) if each.is_file()]


def put_aside(index: Path) -> None:
    """Rename the index, which nobody has open for writing. One that is aside already, from a
    making that was broken off, is the more complete one and stays; then this one is removed, or
    kept as `.old-2` and so on where it has more of any session.
    """
    target = old_index(index)
    if target.is_file():
        if not _has_more(index, target):
            remove(index)
            return
        number = 2
        while _named(target, f"-{number}").exists():
            number += 1
        target = _named(target, f"-{number}")
        log.info(
            "an index that was put aside before lacks sessions of this one, kept as %s", target
        )
    for part in _PARTS[1:]:
        _named(target, part).unlink(missing_ok=True)
    for part in _PARTS:
        if _named(index, part).exists():
            _named(index, part).rename(_named(target, part))


def remove(index: Path) -> None:
    """Remove an index with its journal: itself last, so that nothing of it is left unseen."""
    for part in reversed(_PARTS):
        _named(index, part).unlink(missing_ok=True)


def _has_more(index: Path, other: Path) -> bool:
    """Reports whether an index has a session that another lacks, or more of it; what cannot be read
    may.
    """
    try:
        there = _counts(other)
        return any(count > there.get(key, -1) for key, count in _counts(index).items())
    except (apsw.Error, CorruptDatabase) as error:
        log.warning("an index cannot be read: %s", type(error).__name__)
        return index.exists()


def _counts(index: Path) -> dict[tuple[str, str], int]:
    db = open_reader(index)
    try:
        return {
            (str(agent), str(name)): int(str(count)) for agent, name, count in db.execute(_SESSIONS)
        }
    finally:
        db.close()


def _named(index: Path, part: str) -> Path:
    return index.with_name(index.name + part)
