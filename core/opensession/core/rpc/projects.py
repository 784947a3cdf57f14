"""projects.*: the folders that were worked in, and where they are today."""

from __future__ import annotations

import msgspec

from opensession.core.rpc.envelope import Params


class ProjectRow(msgspec.Struct, frozen=True, kw_only=True):
    """A folder, of a repository its root. `moved_to` is where it is today: as a person linked it
    (`linked`), else where the one folder is that has the same remote; empty where neither is known.
    """

    folder: str
    name: str
    remote: str
    sessions: int
    updated_at: str
    exists: bool
    moved_to: str = ""
    linked: bool = False


class ProjectsResult(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    projects: list[ProjectRow]


class ProjectLinkParams(Params, frozen=True):
    """`old` is where it was, `new` where it is, both absolute; `new` empty takes the link back."""

    old: str
    new: str = ""


class ProjectLinkResult(msgspec.Struct, frozen=True, kw_only=True):
    """`sessions` are those that were begun in the old folder."""

    old: str
    new: str
    sessions: int
