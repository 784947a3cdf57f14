"""Numbered migrations of a database: SQL scripts, each run once, in one transaction.

The number of the last one is `PRAGMA user_version`. A migration that was released is never edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the client has no need of the database
    import apsw


def in_order(scripts: dict[int, str], what: str) -> tuple[str, ...]:
    """The scripts by number. Raises RuntimeError unless they are numbered from 1 without a gap."""
    if sorted(scripts) != list(range(1, len(scripts) + 1)):
        raise RuntimeError(f"migrations of {what} are not numbered from 1 without a gap")
    return tuple(scripts[number] for number in sorted(scripts))


def version_of(db: apsw.Connection) -> int:
    """The version that a database has; 0 for an empty one."""
    version = db.execute("PRAGMA user_version").get
    assert isinstance(version, int)  # noqa: S101 - what the pragma gives
    return version


def migrate(db: apsw.Connection, scripts: Sequence[str]) -> None:
    """Brings `db` to the version after the last of `scripts`, which begin with number 1.

    A migration that fails leaves its version untouched.
    """
    for number, script in enumerate(scripts, start=1):
        if number <= version_of(db):
            continue
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute(script)
            db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
