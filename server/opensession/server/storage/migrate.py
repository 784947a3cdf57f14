"""Numbered migrations: `migrations/<number>_<what>.sql`, each run once, in one transaction.

The number of the last one is `PRAGMA user_version`. A migration that was released is never edited.
"""

from __future__ import annotations

import functools
import re
from importlib import resources

import apsw

_NAME = re.compile(r"(\d{4})_[a-z_]+\.sql\Z")


@functools.cache
def scripts() -> tuple[str, ...]:
    """The migrations as SQL, in order from number 1."""
    found: dict[int, str] = {}
    for entry in (resources.files("opensession.server.storage") / "migrations").iterdir():
        match = _NAME.match(entry.name)
        if match is None:
            continue
        if int(match[1]) in found:
            raise RuntimeError(f"two migrations have the number {match[1]}")
        found[int(match[1])] = entry.read_text("utf-8")
    if sorted(found) != list(range(1, len(found) + 1)):
        raise RuntimeError("migrations are not numbered from 1 without a gap")
    return tuple(found[number] for number in sorted(found))


def latest() -> int:
    """The version that this program writes."""
    return len(scripts())


def version_of(db: apsw.Connection) -> int:
    """The version that a database has; 0 for an empty one."""
    version = db.execute("PRAGMA user_version").get
    assert isinstance(version, int)  # noqa: S101 - what the pragma gives
    return version


def migrate(db: apsw.Connection) -> None:
    """Brings `db` to the latest version. A migration that fails leaves its version untouched."""
    for number, script in enumerate(scripts(), start=1):
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
