"""Messages of Cursor's command line, as events.

    {"role": "assistant", "content": [
      {"type": "reasoning", "text": "Plan"},
      {"type": "tool-call", "toolCallId": "call_01", "toolName": "Shell", "args": {"command": "ls"}}
     ], "createdAt": 1784278805000, "providerOptions": {"cursor": {"modelName": "composer-2.5"}}}

Transcripts have the same messages with `tool_use` blocks, without ids, times and results.
"""

from __future__ import annotations

import re
from typing import Any

from opensession.core.hail import Attributes, Block, text
from opensession.core.timeparse import parse_time
from opensession.parsers.cursor import tools
from opensession.parsers.cursor.bubbles import NO_MODEL
from opensession.parsers.cursor.values import decoded, items, mapping, time_us, words
from opensession.parsers.timeline import ID_CHARACTERS, PATH_CHARACTERS, Timeline

_QUERY = re.compile(r"<user_query>\n?(.*?)\n?</user_query>", re.DOTALL)
_STAMP = re.compile(r"\A\s*<timestamp>([^<]{1,64})</timestamp>\s*")
_SPOKEN_TIME = re.compile(
    r"(?:\w+, )?(\w{3})\w* (\d{1,2}), (\d{4}),? (\d{1,2}):(\d\d)(?::(\d\d))? ?([AP]M)? "
    r"\((?:UTC|GMT)(?:([+-])(\d{1,2})(?::?(\d\d))?)?\)"
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_WORKSPACE = re.compile(r"^Workspace Path: *(.+)$", re.MULTILINE)
_INJECTED = re.compile(r"\A\s*<([a-z][a-z_-]{2,40})>")
_SYSTEM_CHARACTERS = 4096


def tell(line: Timeline, message: dict[str, Any], content: bytes, native: str = "") -> None:
    """Adds what a message says to a session."""
    role = words(message.get("role"))
    inner = mapping(message.get("message")) or message
    value = inner.get("content")
    blocks = [{"type": "text", "text": value}] if isinstance(value, str) else items(value)
    stamp = time_us(message.get("createdAt"))
    own = mapping(mapping(message.get("providerOptions")).get("cursor"))
    if stamp is None and role == "user":
        stamp = _spoken(blocks)
    line.at(stamp, f"message/{role}"[:ID_CHARACTERS], content)
    if role == "user":
        _prompt(line, blocks, native, own)
    elif role == "assistant":
        _answer(line, blocks, native, own)
    elif role == "tool":
        _results(line, blocks, native)
    elif role == "system":
        _system(line, blocks, native)
    else:
        line.unknown(f"message/{role}", message, native or None)


def _texts(blocks: list[Any]) -> str:
    return "\n".join(
        words(mapping(block).get("text")) for block in blocks if words(mapping(block).get("text"))
    )


def _spoken(blocks: list[Any]) -> int | None:
    """The time that newer prompts begin with: `Friday, Jul 17, 2026, 9:00 AM (UTC+2)`."""
    stamp = _STAMP.match(_texts(blocks[:1]))
    found = _SPOKEN_TIME.fullmatch(stamp[1].strip()) if stamp is not None else None
    if found is None or found[1] not in _MONTHS:
        return None
    hour = int(found[4])
    if found[7]:
        hour = hour % 12 + (12 if found[7] == "PM" else 0)
    zone = f"{found[8]}{int(found[9]):02}:{found[10] or '00'}" if found[8] else "Z"
    month = _MONTHS.index(found[1]) + 1
    return parse_time(
        f"{found[3]}-{month:02}-{int(found[2]):02}T{hour:02}:{found[5]}:{found[6] or '00'}{zone}"
    )


def _prompt(line: Timeline, blocks: list[Any], native: str, own: dict[str, Any]) -> None:
    """What a person asked; what was put before it for the model is told apart."""
    said = _STAMP.sub("", _texts(blocks))
    pictures = [found for found in map(_image, blocks) if found]
    query = _QUERY.search(said)
    n = 0
    if query is not None:
        around = (said[: query.start()] + said[query.end() :]).strip()
        if around:
            n += _context(line, around, native, n)
        said = query[1]
    elif _INJECTED.match(said):
        _context(line, said, native, 0)
        return
    shown: list[Block] = [text(said)] if said.strip() else []
    if not shown and not pictures:
        line.skip("empty prompt")
        return
    line.prompt(native or None, [*shown, *pictures], attributes=_common(native, own), n=n)


def _context(line: Timeline, said: str, native: str, n: int) -> int:
    """What the program told the model of the machine and the rules; how many events it gave."""
    place = _WORKSPACE.search(said)
    if place is not None and len(place[1].strip()) <= PATH_CHARACTERS:
        line.state.cwd = line.state.cwd or place[1].strip()
    if len(said) > _SYSTEM_CHARACTERS:
        line.skip("context for the model")
        return 0
    line.emit("SystemMessage", native or None, blocks=[text(said)], n=n)
    return 1


def _system(line: Timeline, blocks: list[Any], native: str) -> None:
    said = _texts(blocks)
    if 0 < len(said) <= _SYSTEM_CHARACTERS:
        line.emit("SystemMessage", native or None, blocks=[text(said)])
    else:
        line.skip("system prompt")


def _common(native: str, own: dict[str, Any]) -> Attributes:
    out: Attributes = {"message_id": native[:ID_CHARACTERS]} if native else {}
    model = words(own.get("modelName"))
    if model not in NO_MODEL:
        out["model"] = model[:ID_CHARACTERS]
    request = words(own.get("requestId"))
    if request:
        out["request_id"] = request[:ID_CHARACTERS]
    return out


def _answer(line: Timeline, blocks: list[Any], native: str, own: dict[str, Any]) -> None:
    common = _common(native, own)
    if "model" in common:
        line.state.model = common["model"]
    before = line.state.count
    for value in blocks:
        block, n = mapping(value), line.state.count - before
        kind = words(block.get("type"))
        said = words(block.get("text"))
        if kind == "text":
            if said.strip():
                line.emit(
                    "AgentMessage", native or None, blocks=[text(said)], attributes={**common}, n=n
                )
        elif kind in ("reasoning", "thinking"):
            said = said or words(block.get("thinking"))
            if said.strip():
                line.emit(
                    "Thinking", native or None, blocks=[text(said)], attributes={**common}, n=n
                )
        elif kind in ("tool-call", "tool_use"):
            name = words(block.get("toolName")) or words(block.get("name"))
            call_id = words(block.get("toolCallId")) or words(block.get("id"))
            given = block.get("args", block.get("input"))
            called = tools.called(name, given)
            line.call(native or None, call_id, called, attributes={**common}, n=n)
        elif kind == "tool-result":
            _result(line, block, native, n)
        elif kind not in ("redacted-reasoning", "redacted_thinking"):
            line.unknown(f"block/{kind}", value, f"{native}:{n}" if native else None)
    if line.state.count == before:
        line.skip("empty message")


def _results(line: Timeline, blocks: list[Any], native: str) -> None:
    before = line.state.count
    for value in blocks:
        _result(line, mapping(value), native, line.state.count - before)


def _result(line: Timeline, block: dict[str, Any], native: str, n: int) -> None:
    call_id = words(block.get("toolCallId")) or words(block.get("tool_use_id"))
    outcome = block.get("result", block.get("content"))
    listed = [mapping(item) for item in items(outcome)]
    if listed and all(words(item.get("text")) for item in listed):
        outcome = "\n".join(words(item.get("text")) for item in listed)
    detail = mapping(
        mapping(mapping(block.get("providerOptions")).get("cursor")).get("highLevelToolCallResult")
    )
    exit_code = tools.exit_code(outcome)
    if exit_code is None:
        exit_code = tools.exit_code(mapping(mapping(detail.get("output")).get("success")))
    line.result(
        native or None,
        call_id,
        tools.shown(decoded(outcome) if isinstance(outcome, bytes) else outcome),
        name=words(block.get("toolName")),
        is_error=block.get("isError") is True or detail.get("isError") is True or bool(exit_code),
        exit_code=exit_code,
        n=n,
    )


def _image(value: Any) -> Block | None:
    """An image in a prompt; its bytes stay in the archive."""
    block = mapping(value)
    if words(block.get("type")) not in ("image", "file") or "text" in block:
        return None
    url = words(block.get("image")) or words(block.get("url"))
    url = url if url.startswith(("http://", "https://", "file://")) and len(url) <= 1024 else ""
    mime = words(block.get("mimeType")) or words(block.get("mediaType"))
    return {"type": "Image", "url": url, "mime": mime[:ID_CHARACTERS]}
