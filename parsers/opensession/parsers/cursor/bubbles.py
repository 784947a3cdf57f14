"""Bubbles, the messages of the editor's conversations, as events.

    {"_v": 3, "type": 2, "bubbleId": "…", "text": "", "capabilityType": 15,
     "toolFormerData": {"name": "read_file_v2", "toolCallId": "…", "status": "completed",
                        "rawArgs": "{…}", "params": "{…}", "result": "{…}"},
     "createdAt": "2026-07-17T09:00:09.000Z", "tokenCount": {"inputTokens": 0, "outputTokens": 0}}

Type 1 is the person, type 2 the model. The chat of 2023 and 2024 has `user` and `ai`, and `id`.
"""

from __future__ import annotations

import mimetypes
from typing import Any

from opensession.core.hail import Attributes, Block, code, json_block, text
from opensession.parsers.cursor import tools
from opensession.parsers.cursor.values import (
    decoded,
    folder_of,
    items,
    mapping,
    number,
    time_us,
    words,
)
from opensession.parsers.languages import language_of
from opensession.parsers.timeline import ID_CHARACTERS, PATH_CHARACTERS, Timeline

NO_MODEL = frozenset(("", "default", "auto", "unknown"))
"""What stands for "whichever the service chooses"."""

_DONE = frozenset(("completed", "error", "cancelled", "failed", "aborted", "rejected"))
_FAILED = frozenset(("error", "cancelled", "failed", "aborted", "rejected"))
_MODE_OF_NUMBER = {1: "ask", 2: "agent", 5: "plan"}
_SELECTIONS = 32
_DIFF_ROW_BYTES = 64 << 10


def is_settled(bubble: dict[str, Any], tool: Any = None) -> bool:
    """Reports whether a bubble waits for nothing: its tool, if it has one, has come to an end."""
    data = mapping(bubble.get("toolFormerData")) or mapping(tool)
    return not data or data.get("status") in _DONE


def tell(
    line: Timeline,
    bubble: dict[str, Any],
    content: bytes,
    *,
    tool: Any = None,
    rows: dict[str, Any] | None = None,
) -> None:
    """Adds what a bubble says to a session.

    `tool` is its tool data where that is kept apart; `rows` are the rows of the database that it
    refers to (`diffs`, `before`, `after`).
    """
    kind = bubble.get("type")
    data = mapping(bubble.get("toolFormerData")) or mapping(tool)
    raw_type = f"bubble/{kind}" if isinstance(kind, (int, str)) else "bubble"
    line.at(_time(bubble), f"{raw_type}/tool" if data else raw_type, content)
    _places(line, bubble)
    native = words(bubble.get("bubbleId")) or words(bubble.get("id"))
    if kind in (1, "user"):
        _prompt(line, bubble, native)
    elif kind in (2, "ai"):
        _answer(line, bubble, native, data, rows or {})
    else:
        line.unknown(raw_type, bubble, native or None)


def _time(bubble: dict[str, Any]) -> int | None:
    timing = mapping(bubble.get("timingInfo"))
    for value in (
        bubble.get("createdAt"),
        bubble.get("startedAtMs"),
        timing.get("clientStartTime"),
        timing.get("clientRpcSendTime"),
    ):
        found = time_us(value)
        if found is not None:
            return found
    return None


def _end(bubble: dict[str, Any]) -> int | None:
    timing = mapping(bubble.get("timingInfo"))
    ended = time_us(bubble.get("endedAtMs"))
    return ended if ended is not None else time_us(timing.get("clientEndTime"))


def _places(line: Timeline, bubble: dict[str, Any]) -> None:
    """The folder a bubble was written in, where the conversation does not say it."""
    found = items(bubble.get("workspaceUris"))
    folder, _ = folder_of(found[0]) if found else ("", "")
    if not folder:
        folder, _ = folder_of(bubble.get("workspaceProjectDir"))
        if "/.cursor/projects/" in folder.replace("\\", "/"):
            folder = ""  # where Cursor keeps its own notes of the project
    if folder and len(folder) <= PATH_CHARACTERS:
        line.state.cwd = line.state.cwd or folder
        line.state.last_cwd = folder


def _common(bubble: dict[str, Any], native: str) -> Attributes:
    out: Attributes = {}
    if native:
        out["message_id"] = native[:ID_CHARACTERS]
    request = words(bubble.get("requestId"))
    if request:
        out["request_id"] = request[:ID_CHARACTERS]
    mode = bubble.get("unifiedMode")
    named = _MODE_OF_NUMBER.get(mode) if isinstance(mode, int) else words(mode)
    if named:
        out["mode"] = named[:ID_CHARACTERS]
    return out


def _prompt(line: Timeline, bubble: dict[str, Any], native: str) -> None:
    said = words(bubble.get("text"))
    context = mapping(bubble.get("context")) or bubble
    blocks: list[Block] = [text(said)] if said.strip() else []
    pictures = items(bubble.get("images")) or items(context.get("selectedImages"))
    attached = [image for image in map(_image, pictures[:_SELECTIONS]) if image]
    if not blocks and not attached:
        line.skip("empty prompt")  # the box that a person has not written in yet
        return
    line.prompt(
        native,
        [*blocks, *attached, *_selected(context)],
        attributes=_common(bubble, native),
    )


def _image(value: Any) -> Block | None:
    """An image of a prompt: where it lies. Bytes in a record stay in the archive."""
    if not isinstance(value, dict):
        return None
    path = words(value.get("path")) or folder_of(value.get("uri"))[0]
    if not path and "data" not in value and "uuid" not in value:
        return None
    path = path if len(path) <= PATH_CHARACTERS else ""
    mime = words(value.get("mimeType")) or mimetypes.guess_type(path)[0] or ""
    return {"type": "Image", "url": path, "mime": mime}


def _selected(context: dict[str, Any]) -> list[Block]:
    """Code and files that a person put beside the prompt; what Cursor added itself is left out."""
    blocks: list[Block] = []
    for value in items(context.get("selections"))[:_SELECTIONS]:
        part = mapping(value)
        words_of = words(part.get("rawText")) or words(part.get("text"))
        path, _ = folder_of(part.get("uri"))
        start = number(mapping(part.get("range")).get("selectionStartLineNumber"))
        if words_of:
            blocks.append(code(words_of, language_of(path) if path else "", start or None))
    for value in items(context.get("fileSelections"))[:_SELECTIONS]:
        part = mapping(value)
        path, _ = folder_of(part.get("uri"))
        if path and not part.get("isCurrentFile"):
            blocks.append({"type": "File", "path": path})
    return blocks


def _answer(
    line: Timeline,
    bubble: dict[str, Any],
    native: str,
    data: dict[str, Any],
    rows: dict[str, Any],
) -> None:
    model = words(mapping(bubble.get("modelInfo")).get("modelName")) or words(
        bubble.get("modelType")
    )
    common = _common(bubble, native)
    if model not in NO_MODEL:
        common["model"] = model[:ID_CHARACTERS]
        line.state.model = model[:ID_CHARACTERS]
    counts = mapping(bubble.get("tokenCount"))
    tokens_in, tokens_out = number(counts.get("inputTokens")), number(counts.get("outputTokens"))
    if tokens_in or tokens_out:
        common["input_tokens"], common["output_tokens"] = tokens_in, tokens_out
    before = line.state.count
    thought = words(mapping(bubble.get("thinking")).get("text"))
    if thought.strip():
        spent = number(bubble.get("thinkingDurationMs")) or None
        line.emit(
            "Thinking", native, blocks=[text(thought)], attributes={**common}, duration_ms=spent
        )
    said = words(bubble.get("text"))
    if said.strip():
        line.emit(
            "AgentMessage",
            native,
            blocks=[text(said)],
            attributes={**common},
            duration_ms=_duration(bubble),
            n=line.state.count - before,
        )
    if data:
        _tool(line, bubble, native, data, rows, common, line.state.count - before)
    _notices(line, bubble, native, line.state.count - before)
    if line.state.count == before:
        line.skip("empty bubble")
    elif tokens_in or tokens_out:
        line.usage(native, model=words(common.get("model")), input=tokens_in, output=tokens_out)


def _duration(bubble: dict[str, Any]) -> int | None:
    timing = mapping(bubble.get("timingInfo"))
    start, end = time_us(timing.get("clientStartTime")), time_us(timing.get("clientEndTime"))
    return (end - start) // 1000 if start is not None and end is not None and end > start else None


def _notices(line: Timeline, bubble: dict[str, Any], native: str, n: int) -> None:
    """A summary that replaced the conversation for the model, or an error that ended the turn."""
    summary = words(mapping(bubble.get("conversationSummary")).get("summary"))
    if summary:
        line.emit("Custom", native, data={"kind": "context_compacted"}, blocks=[text(summary)], n=n)
        n += 1
    failure = tools.error_text(bubble.get("errorDetails"))
    if failure:
        line.emit("Custom", native, data={"kind": "turn_aborted"}, blocks=[text(failure)], n=n)


def _tool(
    line: Timeline,
    bubble: dict[str, Any],
    native: str,
    data: dict[str, Any],
    rows: dict[str, Any],
    common: Attributes,
    n: int,
) -> None:
    """A call of a tool and, once it came to an end, its result."""
    name = tools.tool_name(data)
    call_id = words(data.get("toolCallId")) or native
    called = tools.called(name, data.get("rawArgs"), data.get("params"))
    attributes = {**common}
    group = words(data.get("modelCallId"))
    if group:
        attributes["model_call_id"] = group[:ID_CHARACTERS]
    line.call(native, call_id, called, attributes=attributes, n=n)
    status = words(data.get("status"))
    decision = words(data.get("userDecision"))
    outcome = decoded(data.get("result"))
    if outcome is None:
        outcome = words(data.get("result")) or None
    failure = tools.error_text(data.get("error")) or tools.error_text(mapping(outcome).get("error"))
    rejected = decision == "rejected" or mapping(outcome).get("rejected") is True
    if outcome is None and not failure and not rejected and status not in _DONE:
        return
    exit_code = tools.exit_code(outcome) if called.kind == "shell" else None
    path = words(called.data.get("path"))
    found: Attributes = {}
    if rejected:
        found["user_decision"] = "rejected"
    if status in ("cancelled", "aborted"):
        found["interrupted"] = True
    diff = (
        tools.diff_of_result(path, outcome)
        or tools.diff_of_texts(path, rows.get("before"), rows.get("after"))
        or _diff_of_rows(path, rows)
    )
    blocks = tools.shown(outcome)
    if failure:
        blocks = [text(failure), *blocks]
    if not diff and called.kind == "file_write":
        blocks += [json_block(row) for row in _odd_rows(rows)]
    ended = _end(bubble)
    if ended is not None and ended >= line.state.time_us:
        line.at(ended, "bubble/2/tool")
    child = words(mapping(data.get("additionalData")).get("subagentComposerId")) or words(
        mapping(data.get("additionalData")).get("composerId")
    )
    line.result(
        f"{native}:result" if native else None,
        call_id,
        blocks,
        name=name,
        is_error=rejected or bool(failure) or bool(exit_code) or status in _FAILED,
        exit_code=exit_code,
        diff=diff,
        duration_ms=_tool_duration(bubble),
        subagent_id=child,
        attributes=found,
    )


def _tool_duration(bubble: dict[str, Any]) -> int | None:
    start, end = time_us(bubble.get("startedAtMs")), time_us(bubble.get("endedAtMs"))
    if start is not None and end is not None and end >= start:
        return (end - start) // 1000
    return _duration(bubble)


def _diff_of_rows(path: str, rows: dict[str, Any]) -> str:
    for row in items(rows.get("diffs")):
        found = tools.diff_of_row(path, row)
        if found:
            return found
    return ""


def _odd_rows(rows: dict[str, Any]) -> list[Any]:
    """Rows of edits that are no exact diff, to be shown as they are; only small ones."""
    return [row for row in items(rows.get("diffs")) if row and len(str(row)) < _DIFF_ROW_BYTES]
