"""sessions.*: lists, one session, its events, and what a reference names."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from opensession.core.rpc.envelope import Params


class SessionsListParams(Params, frozen=True):
    """`project` is a folder or a repository name; `scope` is the client's folder, whose repository
    (else the folder itself) narrows the list unless `all`. Times are RFC 3339 and test the last
    activity. `model` may hold `*`. Of several `tags` one is enough. `cursor` is `next` of the page
    before.
    """

    scope: str = ""
    all: bool = False
    project: str = ""
    tool: str = ""
    model: str = ""
    touches: str = ""
    grep: str = ""
    since: str = ""
    before: str = ""
    has_errors: bool = False
    tags: list[str] = []
    starred: bool = False
    children: bool = False
    parent: str = ""
    limit: int = 20
    cursor: str = ""


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A session in lists. Counts and tokens include the session's subagents once.

    `total_input_tokens` is uncached input. `cost_microdollars` is null when nothing has a price;
    models without one are in `unpriced_models`. `running` says that it changed within the session's
    idle time. Times are RFC 3339, milliseconds, Z. `source` is empty where its file is,
    `archived` where it is gone and can be revived, `gone` where the index alone has it, `moved`
    where its folder is now at `moved_to`. `blocked` says why the session does not leave
    this machine, and is empty where it may. `title` is the alias where people gave one, else
    `native_title`: the agent's own, else the first prompt. `tags` are the agent's name and those
    that people gave.
    """

    id: str
    short: str
    tool: str
    model: str
    title: str
    description: str
    created_at: str
    updated_at: str
    duration_seconds: int
    message_count: int
    user_message_count: int
    tool_call_count: int
    event_count: int
    error_count: int
    total_input_tokens: int
    total_output_tokens: int
    total_cache_read_tokens: int
    total_cache_write_tokens: int
    cost_microdollars: int | None
    unpriced_models: list[str]
    has_errors: bool
    files_modified: list[str]
    lines_added: int
    lines_removed: int
    working_directory: str
    git_repo_name: str
    git_remote: str
    git_branch: str
    git_commit: str
    source_path: str
    source_gone: bool
    source: str = ""
    moved_to: str = ""
    tags: list[str]
    role: str
    parent: str | None
    children: int
    running: bool
    provider: str
    tool_version: str
    blocked: str = ""
    native_title: str = ""
    alias: str = ""
    note: str = ""
    starred: bool = False


LOG_FIELDS = (
    "id", "tool", "model", "title", "description", "created_at", "duration_seconds",
    "message_count", "event_count", "total_input_tokens", "total_output_tokens", "has_errors",
    "files_modified", "working_directory", "git_repo_name", "source_path", "git_remote",
    "git_branch", "git_commit", "tags",
)  # fmt: skip
"""The fields of `log --json`, as the original program has them."""


class SessionsListResult(msgspec.Struct, frozen=True, kw_only=True):
    """`hidden` says what the scope left out: the number of further sessions with `all`. `indexing`
    is the fraction of known bytes that is indexed, below 1 while a backlog is read.
    """

    sessions: list[SessionRow]
    total: int
    next: str = ""
    scope: str = ""
    hidden: int = 0
    indexing: float = 1.0


class ResolveParams(Params, frozen=True):
    """A REF (DECISIONS §2, §11): short, id, prefix of at least 4, `<agent>:<id>`, `HEAD`, `HEAD~N`,
    `HEAD^N`, an alias, a path of a session file; each may end in `#<seq>`. `scope` as in
    `sessions.list`.
    """

    ref: str
    scope: str = ""
    all: bool = False


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """What a reference names; `HEAD~N` names N sessions, newest first."""

    ids: list[str]
    shorts: list[str]
    tools: list[str]
    seq: int | None = None


class SessionGetParams(Params, frozen=True):
    ref: str
    scope: str = ""
    all: bool = False


class SessionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One session: its row, its own (unfolded) counts, and how its source stands. `altered_at` (RFC
    3339) says since when its archived bytes are no longer those that its agent wrote. `revivable`
    is false where its agent keeps it in a database and takes none from a file.
    """

    session: SessionRow
    all_models: list[str]
    subagents: list[SessionRow]
    skipped_lines: int
    missing_bytes: int
    attributes: dict[str, Any]
    seq: int | None = None
    altered_at: str | None = None
    revivable: bool = True


class SessionEventsParams(Params, frozen=True):
    """`order`: `time` (by time, ties by seq; subagents folded in as tasks) or `seq` (as the source
    gave them, this session alone). `tail` gives the last page. `cursor` is `next` of the
    page before.
    """

    ref: str
    scope: str = ""
    all: bool = False
    order: Literal["time", "seq"] = "time"
    fold: bool = True
    limit: int = 200
    tail: bool = False
    cursor: str = ""


class EventRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as clients get it: call and result are folded (`exit_code`, `diff`, `duration_ms`
    stand in the call). `session_id` differs from the asked one for a subagent's events.
    """

    session_id: str
    seq: int
    event_id: str
    timestamp: str
    type: str
    data: dict[str, Any] | None = None
    blocks: list[dict[str, Any]] = []
    task_id: str | None = None
    duration_ms: int | None = None
    attributes: dict[str, Any] = {}


class SessionEventsResult(msgspec.Struct, frozen=True, kw_only=True):
    events: list[EventRow]
    total: int
    next: str = ""


class ExportParams(Params, frozen=True):
    """One session as HAIL 1.0 lines, in pages; the first begins with the header, the last ends
    with the stats. Redactions carry no tag here (DECISIONS §5).
    """

    ref: str
    scope: str = ""
    all: bool = False
    cursor: str = ""


class ExportResult(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` are HAIL objects; write each, as it is, on a line of its own."""

    lines: list[msgspec.Raw]
    next: str = ""
