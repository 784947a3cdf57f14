"""Numbered migrations: `migrations/<kind>_<number>.sql`, each run once, in one transaction.

The number of the last one is `PRAGMA user_version`. A migration that was released is never edited.
"""

from __future__ import annotations

import functools
import re
from importlib import resources

import apsw

_NAME = re.compile(r"([a-z]+)_(\d{4})\.sql\Z")


@functools.cache
def scripts(kind: str) -> tuple[str, ...]:
    """The migrations of `kind` (`index`, `user`) as SQL, in order from number 1."""
    found: dict[int, str] = {}
    for entry in (resources.files("opensession.daemon.store") / "migrations").iterdir():
        match = _NAME.match(entry.name)
        if match is not None and match[1] == kind:
            found[int(match[2])] = entry.read_text("utf-8")
    if sorted(found) != list(range(1, len(found) + 1)):
        raise RuntimeError(f"migrations of {kind} are not numbered from 1 without a gap")
    return tuple(found[number] for number in sorted(found))


def latest(kind: str) -> int:
    """The version that this program writes."""
    return len(scripts(kind))


def version_of(db: apsw.Connection) -> int:
    """The version that a database has; 0 for an empty one."""
    version = db.execute("PRAGMA user_version").get
    assert isinstance(version, int)  # noqa: S101 - what the pragma gives
    return version


def migrate(db: apsw.Connection, kind: str) -> None:
    """Brings `db` to the latest version. A migration that fails leaves its version untouched."""
    for number, script in enumerate(scripts(kind), start=1):
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
