"""What we change outside our own folders: recorded before it is made, undone by the record."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from opensession.client.asking import ask
from opensession.core.errors import Refused
from opensession.core.rpc.changes import (
    Change,
    ChangesListResult,
    ChangesRecordParams,
    ChangesRecordResult,
    ChangesUndoneParams,
    ChangesUndoneResult,
)
from opensession.core.rpc.envelope import Nothing

LINGER = "linger"


def changes(*kinds: str) -> list[Change]:
    """What is not undone, the oldest first; of these kinds, or of all."""
    found = ask("changes.list", Nothing(), ChangesListResult).changes
    return [change for change in found if not kinds or change.kind in kinds]


def record(
    kind: str,
    path: str,
    before: bytes | None = None,
    after: bytes | None = None,
    *,
    backup: str = "",
) -> None:
    """Remember a change that is about to be made; `backup` is a copy of the file before."""
    params = ChangesRecordParams(
        kind=kind,
        path=path,
        sha256_before=digest(before),
        sha256_after=digest(after),
        backup=backup,
    )
    ask("changes.record", params, ChangesRecordResult)


def forget(undone: list[Change]) -> None:
    """Note that changes are undone."""
    if undone:
        ids = [change.id for change in undone]
        ask("changes.undone", ChangesUndoneParams(ids=ids), ChangesUndoneResult)


def write_file(kind: str, path: Path, data: bytes, *, mark: str) -> bool:
    """Write a file of ours outside our folders, recorded; False if it was there as it is now.

    Raises Refused if another's file, one without `mark`, is in the way.
    """
    before = path.read_bytes() if path.exists() else None
    if before == data:
        return False
    if before is not None and mark.encode() not in before:
        raise Refused(f"{path} is there and is not ours", f"mv {path} {path}.old")
    record(kind, str(path), before, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)
    return True


def remove_file(path: Path, made: list[Change]) -> bool:
    """Remove a file that we made; False if somebody changed it since, which is left."""
    try:
        now = digest(path.read_bytes())
    except FileNotFoundError:
        return True
    if now not in {change.sha256_after for change in made}:
        return False
    path.unlink()
    return True


def digest(data: bytes | None) -> str:
    """What the record of changes has of a file: a hash, empty where there was none."""
    return "" if data is None else hashlib.sha256(data).hexdigest()
