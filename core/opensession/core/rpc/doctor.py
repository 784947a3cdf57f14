"""doctor.*: every check there is, and mending what is safe to mend."""

from __future__ import annotations

from typing import Literal

import msgspec

from opensession.core.rpc.daemon import State
from opensession.core.rpc.envelope import Params

Fix = Literal["", "modes", "left-over", "config", "archive", "rebuild", "read", "restart", "start"]
"""What `doctor --fix` does: the modes of our files and folders are narrowed, what a crash left is
removed, settings of the original program are taken over, damaged frames are read again, the index
is made anew, everything on disk is compared with it, the daemon is started again or started.
"""


class DoctorParams(Params, frozen=True):
    """How much of the archive is read: none, some files, or every frame (only without a daemon; a
    running one does that as a job, `archive.verify`).
    """

    archive: Literal["none", "sample", "all"] = "sample"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """As a check; `fix` is what mends it without anybody's help, empty for what a person does."""

    name: str
    state: State
    message: str
    hint: str = ""
    fix: Fix = ""


class Diagnosis(msgspec.Struct, frozen=True):
    """`healthy` says that nothing is red."""

    healthy: bool
    findings: list[Finding]


class MendParams(Params, frozen=True):
    """What to mend of that which needs no running daemon."""

    modes: bool = False
    left_over: bool = False
    config: bool = False


class MendResult(msgspec.Struct, frozen=True):
    """The files and folders that were changed or removed, the settings that were taken over."""

    changed: list[str]
