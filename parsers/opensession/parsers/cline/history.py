"""Messages of `api_conversation_history.json` as events; user messages are told by `answers.py`.

In three dialects: Anthropic's messages, with tool calls as tags in the text or as `tool_use`; and
the AI SDK's that Roo wrote for a while (`tool-call`, role `tool`).
"""

from __future__ import annotations

import re
from typing import Any

from opensession.core.hail import Attributes, text
from opensession.parsers.cline import tags
from opensession.parsers.cline.answers import SPEAKING, picture, tell_user
from opensession.parsers.cline.task_tools import action_of
from opensession.parsers.cline.telling import Telling, custom
from opensession.parsers.cline.values import obj, words
from opensession.parsers.timeline import OPEN_CALLS

_THINKING = re.compile(r"<thinking>(.*?)(?:</thinking>|\Z)", re.DOTALL)


def tell_message(telling: Telling, index: int, message: dict[str, Any], about: Attributes) -> None:
    """The events of a message; `about` is what is said of each event of a response."""
    role, content = words(message.get("role")), message.get("content")
    native = words(message.get("id")) or f"m{index}"
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if message.get("type") == "reasoning" and not role:
        said = "\n\n".join(
            words(obj(part).get("text")) for part in message.get("summary") or [] if obj(part)
        )
        if said.strip():
            telling.line.emit("Thinking", native, blocks=[text(said)], attributes={**about})
    elif role == "assistant" and isinstance(parts, list):
        _on_response(telling, native, message, parts, about)
    elif role in ("user", "tool") and isinstance(parts, list):
        tell_user(telling, native, parts)
    else:
        telling.line.unknown(f"role:{role[:64]}" if role else "message", message, native)


def thinks(message: dict[str, Any]) -> bool:
    """Reports whether a message holds what the model thought."""
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    said = content if isinstance(content, str) else ""
    return (
        bool(message.get("reasoning_content"))
        or "<thinking>" in said
        or any(
            obj(part).get("type") in ("thinking", "reasoning")
            or "<thinking>" in words(obj(part).get("text"))
            for part in parts
        )
    )


def _on_response(
    telling: Telling,
    native: str,
    message: dict[str, Any],
    parts: list[Any],
    about: Attributes,
) -> None:
    line, n = telling.line, 0
    called = any(obj(part).get("type") in ("tool_use", "tool-call") for part in parts)
    reasoned = words(message.get("reasoning_content"))
    if reasoned.strip():
        line.emit("Thinking", native, blocks=[text(reasoned)], attributes={**about})
        n = 1
    for part in parts:
        given = obj(part)
        kind = words(given.get("type"))
        if kind in ("thinking", "reasoning"):
            said = words(given.get("thinking")) or words(given.get("text"))
            if said.strip():
                line.emit("Thinking", native, blocks=[text(said)], attributes={**about}, n=n)
                n += 1
        elif kind == "text":
            said = words(given.get("text")).strip()
            n += _on_text(telling, native, said, about, n, tagged=not called)
        elif kind in ("tool_use", "tool-call"):
            call_id = words(given.get("id")) or words(given.get("toolCallId"))
            name = words(given.get("name")) or words(given.get("toolName"))
            n += _on_call(telling, native, call_id, name, given.get("input"), about, n)
        elif kind == "image":
            blocks = [picture(given)]
            line.emit("AgentMessage", native, blocks=blocks, attributes={**about}, n=n)
            n += 1
        elif kind not in ("redacted_thinking", "reasoning_details", "thoughtSignature"):
            line.unknown(f"block:{kind[:64]}", part, f"{native}:{n}:block")


def _on_text(
    telling: Telling, native: str, said: str, about: Attributes, n: int, *, tagged: bool
) -> int:
    """A text of the model, with what it thinks and calls by tags in it; how many events."""
    first = n
    if "<thinking>" in said:
        for found in _THINKING.finditer(said):
            if found[1].strip():
                blocks = [text(found[1].strip())]
                telling.line.emit("Thinking", native, blocks=blocks, attributes={**about}, n=n)
                n += 1
        said = _THINKING.sub("", said).strip()
    if not tagged or "<" not in said:
        return n - first + telling.say(native, said, about, n)
    for piece in tags.split(said):
        if isinstance(piece, str):
            n += telling.say(native, piece, about, n)
        else:
            call_id = f"{native}.{n}"
            n += _on_call(telling, native, call_id, piece.name, piece.arguments, about, n)
            telling.tagged.append((piece.name, call_id))
            del telling.tagged[:-OPEN_CALLS]
    return n - first


def _on_call(
    telling: Telling,
    native: str,
    call_id: str,
    name: str,
    arguments: Any,
    about: Attributes,
    n: int,
) -> int:
    """A call, or what the agent says by one; how many events."""
    spoken = SPEAKING.get(name)
    said = words(obj(arguments).get(spoken)) if spoken else ""
    if not said.strip():
        return telling.call(native, call_id, action_of(name, arguments), about, n)
    telling.speeches.add(call_id)
    return telling.say(native, said, {**about, "tool_use_name": name}, n)


def tell_summary(telling: Telling, index: int, message: dict[str, Any]) -> None:
    """A summary that stands for what was before it."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    said = "\n".join(words(obj(part).get("text")) for part in parts).strip()
    native = words(message.get("id")) or f"m{index}"
    custom(telling.line, "context_compacted", native, said)
