"""publish.*: what is sent by itself, what waits for a person, what was sent, and taking it back."""

from __future__ import annotations

from typing import Literal

import msgspec

from opensession.core.rpc.envelope import Params

When = Literal["manual", "session_end", "realtime"]

State = Literal[
    "due", "sending", "waiting", "ask", "denied", "never", "blocked", "differs", "refused"
]
"""Why a session is not (wholly) on the hub: `due` goes next; `waiting` until it ends (session_end)
or until a later try; `ask` until it is approved; `denied` by a person, `never` by a rule, `blocked`
by a privacy set; `differs` is one whose sent part would now be other bytes (`publish refresh`);
`refused` by the hub."""


class StreamParams(Params, frozen=True):
    """`agent` and `repo` (an absolute folder) narrow; neither takes the agent that last wrote in
    `scope`, the client's folder. `mode` is for `stream.enable`, which without `really` changes
    nothing and tells what the row would be.
    """

    agent: str = ""
    repo: str = ""
    scope: str = ""
    mode: When = "realtime"
    really: bool = True


class StreamRow(msgspec.Struct, frozen=True, kw_only=True):
    """One policy: sessions of `agent` (empty: all) in `repo` (empty: everywhere) are published at
    `mode`, if they have events after `since`. `origin` is `config` or `stream`. `covered` are the
    sessions it sends now or as they go on, `backlog` those it never sends by itself.
    """

    agent: str
    repo: str
    mode: When
    since: str
    origin: str
    covered: int
    backlog: int


class StreamResult(msgspec.Struct, frozen=True, kw_only=True):
    """All policies as they are now, and the hub (empty: none is set, nothing is sent). `changed` is
    the row that the call was about; `undone` says that `disable` found one.
    """

    server: str
    rows: list[StreamRow]
    changed: StreamRow | None = None
    undone: bool = False


class PendingParams(Params, frozen=True):
    """`all` also lists `never`, `denied` and what waits for its end."""

    all: bool = False
    limit: int = 100


class PendingRow(msgspec.Struct, frozen=True, kw_only=True):
    """`sent` and `total` are seqs. `reason` is a sentence; `retry_at` RFC 3339 or empty."""

    id: str
    short: str
    tool: str
    title: str
    state: State
    reason: str
    sent: int
    total: int
    retry_at: str = ""


class PendingResult(msgspec.Struct, frozen=True, kw_only=True):
    """`total` counts all, also those beyond `limit`."""

    sessions: list[PendingRow]
    total: int
    server: str


class DecideParams(Params, frozen=True):
    """`publish.approve`, `deny` and `refresh` of sessions; `all` takes every one that waits for
    this. `expires_seconds` (approve): the hub deletes the publication so long after; 0 is never.
    """

    refs: list[str] = []
    scope: str = ""
    all: bool = False
    expires_seconds: float = 0


class DecideResult(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions it was done for."""

    ids: list[str]


class ReceiptsParams(Params, frozen=True):
    ref: str = ""
    scope: str = ""
    limit: int = 100


class DoorKind(msgspec.Struct, frozen=True, kw_only=True):
    """Secrets of a kind that the hub found in what it got."""

    kind: str
    count: int


class ReceiptRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a hub acknowledged. Times are RFC 3339, empty where there is none. `recalled_at` says
    that the publication was taken back.
    """

    id: str
    short: str
    tool: str
    title: str
    server: str
    url: str
    seq: int
    generation: int
    chain: str
    first_sent_at: str
    last_sent_at: str
    recalled_at: str
    expires_at: str
    findings: list[DoorKind]


class ReceiptsResult(msgspec.Struct, frozen=True, kw_only=True):
    receipts: list[ReceiptRow]


class RecallParams(Params, frozen=True):
    """Takes publications back: the hub deletes the body and keeps a tombstone. Without `really` it
    only looks which there are: they are `waiting` in the answer.
    """

    refs: list[str]
    scope: str = ""
    really: bool = True


class RecallResult(msgspec.Struct, frozen=True, kw_only=True):
    """`ids` are gone from the hub; `waiting` are recalled as soon as the hub answers, those on a
    hub that is not the one of now as soon as there is a key for it.
    """

    ids: list[str]
    waiting: list[str] = []
