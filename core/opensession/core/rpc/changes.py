"""changes.*: what we changed outside our own folders, so that `uninstall` can undo it."""

from __future__ import annotations

import msgspec

from opensession.core.rpc.envelope import Params


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change. Hashes are hex, empty where there was no file; `backup` is a copy of the file
    before, if there is one. `made_at` is RFC 3339.
    """

    id: int
    kind: str
    path: str
    sha256_before: str
    sha256_after: str
    backup: str
    made_at: str


class ChangesRecordParams(Params, frozen=True):
    kind: str
    path: str
    sha256_before: str = ""
    sha256_after: str = ""
    backup: str = ""


class ChangesRecordResult(msgspec.Struct, frozen=True):
    id: int


class ChangesListResult(msgspec.Struct, frozen=True):
    """What is not undone yet, the oldest first."""

    changes: list[Change]


class ChangesUndoneParams(Params, frozen=True):
    """`ids` of changes that are undone now."""

    ids: list[int]


class ChangesUndoneResult(msgspec.Struct, frozen=True):
    undone: int
