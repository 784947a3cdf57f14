"""Reports on calls, which Codex writes beside the calls: exit codes, diffs, subagents.

A report on a call that waits for its output is kept for the result. A report on a call that had
its output already adds a result where the first could not know the end (a command that ran on). A
report on anything else is of a call that was never written as one, made by a script or by the
person: it is a call and a result by itself.
"""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Block, code, json_block, text
from opensession.parsers import diffs
from opensession.parsers.codex.calls import call_attributes, command_of, part_id
from opensession.parsers.codex.messages import blocks_of, parts_of
from opensession.parsers.codex.reading import Reading
from opensession.parsers.codex.records import Change, Report, text_of
from opensession.parsers.codex.results import Output, result
from opensession.parsers.codex.state import (
    ID_CHARACTERS,
    RECENT_CALLS,
    FileOf,
    OpenCall,
    keep_diff,
    mark,
    remember,
)
from opensession.parsers.decoding import storable

_EVENT_OF_CHANGE = {"update": "FileEdit", "add": "FileCreate", "delete": "FileDelete"}


def on_command_end(reading: Reading, report: Report, call_id: str) -> None:
    """`exec_command_end`, or a completed CommandExecution."""
    state = reading.state
    failed = report.status in ("failed", "declined")
    duration = milliseconds(report.duration)
    waiting = state.open.get(call_id)
    if waiting is not None:
        waiting.exit_code = report.exit_code
        waiting.duration_ms = duration
        waiting.failed = failed
        return
    closed = state.closed.get(mark(call_id))
    if closed == 1:
        return
    words = text_of(report.aggregated_output) or text_of(report.stdout) + text_of(report.stderr)
    output = Output(
        [text(words)] if words else [],
        report.exit_code,
        duration,
        failed or bool(report.exit_code),
    )
    call = OpenCall(0, "exec_command", "shell", "exec_command")
    if closed is None:
        command = command_of(report.command)
        if not command:
            return
        call.seq = reading.emit(
            "ShellCommand",
            call_id or None,
            data={"command": command},
            blocks=[code(command, "bash")],
            attributes=call_attributes(call_id, "shell", "exec_command"),
        )
    remember(state.closed, mark(call_id), 1, RECENT_CALLS)
    result(reading, f"{call_id}:end" if call_id else None, call_id, call, output)


def on_patch_end(reading: Reading, report: Report, call_id: str) -> None:
    """`patch_apply_end`, or a completed FileChange."""
    state = reading.state
    failed = report.success is False or report.status in ("failed", "declined")
    changes = {path: _kind(change) for path, change in (report.changes or {}).items()}
    waiting = state.open.get(call_id)
    if waiting is not None:
        waiting.failed = waiting.failed or failed
        for path, (kind, change) in changes.items():
            file = _named(path, waiting.files)
            diff = _diff(file.path, kind, change) if file else ""
            if file and diff:
                keep_diff(state, file, diff)
        return
    if mark(call_id) in state.closed or not changes:
        return
    call = OpenCall(0, "apply_patch", "file_write", "apply_patch")
    for n, (path, (kind, change)) in enumerate(changes.items()):
        seq = reading.emit(
            _EVENT_OF_CHANGE[kind],
            call_id or None,
            data={"path": path},
            attributes=call_attributes(part_id(call_id, n), "file_write", "apply_patch"),
            n=n,
        )
        call.seq = call.seq or seq
        call.files.append(FileOf(seq, path, _diff(path, kind, change)))
    remember(state.closed, mark(call_id), 1, RECENT_CALLS)
    words = text_of(report.stdout) + text_of(report.stderr)
    output = Output([text(words)] if words else [], failed=failed)
    result(reading, f"{call_id}:end" if call_id else None, call_id, call, output)


def on_tool_end(reading: Reading, report: Report, call_id: str) -> None:
    """`mcp_tool_call_end`, or a completed McpToolCall or DynamicToolCall."""
    state = reading.state
    asked = report.invocation if isinstance(report.invocation, dict) else {}
    server = report.server or asked.get("server") or report.namespace
    tool = report.tool or asked.get("tool") or "unknown"
    failed = report.status == "failed" or report.success is False or _is_error(report.result)
    duration = milliseconds(report.duration)
    waiting = state.open.get(call_id)
    if waiting is not None:
        waiting.failed = failed
        waiting.duration_ms = duration
        return
    if mark(call_id) in state.closed:
        return
    name = f"mcp__{server}__{tool}" if server and report.type != "DynamicToolCall" else str(tool)
    call = OpenCall(0, name, "other", name)
    arguments = report.arguments if report.arguments is not None else asked.get("arguments")
    call.seq = reading.emit(
        "ToolCall",
        call_id or None,
        data={"name": name},
        blocks=_json_blocks(arguments),
        attributes=call_attributes(call_id, "other", name),
    )
    blocks = blocks_of(report.content_items or []) or _json_blocks(report.result or report.error)
    remember(state.closed, mark(call_id), 1, RECENT_CALLS)
    output = Output(blocks, None, duration, failed)
    result(reading, f"{call_id}:end" if call_id else None, call_id, call, output)


def on_agent_end(reading: Reading, report: Report, call_id: str) -> None:
    """`collab_agent_spawn_end`, a completed CollabAgentToolCall: which session a call started."""
    waiting = reading.state.open.get(call_id)
    child = report.new_thread_id or report.agent_thread_id
    if not child and report.receiver_thread_ids and len(report.receiver_thread_ids) == 1:
        child = report.receiver_thread_ids[0]
    if waiting is None or not child:
        return
    if report.status == "failed":
        waiting.failed = True
    if waiting.name.startswith("spawn") and len(child) <= ID_CHARACTERS:
        waiting.subagent = child


def on_image_view(reading: Reading, report: Report, call_id: str) -> None:
    """`view_image_tool_call`, or a completed ImageView."""
    state = reading.state
    if call_id in state.open or mark(call_id) in state.closed or not report.path:
        return
    remember(state.closed, mark(call_id), 1, RECENT_CALLS)
    reading.emit(
        "FileRead",
        call_id or None,
        data={"path": report.path.removeprefix("file://")},
        attributes=call_attributes(call_id, "file_read", "view_image"),
    )


def on_hook_prompt(reading: Reading, report: Report) -> None:
    """A completed HookPrompt: words that a hook added."""
    if blocks := blocks_of(parts_of(report.fragments)):
        reading.emit("SystemMessage", report.id, blocks=blocks)


def milliseconds(duration: Any) -> int | None:
    """Milliseconds of a duration as Codex serialises it: `{secs, nanos}`."""
    if not isinstance(duration, dict):
        return None
    seconds, nanos = duration.get("secs"), duration.get("nanos")
    if not isinstance(seconds, int) or not isinstance(nanos, int):
        return None
    return seconds * 1000 + nanos // 1_000_000 if 0 <= seconds < 1 << 40 and nanos >= 0 else None


def _named(path: str, files: list[FileOf]) -> FileOf | None:
    """The file of a patch that an absolute path names: the longest of those it ends in."""
    found = [
        file
        for file in files
        if path == file.path or path.endswith("/" + file.path.removeprefix("./"))
    ]
    return max(found, key=lambda file: len(file.path), default=None)


def _kind(change: Change) -> tuple[str, Change]:
    """What became of a file, in either way of writing it."""
    if change.type in _EVENT_OF_CHANGE:
        return change.type, change
    for kind in ("add", "delete"):
        inner: Change | None = getattr(change, kind)
        if inner is not None:
            return kind, inner
    return "update", change.update or change


def _diff(path: str, kind: str, change: Change) -> str:
    if kind == "add":
        return diffs.of_new_file(path, change.content or "")
    if kind == "delete":
        return diffs.of_deleted_file(path, change.content) if change.content else ""
    return diffs.with_header(path, change.unified_diff or "", new_path=change.move_path or "")


def _is_error(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    inner = value.get("Ok", value)
    return "Err" in value or (
        isinstance(inner, dict) and (inner.get("isError") or inner.get("is_error")) is True
    )


def _json_blocks(value: Any) -> list[Block]:
    if value is None:
        return []
    try:
        return [json_block(storable(value))]
    except ValueError:
        return []
