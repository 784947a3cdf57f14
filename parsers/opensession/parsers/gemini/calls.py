"""Calls of tools and what they gave.

An answer comes with its call, once it has ended, and once more in a `user` message.
"""

from __future__ import annotations

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.actions import Given, action, string
from opensession.parsers.gemini.reading import Reading, digest
from opensession.parsers.gemini.tools import TOOLS
from opensession.parsers.gemini_parts import (
    Part,
    answer_of,
    block_of,
    diff_of,
    exit_code_in,
    parts_of,
    was_refused,
)
from opensession.parsers.times import parse_stamp

_FINAL = frozenset(("success", "error", "cancelled"))


def tell_calls(
    reading: Reading,
    message: Given,
    parts: list[Part],
    native: str,
    attributes: Attributes,
    raw: bytes,
) -> None:
    """The calls of a response, then what those gave that have ended."""
    listed = message.get("toolCalls")
    calls = [call for call in listed if isinstance(call, dict)] if isinstance(listed, list) else []
    inner = [part["functionCall"] for part in parts if isinstance(part.get("functionCall"), dict)]
    named = [_named(call, native, n) for n, call in enumerate([*calls, *inner])]
    for call, call_id in zip([*calls, *inner], named, strict=True):
        if digest(call_id) in reading.memory.calls:
            continue
        reading.met_call(call_id, answered=False)
        what = action(string(call, "name"), call.get("args"), TOOLS)
        reading.line.call(call_id, call_id, what, attributes=attributes)
    for call, call_id in zip(calls, named, strict=False):
        if reading.memory.calls.get(digest(call_id)) or not _has_ended(call):
            continue
        time_us = parse_stamp(string(call, "timestamp") or string(message, "timestamp"))
        reading.line.at(time_us, string(message, "type"), raw)
        _answer(reading, call, call_id, parts_of(call.get("result")))


def _named(call: Given, native: str, n: int) -> str:
    return string(call, "id") or f"{native}-call-{n + 1}"


def _has_ended(call: Given) -> bool:
    return bool(call.get("result")) or string(call, "status") in _FINAL


def _answer(reading: Reading, call: Given, call_id: str, parts: list[Part]) -> None:
    """What a call gave. `call` is its record, or all that is known of it."""
    responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
    responses = [response for response in responses if isinstance(response, dict)]
    own = [response for response in responses if string(response, "id") == call_id]
    answer = answer_of((own or responses or [{}])[0])
    blocks = answer.blocks
    if len(responses) < 2:
        rest = [part for part in parts if "functionResponse" not in part]
        blocks = blocks + [block for part in rest if (block := _shown(part)) is not None]
    shown, status = call.get("resultDisplay"), string(call, "status")
    if not blocks and isinstance(shown, str) and shown.strip():
        blocks = [text(shown)]
    opened = reading.state.open.get(call_id)
    kind, path = (opened.kind, opened.path) if opened is not None else ("", "")
    attributes: Attributes = {}
    if status == "cancelled":
        attributes["status"] = status
    failed = answer.failed or status in ("error", "cancelled")
    if failed and was_refused(answer.words):
        attributes["user_decision"] = "rejected"
    reading.met_call(call_id, answered=True)
    reading.line.result(
        None,
        call_id,
        blocks,
        name=string(call, "name"),
        is_error=failed,
        exit_code=exit_code_in(answer.words) if kind == "shell" else None,
        diff="" if failed else diff_of(shown, path),
        subagent_id=string(call, "agentId"),
        attributes=attributes,
    )


def tell_late_answer(reading: Reading, response: Given) -> None:
    """An answer in a `user` message: told only where it was not told with its call."""
    name = string(response, "name")
    opened = reading.state.open
    call_id = string(response, "id")
    if not call_id:
        call_id = next((each for each, call in opened.items() if call.name == name), "")
    memory = reading.memory
    is_new = digest(call_id) not in memory.calls and not memory.forgot_calls
    if call_id in opened or is_new:
        _answer(reading, {"name": name}, call_id, [{"functionResponse": response}])


def _shown(part: Part) -> Block | None:
    words = string(part, "text")
    return text(words) if words.strip() else None if words else block_of(part)
