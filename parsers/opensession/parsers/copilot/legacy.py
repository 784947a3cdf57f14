"""Sessions of Copilot CLI's first versions (2025): one file a session, written whole.

~/.copilot/history-session-state/session_<uuid>_<milliseconds>.json
    {"sessionId", "startTime", "selectedModel"?, "chatMessages": […], "timeline": […]}

`timeline` has what was shown to the person, with times and what was typed; `chatMessages` is the
history as the model saw it, without times, and is read only where there is no timeline. A later
version moved such sessions into its own files, so this one gives way to those. After what other
readers of the format say; no file of it was at hand.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.claude_code.prompts import without_tags
from opensession.parsers.copilot import tools
from opensession.parsers.copilot.fields import Object, obj, objects, string
from opensession.parsers.decoding import decode_any
from opensession.parsers.timeline import Timeline
from opensession.parsers.times import parse_stamp

_ADDED = ("current_datetime", "reminder", "system_reminder", "tagged_files", "environment_context")
_SUCCESS = frozenset(("success", ""))
_NAME_CHARACTERS = 256


def tell(line: Timeline, session: Object) -> None:
    """Adds the events of a whole session in the old form."""
    state = line.state
    state.model = string(session, "selectedModel", _NAME_CHARACTERS) or state.model
    start = parse_stamp(string(session, "startTime", 64))
    if start is not None and not state.time_us:
        state.time_us = start
    entries = objects(session, "timeline")
    if entries:
        for entry in entries:
            _entry(line, entry)
        return
    for message in objects(session, "chatMessages"):
        _message(line, message)


def _entry(line: Timeline, entry: Object) -> None:
    """One entry of the timeline; a call's entry is written again as completed."""
    kind, native = string(entry, "type", _NAME_CHARACTERS), string(entry, "id")
    stamp = parse_stamp(string(entry, "timestamp", 64))
    line.at(stamp, f"timeline/{kind}", msgspec.json.encode(entry))
    said = string(entry, "text").strip()
    if kind == "user":
        blocks = [text(said)] if said else []
        blocks += [tools.image(item) for item in objects(entry, "imageAttachments")]
        if blocks:
            line.prompt(native, blocks)
    elif kind in ("tool_call_requested", "tool_call_completed"):
        _call(line, entry, native, kind == "tool_call_completed")
    elif kind in _TYPES:
        if said:
            attributes: Attributes = {"error": True} if kind == "error" else {}
            line.emit(_TYPES[kind], native, blocks=[text(said)], attributes=attributes)
    else:
        line.unknown(f"timeline/{kind}", entry, native)


def _call(line: Timeline, entry: Object, native: str, completed: bool) -> None:
    call_id = string(entry, "callId", _NAME_CHARACTERS)
    name = string(entry, "name") or string(entry, "toolTitle")
    n = 0
    if call_id not in line.state.open:
        action = tools.call_of(name, entry)
        line.call(native, call_id, action)
        n = 1 + len(action.more)
    if not completed:
        return
    result = obj(entry, "result")
    said = string(result, "log")
    kind = line.state.open[call_id].kind if call_id in line.state.open else ""
    code = tools.exit_code({}, said) if kind == "shell" else None
    line.result(
        native,
        call_id,
        [text(said)] if said else [],
        name=name,
        is_error=string(result, "type") not in _SUCCESS or bool(code),
        exit_code=code,
        n=n,
    )


def _message(line: Timeline, message: Object) -> None:
    """One message of the history, in the form of the chat completions API."""
    role = string(message, "role", _NAME_CHARACTERS)
    line.at(None, f"chatMessages/{role}", msgspec.json.encode(message))
    blocks = _blocks(message.get("content"))
    if role == "tool":
        line.result(None, string(message, "tool_call_id"), blocks, name=string(message, "name"))
    elif role == "user":
        typed = [block for block in map(_typed, blocks) if block]
        if typed:
            line.prompt(None, typed)
    elif role == "assistant":
        if thought := string(message, "reasoning_text").strip():
            line.emit("Thinking", None, blocks=[text(thought)])
        if blocks:
            line.emit("AgentMessage", None, blocks=blocks)
        for n, call in enumerate(objects(message, "tool_calls")):
            function = obj(call, "function")
            given: Object = {"arguments": _arguments(function.get("arguments"))}
            action = tools.call_of(string(function, "name"), given)
            line.call(None, string(call, "id"), action, n=n)
    elif role not in ("system", "developer"):
        line.unknown(f"chatMessages/{role}", message)


def _blocks(content: Any) -> list[Block]:
    if isinstance(content, str):
        return [text(content.strip())] if content.strip() else []
    found: list[Block] = []
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and (said := string(part, "text").strip()):
            found.append(text(said))
        elif isinstance(part, dict) and "image_url" in part:
            found.append({"type": "Image", "url": "", "mime": ""})
    return found


def _typed(block: Block) -> Block | None:
    """A block of a prompt without what Copilot added to it."""
    if "text" not in block:
        return block
    said = without_tags(block["text"], _ADDED)
    return text(said) if said else None


def _arguments(value: Any) -> Any:
    """Arguments, which are JSON in a string."""
    if isinstance(value, str):
        try:
            return decode_any(value)
        except ValueError:
            return value
    return value


_TYPES = {
    "copilot": "AgentMessage",
    "reasoning": "Thinking",
    "info": "SystemMessage",
    "warning": "SystemMessage",
    "error": "SystemMessage",
}
