"""Putting a whole index aside while another is made, and removing it when that is complete.

Where archiving was off, an index may hold sessions that are nowhere else: their agent deleted the
file, and no bytes were kept. Such an index is never removed.
"""

from __future__ import annotations

import logging
from pathlib import Path

import apsw

from opensession.daemon.store.connect import CorruptDatabase, open_reader

log = logging.getLogger(__name__)

_PARTS = ("", "-wal", "-shm")
_SESSIONS = "SELECT origin, agent, native_id FROM session"
_LOST = " WHERE source IN (SELECT id FROM source WHERE state = 'gone' AND archived_len = 0)"


def old_index(index: Path) -> Path:
    """Where an index waits while the next one is made."""
    return index.with_name(index.name + ".old")


def all_aside(index: Path) -> list[Path]:
    """All that wait, the most complete one first."""
    target = old_index(index)
    more = sorted(target.parent.glob(f"{target.name}-[0-9]*"), key=lambda each: each.name)
    return [each for each in (target, *more) if each.is_file()]


def told(index: Path, alone: int) -> list[str]:
    """That so many sessions are in the old index alone; nothing of none."""
    if not alone:
        return []
    said = "1 session is" if alone == 1 else f"{alone} sessions are"
    return [f"{said} in the old index alone, which is kept: {old_index(index)}"]


def put_aside(index: Path) -> None:
    """Rename the index, which nobody has open for writing. One that is aside already, from a
    making that was broken off, is the more complete one and stays; then this one is removed, or
    kept as `.old-2` and so on where it holds sessions that are nowhere else.
    """
    target = old_index(index)
    if target.is_file():
        if not _sessions_nowhere_else(index, target):
            _remove(index)
            return
        number = 2
        while _named(target, f"-{number}").exists():
            number += 1
        target = _named(target, f"-{number}")
        log.warning("sessions whose files are gone are in this index alone, kept as %s", target)
    for part in _PARTS[1:]:
        _named(target, part).unlink(missing_ok=True)
    for part in _PARTS:
        if _named(index, part).exists():
            _named(index, part).rename(_named(target, part))


def remove_old(index: Path) -> int:
    """Remove the index that is aside, the next one being complete. Returns how many sessions are
    in it alone; then it is kept, as is one that cannot be read.
    """
    old = old_index(index)
    if not old.is_file():
        return 0
    try:
        alone = sessions_only_in(old, index)
    except (apsw.Error, CorruptDatabase) as error:
        log.warning("the old index cannot be read (%s): %s is kept", type(error).__name__, old)
        return 0
    if alone:
        log.warning("the old index alone has %d of the sessions: %s is kept", alone, old)
    else:
        _remove(old)
    return alone


def sessions_only_in(old: Path, new: Path) -> int:
    """How many sessions of one index the other lacks. Raises apsw.Error or CorruptDatabase."""
    return len(_keys(old, _SESSIONS) - _keys(new, _SESSIONS))


def _sessions_nowhere_else(index: Path, other: Path) -> bool:
    """Reports whether an index has sessions without file and archive that another one lacks."""
    try:
        return bool(_keys(index, _SESSIONS + _LOST) - _keys(other, _SESSIONS))
    except (apsw.Error, CorruptDatabase) as error:
        log.warning("an index cannot be read: %s", type(error).__name__)
        return False


def _keys(index: Path, query: str) -> set[tuple[object, ...]]:
    db = open_reader(index)
    try:
        return {tuple(row) for row in db.execute(query)}
    finally:
        db.close()


def _remove(index: Path) -> None:
    for part in _PARTS:
        _named(index, part).unlink(missing_ok=True)


def _named(index: Path, part: str) -> Path:
    return index.with_name(index.name + part)
