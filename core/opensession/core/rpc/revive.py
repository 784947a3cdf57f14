"""archive.revive: archived bytes back where their agent looks for them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from opensession.core.rpc.envelope import Params


class ReviveParams(Params, frozen=True):
    """A session; `scope` as in `sessions.list`. `older`: as it was so many states ago, of a file
    that its agent wrote anew. Unless `really`, only tells what would be done.
    """

    ref: str
    scope: str = ""
    all: bool = False
    really: bool = False
    older: Annotated[int, msgspec.Meta(ge=0)] = 0


class RevivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the session: `written` now, `present` before, or `absent` where nothing is done.
    `bytes` are 0 of one that was there.
    """

    path: str
    state: Literal["written", "present", "absent"]
    bytes: int = 0


class ReviveResult(msgspec.Struct, frozen=True, kw_only=True):
    """`resume` are the words of the command that goes on with the session, to be given in
    `directory`; empty where the agent has none. `load` are the words of the agent's own command
    that takes the one file in `files`, for agents that keep a database. `notes` say what differs.
    """

    id: str
    short: str
    tool: str
    files: list[RevivedFile]
    resume: list[str] = []
    directory: str = ""
    load: list[str] = []
    notes: list[str] = []
