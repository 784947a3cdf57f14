"""HAIL 1.0, the one format of sessions: events in memory, and their canonical JSON line.

An `Event` is what a parser makes and the index stores. Its type and its content blocks are open:
a type or a block this version does not know is kept and written again as it was.
Types with their `data`:

    UserMessage AgentMessage SystemMessage Thinking         no data
    ToolCall {name}     ToolResult {name, is_error, call_id?}
    FileRead {path}     FileEdit {path, diff?}   FileCreate {path}   FileDelete {path}
    CodeSearch {query}  FileSearch {pattern}     ShellCommand {command, exit_code?}
    WebSearch {query}   WebFetch {url}           ImageGenerate VideoGenerate AudioGenerate {prompt}
    TaskStart {title?}  TaskEnd {summary?}       Custom {kind}

Blocks: Text{text} Code{code, language?, start_line?} Image{url, alt?, mime} Video|Audio{url, mime}
File{path, content?} Json{data} Reference{uri, media_type}.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

VERSION = "hail-1.0.0"

Block: TypeAlias = dict[str, Any]
"""A content block: a JSON object with `type`."""

Attributes: TypeAlias = dict[str, Any]


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One event of a session's timeline.

    `time_us` is integer microseconds UTC. `event_id` is unique in its session. `data` is None for
    types without data. `duration_ms` is None where the agent recorded none.
    """

    event_id: str
    time_us: int
    type: str
    data: dict[str, Any] | None = None
    blocks: list[Block] = []
    task_id: str | None = None
    duration_ms: int | None = None
    attributes: Attributes = {}


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Tokens of one model response, as recorded on the event `seq`.

    `message_id` is the response's own id: a later record of the same id replaces an earlier one
    within a session and counts once over all sessions of an agent. `input` is uncached input.
    `cache_write_1h` is the part of `cache_write` that is kept for an hour, which costs more.
    `cost_microdollars` only where the agent recorded a price.
    """

    seq: int
    time_us: int
    message_id: str
    model: str
    provider: str = ""
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    cost_microdollars: int | None = None


class SessionInfo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a parser knows of a session as a whole; every read gives the whole of it again.

    `id` fits `[A-Za-z0-9][A-Za-z0-9._-]{0,127}` (see `ids.fit`). `title` is the agent's own title,
    `first_prompt` the first prompt a person typed. `cwd` is the first working directory, `last_cwd`
    the latest. A subagent has role `auxiliary`, its `parent`'s id, and the parent's call that
    started it where the agent recorded it.
    """

    id: str
    agent: str
    provider: str = ""
    model: str = ""
    tool_version: str = ""
    title: str = ""
    first_prompt: str = ""
    cwd: str = ""
    last_cwd: str = ""
    git_branch: str = ""
    git_commit: str = ""
    git_remote: str = ""
    role: str = "primary"
    parent: str = ""
    parent_call_id: str = ""
    related: list[str] = []
    attributes: Attributes = {}


def text(value: str) -> Block:
    """A Text block."""
    return {"type": "Text", "text": value}


def code(value: str, language: str = "", start_line: int | None = None) -> Block:
    """A Code block; `start_line` counts from 1."""
    block: Block = {"type": "Code", "code": value}
    if language:
        block["language"] = language
    if start_line is not None:
        block["start_line"] = start_line
    return block


def json_block(data: Any) -> Block:
    """A Json block around any JSON value."""
    return {"type": "Json", "data": data}
