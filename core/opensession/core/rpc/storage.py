"""archive.storage, archive.verify, archive.prune, archive.compact: what is kept, and whether it is
whole.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from opensession.core.rpc.doctor import Finding
from opensession.core.rpc.envelope import Params
from opensession.core.rpc.retention import Forecast


class AgentStorage(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. Sizes in bytes: `own_bytes` are its own files that are there (`own_files`),
    `archive_bytes` what their archive takes on the disk, and `archived_bytes` what that holds once
    unpacked. `index_bytes` is its share of the index by the size of its events, null where that
    takes too long to count. `duplicate_files` hold nothing but the beginning of sessions that other
    files hold as well. `grown_bytes` is what the agent wrote within `grown_days`, by the time of
    its events, and `grown_archive_bytes` about what the archive grew by that.

    Of its `sessions` (subagents are none of their own) `safe_sessions` are archived as far as they
    were read; `only_here` are those of them whose file the agent has deleted.
    """

    tool: str
    own_files: int
    own_bytes: int
    archive_files: int
    archive_bytes: int
    archived_bytes: int
    index_bytes: int | None
    duplicate_files: int
    duplicate_bytes: int
    grown_bytes: int
    grown_archive_bytes: int
    sessions: int
    safe_sessions: int
    only_here: int
    keep_days: float


class StorageResult(msgspec.Struct, frozen=True, kw_only=True):
    """All agents that left anything, largest first, and what lies on the disk in all. `other_bytes`
    are `user_bytes`, logs, and indexes that were put aside. `max_size` is the cap that only warns,
    0 for none. `past_keep` are sessions that `archive.prune` would take away. `notices` say what is
    lost, and what agents will delete soon.
    """

    agents: list[AgentStorage]
    archive_bytes: int
    index_bytes: int
    user_bytes: int
    other_bytes: int
    free_bytes: int
    max_size: int
    grown_days: int
    archiving: bool
    past_keep: int
    retention: list[Forecast]
    notices: list[str] = []


class VerifyParams(Params, frozen=True):
    """`sample`: only some files, chosen at random. `mend`: what is damaged is read again from the
    agents' own files, where they are still there.
    """

    sample: bool = False
    mend: bool = False


class DamagedFrame(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of an archive file that are not what was written: `first` to `last` (exclusive) of the
    `file`. They held the bytes `offset` to `end` of `generation` of the source; null where not even
    that can be told. `sessions` are the ids of those it is of, `living` says that the agent's own
    file is there to read it again from, `mended` that this was done and the archive is whole again.
    """

    file: str
    first: int
    last: int
    tool: str
    path: str
    reason: str
    generation: int | None = None
    offset: int | None = None
    end: int | None = None
    sessions: list[str] = []
    living: bool = False
    mended: bool = False


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """`files` and `bytes` were read of the `total_files` that the archive has. `findings` say the
    same as `doctor` does, and of the pages of the databases where the whole archive was read.
    """

    files: int
    bytes: int
    total_files: int
    damaged: list[DamagedFrame]
    findings: list[Finding] = []


class PruneParams(Params, frozen=True):
    """Sessions that were not active for `keep_days` (null: as configured, by agent). Unless
    `really`, only tells what would be taken away.
    """

    keep_days: float | None = None
    really: bool = False


class PrunedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """Of one agent: `sessions` are taken away, and `archive_bytes` with them. `kept` are as old and
    stay, by reason: `living` (the agent's own file is there, or away with its whole folder),
    `named` (it has an alias, a tag, a note or a star), `shared` (its file holds newer ones too).
    """

    tool: str
    keep_days: float
    sessions: int
    archive_bytes: int
    oldest: str | None
    newest: str | None
    kept: dict[Literal["living", "named", "shared"], int] = {}


class PruneResult(msgspec.Struct, frozen=True):
    """Agents of which something is as old as that; `done` says that it was taken away."""

    agents: list[PrunedAgent]
    done: bool


class CompactResult(msgspec.Struct, frozen=True, kw_only=True):
    """`merged_files` archive files were written anew. `vacuumed` says that the index was."""

    merged_files: int
    archive_before: int
    archive_after: int
    index_before: int
    index_after: int
    vacuumed: bool
