"""stats.get: what was done, by which tool and model, and what it cost."""

from __future__ import annotations

from typing import Literal

import msgspec

from opensession.core.rpc.envelope import Params

Period = Literal["day", "week", "month", "all"]


class StatsParams(Params, frozen=True):
    """`scope` and `project` as in `sessions.list`; without them everything. `zone` is the client's
    IANA time zone or empty (the daemon's): days are the user's local days.
    """

    period: Period = "week"
    scope: str = ""
    project: str = ""
    tool: str = ""
    zone: str = ""


class ToolStats(msgspec.Struct, frozen=True, kw_only=True):
    tool: str
    sessions: int
    messages: int
    tool_calls: int
    errors: int
    duration_seconds: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_microdollars: int | None


class ModelStats(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    provider: str
    responses: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_microdollars: int | None


class FileStats(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    edits: int
    sessions: int


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Lists are largest first. `estimated_cost_microdollars` covers the priced models; the others
    are in `unpriced_models`. `since` is the start of the period, RFC 3339, or null.
    `error_rate` is errors by tool calls, 0 to 1. Of the sessions `archived_sessions` have no file
    any more and can be revived, `gone_sessions` have none and are in the index alone.
    """

    period: Period
    since: str | None
    total_sessions: int
    gone_sessions: int = 0
    archived_sessions: int = 0
    total_messages: int
    total_tool_calls: int
    total_duration_seconds: int
    total_input_tokens: int
    total_output_tokens: int
    total_cache_read_tokens: int
    total_cache_write_tokens: int
    estimated_cost_microdollars: int
    unpriced_models: list[str]
    error_count: int
    error_rate: float
    by_tool: list[ToolStats]
    by_model: list[ModelStats]
    top_files: list[FileStats]
    indexing: float = 1.0
