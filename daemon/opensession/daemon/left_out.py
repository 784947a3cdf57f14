"""Content of files that the user excluded, taken out of the events that touched them.

The events stay, with path, type and times; blocks, diffs and results become `[excluded:<glob>]`. A
result says little of what its call was, and may come in another read: the calls of a session that
touched such files are remembered (`Left`), in the order of events alone, so that the same bytes
give the same events however they were cut into reads. It is bounded; where it overflows, results of
the calls that fell out are left out whatever they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from opensession.core.hail import Block, Event, text
from opensession.daemon.file_globs import FileGlobs, placeholder
from opensession.parsers.agent import SessionDelta

MOST_CALLS = 256
"""Excluded calls remembered of one session."""

MOST_SESSIONS = 256
"""Sessions of one source whose excluded calls are remembered; the oldest is forgotten first."""

_FILE_EVENTS = frozenset(("FileRead", "FileEdit", "FileCreate", "FileDelete"))
_CALLS = ("ToolCall", "ShellCommand", "CodeSearch")
_PATH_NAMES = frozenset((
        "path", "file", "file_path", "filepath", "filename", "file_name", "target_file",
        "targetfile", "relative_path", "relativeworkspacepath", "absolute_path", "absolutepath",
        "notebook_path", "uri", "paths", "files", "source", "destination",
))  # fmt: skip
_KEPT = frozenset(
    (
        "message_id", "model", "provider", "cwd", "source.raw_type", "semantic.call_id",
        "semantic.tool_kind", "tool_use_name", "subagent_id",
    )
)  # fmt: skip
_KEPT_DATA = frozenset(("path", "name", "is_error", "call_id", "exit_code"))
_ANNOUNCED = ("Attached: ", "Changed outside of the session: ")
_SEARCHES = ("grep", "rg", "ag", "ack", "search")


class Call(msgspec.Struct, frozen=True, array_like=True):
    """An excluded call: its seq, the id its result names, and the pattern."""

    seq: int
    call_id: str
    pattern: str


class Calls(msgspec.Struct, array_like=True):
    """The excluded calls of a session. Those up to seq `lost` fell out."""

    calls: list[Call] = []
    lost: int = 0


Left = dict[str, Calls]
"""What is remembered of a source between reads, by session id."""


def without_files(delta: SessionDelta, globs: FileGlobs, left: Left) -> SessionDelta:
    """The delta without the content of matching files; `left` is brought up to date."""
    known = left.pop(delta.info.id, None) or Calls()
    if any(call.seq > delta.keep for call in known.calls):
        known.calls = [call for call in known.calls if call.seq <= delta.keep]
    if delta.keep == 0:
        known.lost = 0
    known.lost = min(known.lost, delta.keep)
    events = [
        _event(event, seq, globs, known)
        for seq, event in enumerate(delta.events, start=delta.keep + 1)
    ]
    if known.calls or known.lost:
        left[delta.info.id] = known
        while len(left) > MOST_SESSIONS:
            del left[next(iter(left))]
    if all(one is other for one, other in zip(events, delta.events, strict=True)):
        return delta
    return msgspec.structs.replace(delta, events=events)


def _event(event: Event, seq: int, globs: FileGlobs, known: Calls) -> Event:
    if event.type == "ToolResult":
        pattern = _of_result(event, known)
        if pattern:
            return _emptied(event, pattern)
        return _searched(event, globs)
    if event.type in _FILE_EVENTS or event.type in _CALLS:
        pattern, written = _of_call(event, globs)
        if not pattern:
            return _plain(event, globs)
        call_id = event.attributes.get("semantic.call_id")
        known.calls.append(Call(seq, call_id if isinstance(call_id, str) else "", pattern))
        if len(known.calls) > MOST_CALLS:
            known.lost = known.calls.pop(0).seq
        return _emptied(event, pattern, hide_command=written)
    return _plain(event, globs)


def _of_call(event: Event, globs: FileGlobs) -> tuple[str, bool]:
    """The pattern of the file that a call touches, and whether its command may hold its content."""
    data = event.data or {}
    path = data.get("path")
    if isinstance(path, str) and (found := globs.match(path)):
        return found, False
    command = data.get("command")
    if isinstance(command, str):
        written = globs.match_written(command)
        return written or globs.match_command(command), bool(written)
    for name, value in _named(event):
        if name in ("command", "cmd", "script"):
            if found := globs.match_command(value):
                return found, False
        elif found := globs.match(value):
            return found, False
    return "", False


def _named(event: Event) -> Iterator[tuple[str, str]]:
    """The paths and commands among a call's arguments, by the names that tools give them."""
    stack: list[tuple[str, Any]] = [
        ("", block.get("data")) for block in event.blocks if block.get("type") == "Json"
    ]
    stack.append(("", event.data))
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict):
            stack += [(str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            stack += [(name, inner) for inner in value]
        elif isinstance(value, str):
            lowered = name.lower()
            if lowered in _PATH_NAMES or lowered in ("command", "cmd", "script"):
                yield lowered, value


def _of_result(event: Event, known: Calls) -> str:
    """The pattern of the excluded call that a result is of; `*` of one that fell out."""
    seq = event.attributes.get("result.call_seq")
    if not isinstance(seq, int):
        seq = 0
    call_id = event.attributes.get("semantic.call_id") or (event.data or {}).get("call_id")
    for call in reversed(known.calls):
        if (seq and call.seq == seq) or (call_id and call.call_id == call_id):
            return call.pattern
    return "*" if 0 < seq <= known.lost else ""


def _emptied(event: Event, pattern: str, *, hide_command: bool = False) -> Event:
    """The event with what holds content replaced; numbers and what names the call stay."""
    said = placeholder(pattern)
    data = event.data
    if data is not None:
        data = {
            name: value
            for name, value in data.items()
            if name in _KEPT_DATA or (name == "command" and not hide_command)
        }
        if hide_command and event.type == "ShellCommand":
            data = {"command": said, **data}
    attributes = {
        name: value
        for name, value in event.attributes.items()
        if name in _KEPT or not isinstance(value, (str, list, dict))
    }
    return msgspec.structs.replace(event, data=data, blocks=[text(said)], attributes=attributes)


def _plain(event: Event, globs: FileGlobs) -> Event:
    """An event that is no call: files that are attached to it, by their names."""
    has_file = any(block.get("type") == "File" for block in event.blocks)
    if event.type != "SystemMessage" and not has_file:
        return event
    changed = [_block(block, globs) for block in event.blocks]
    if event.type == "SystemMessage" and len(changed) > 1:
        said = str(changed[0].get("text", "")) if changed[0].get("type") == "Text" else ""
        for words in _ANNOUNCED:
            if said.startswith(words) and (found := globs.match(said[len(words) :].strip())):
                changed = [changed[0], text(placeholder(found))]
    if all(one is other for one, other in zip(changed, event.blocks, strict=False)):
        return event
    return msgspec.structs.replace(event, blocks=changed)


def _block(block: Block, globs: FileGlobs) -> Block:
    path = block.get("path")
    if block.get("type") == "File" and isinstance(path, str) and "content" in block:
        found = globs.match(path)
        return {**block, "content": placeholder(found)} if found else block
    return block


def _searched(event: Event, globs: FileGlobs) -> Event:
    """A result with the lines that a search found in matching files left out."""
    name = str((event.data or {}).get("name", "")).lower()
    kind = event.attributes.get("semantic.tool_kind")
    if kind not in ("search", "shell") and not any(word in name for word in _SEARCHES):
        return _plain(event, globs)
    blocks: list[Block] = []
    for block in event.blocks:
        field = {"Text": "text", "Code": "code"}.get(str(block.get("type")), "")
        value = block.get(field) if field else None
        if isinstance(value, str):
            clean, found = globs.without_lines(value)
            if found:
                block = {**block, field: clean}
        blocks.append(_block(block, globs))
    if all(one is other for one, other in zip(blocks, event.blocks, strict=True)):
        return event
    return msgspec.structs.replace(event, blocks=blocks)
