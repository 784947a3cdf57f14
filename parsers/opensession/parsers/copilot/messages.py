"""Prompts, answers, thoughts, calls and results."""

from __future__ import annotations

import zlib
from typing import Any

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.copilot import tools, usage
from opensession.parsers.copilot.book import Reading, remember
from opensession.parsers.copilot.fields import Object, obj, objects, string
from opensession.parsers.timeline import OPEN_CALLS, PATH_CHARACTERS

_TYPED = frozenset(("", "user"))
_NAME_CHARACTERS = 256


def on_user(reading: Reading, data: Object) -> None:
    """A record `user.message`: what a person typed, or what is told to the model in that place.

    `transformedContent` is the same with what Copilot adds to it, and is not read. A subagent's
    prompt is its task.
    """
    said = string(data, "content").strip()
    origin = string(data, "source", _NAME_CHARACTERS) or string(data, "inputOrigin", 256)
    if data.get("isAutopilotContinuation") is True:
        origin = origin or "autopilot"
    blocks = [text(said)] if said else []
    blocks += [block for item in objects(data, "attachments") if (block := _attached(item))]
    if not blocks:
        return
    attributes: Attributes = {}
    if origin not in _TYPED:
        attributes["origin"] = origin
    delivery = string(data, "delivery", _NAME_CHARACTERS)
    if delivery in ("queued", "steering"):
        attributes["delivery"] = delivery
    if origin in _TYPED or (reading.key and not reading.line.state.first_prompt):
        reading.line.prompt(reading.native, blocks, attributes=attributes)
    else:
        reading.line.emit("SystemMessage", reading.native, blocks=blocks, attributes=attributes)


def on_assistant(reading: Reading, data: Object) -> None:
    """A record `assistant.message`: thoughts, words, and calls of tools."""
    line = reading.line
    model = string(data, "model", _NAME_CHARACTERS)
    line.state.model = model or line.state.model
    message_id = string(data, "apiCallId") or string(data, "messageId") or reading.native
    shared: Attributes = {"message_id": message_id}
    if model:
        shared["model"] = model
    first: Attributes = dict(shared)
    counted = usage.on_message(reading, data, first)
    n = 0
    for kind, said in (
        ("Thinking", _thought(reading, string(data, "reasoningText"), alone=False)),
        ("AgentMessage", string(data, "content").strip()),
    ):
        if said:
            own = first if n == 0 else dict(shared)
            line.emit(kind, reading.native, blocks=[text(said)], attributes=own, n=n)
            n += 1
    for request in objects(data, "toolRequests"):
        own = first if n == 0 else dict(shared)
        said = string(request, "intentionSummary", 1024)
        if said and said != string(obj(request, "arguments"), "description"):
            own["intention"] = said
        action = tools.call_of(string(request, "name"), request)
        call_id = string(request, "toolCallId")
        line.call(reading.native, call_id, action, attributes=own, n=n)
        reading.bound_diffs(call_id)
        n += 1 + len(action.more)
    if counted:
        if n == 0:
            line.emit("Custom", reading.native, data={"kind": "token_count"}, attributes=first)
        line.usage(message_id, model=model, output=first["output_tokens"])


def on_reasoning(reading: Reading, data: Object) -> None:
    """A record `assistant.reasoning`, which the message after it may repeat."""
    said = _thought(reading, string(data, "content"), alone=True)
    if said:
        reading.line.emit("Thinking", reading.native, blocks=[text(said)])


def on_call(reading: Reading, data: Object) -> None:
    """A record `tool.execution_start`: a call only where no message told it before."""
    line, call_id = reading.line, string(data, "toolCallId")
    if not call_id:
        reading.line.skip("without a call")
        return
    remember(reading.book.started, call_id, line.state.time_us, OPEN_CALLS)
    if call_id in line.state.open:
        return
    attributes: Attributes = {}
    if model := string(data, "model", _NAME_CHARACTERS):
        attributes["model"] = model
    action = tools.call_of(string(data, "toolName"), data)
    line.call(reading.native, call_id, action, attributes=attributes)
    reading.bound_diffs(call_id)


def on_user_call(reading: Reading, data: Object) -> None:
    """A record `tool.user_requested`: a call that the person asked for."""
    line, call_id = reading.line, string(data, "toolCallId")
    if call_id and call_id not in line.state.open:
        action = tools.call_of(string(data, "toolName"), data)
        line.call(reading.native, call_id, action, attributes={"user_requested": True})


def on_result(reading: Reading, data: Object) -> None:
    """A record `tool.execution_complete`."""
    line, call_id = reading.line, string(data, "toolCallId")
    call = line.state.open.get(call_id)
    blocks = tools.output_of(data)
    started = reading.book.started.pop(call_id, None)
    duration = None if started is None else (line.state.time_us - started) // 1000
    code = None
    if call is None or call.kind == "shell":
        said = blocks[0].get("text", "") if blocks else ""
        code = tools.exit_code(data, said)
    diff = ""
    if call is not None and call.kind == "file_write" and len(call.parts) == 1:
        diff = tools.diff_of(data, call.path)
    attributes: Attributes = {}
    error = string(obj(data, "error"), "code", _NAME_CHARACTERS)
    if error:
        attributes["error_code"] = error
    edited = [string(item, "path", PATH_CHARACTERS) for item in objects(data, "fileEdits")]
    if (call is None or call.kind != "file_write") and any(edited):
        attributes["file_edits"] = [path for path in edited if path][:64]
    line.result(
        reading.native,
        call_id,
        blocks,
        is_error=data.get("success") is False or bool(code),
        exit_code=code,
        diff=diff,
        duration_ms=duration,
        subagent_id=reading.child_of(call_id),
        attributes=attributes,
    )


def _thought(reading: Reading, said: str, *, alone: bool) -> str:
    """A thought, unless a record of the other kind told it just before.

    `alone` is that of a record `assistant.reasoning`, else it came with a message.
    """
    said, book = said.strip(), reading.book
    if not said:
        return ""
    mark = zlib.crc32(f"{reading.key}\0{said}".encode("utf-8", "replace")) * 2
    if book.thought == mark + (not alone):
        book.thought = 0
        return ""
    book.thought = mark + alone
    return said


def _attached(item: Object) -> Block | None:
    """An attachment of a prompt, as a block."""
    kind = item.get("type")
    if kind in ("file", "directory") and (path := string(item, "path", PATH_CHARACTERS)):
        if string(item, "mimeType").startswith("image/"):
            return tools.image(item)
        return {"type": "File", "path": path}
    if kind == "selection" and (path := string(item, "filePath", PATH_CHARACTERS)):
        block: dict[str, Any] = {"type": "File", "path": path}
        if said := string(item, "text"):
            block["content"] = said
        return block
    if kind == "blob":
        return tools.image(item)
    if url := string(item, "url", PATH_CHARACTERS):
        return {"type": "Reference", "uri": url, "media_type": "text/html"}
    title = string(item, "title", 1024)
    return text(title) if title else None
