"""privacy.*: what is found in sessions, where and why, and what would leave."""

from __future__ import annotations

import msgspec

from opensession.core.rpc.envelope import Params


class ScanParams(Params, frozen=True, kw_only=True):
    """A session (`ref`, `scope` and `all` as in `sessions.resolve`), or `everything`. The last
    `jobs.progress` holds a `ScanReport`.
    """

    ref: str = ""
    scope: str = ""
    all: bool = False
    everything: bool = False


class ScanKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of what was found. The native files hold it `certain`, `likely` and `possible` so
    often, in `values` different values; `replaced` counts its placeholders in the index, `left`
    what of it stands in the index unreplaced.
    """

    kind: str
    set: str
    mode: str
    certain: int = 0
    likely: int = 0
    possible: int = 0
    values: int = 0
    replaced: int = 0
    left: int = 0


class ScanSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session: what its native events hold by kind, and what the index has."""

    id: str
    tool: str
    kinds: dict[str, int] = {}
    replaced: int = 0
    left: int = 0


class ScanFile(msgspec.Struct, frozen=True, kw_only=True):
    """One native file. `read_from` is `file`, or `archive` where the agent deleted it. `kinds`
    counts in its events, `beyond` the secrets in its other bytes; `problem` says why it could not
    be read.
    """

    path: str
    tool: str
    bytes: int = 0
    read_from: str = "file"
    kinds: dict[str, int] = {}
    beyond: dict[str, int] = {}
    sessions: list[ScanSession] = []
    problem: str = ""


class ScanReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan found, never a value. `files` are those with something to be said of, with the
    most secrets first, as many as fit into an answer; `sources` and `bytes` count all.
    """

    sources: int
    bytes: int
    kinds: list[ScanKind]
    files: list[ScanFile]
    left_out: int = 0


class PrivacyTestParams(Params, frozen=True):
    """`text` as an agent could have written it."""

    text: str


class TextFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a text: `line` and `column` count from 1. `why` is the rule's reason."""

    line: int
    column: int
    set: str
    kind: str
    confidence: str
    mode: str
    why: str


class PrivacyTestResult(msgspec.Struct, frozen=True):
    """The text as it would be stored."""

    text: str
    findings: list[TextFinding]


class ExplainParams(Params, frozen=True, kw_only=True):
    """A session or, with `#seq`, one event of it; `limit` bounds the findings told."""

    ref: str
    scope: str = ""
    all: bool = False
    limit: int = 500


class EventFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something in an event as its agent wrote it. `place` is the part of the event; `tag` is that
    of the placeholder in the index, empty where none stands there.
    """

    seq: int
    type: str
    place: str
    set: str
    kind: str
    confidence: str
    mode: str
    why: str
    tag: str = ""


class ExplainResult(msgspec.Struct, frozen=True, kw_only=True):
    """`total` counts all findings; `read_from` is `file` or `archive`."""

    id: str
    short: str
    tool: str
    read_from: str
    findings: list[EventFinding]
    total: int


class PreviewParams(Params, frozen=True, kw_only=True):
    """One session as publishing would send it, in pages: its lines in the order of seq, then those
    of its subagents, each with a header before them.
    """

    ref: str
    scope: str = ""
    all: bool = False
    cursor: str = ""


class PreviewResult(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` are the bytes that would be sent, each with a line break after it. `sent_at` is when
    the session was sent last, null if it never was. `new` are the places in `lines` of those that
    the hub does not have so.
    """

    lines: list[msgspec.Raw]
    next: str = ""
    sent_at: str | None = None
    new: list[int] = []
