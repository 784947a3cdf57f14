"""Transcripts that Cursor writes beside its databases: no times but in prompts, no results.

~/.cursor/projects/<slug>/agent-transcripts/<id>/<id>.jsonl
    {"role": "user", "message": {"content": [{"type": "text", "text": "…"}]}}
    {"type": "turn_ended", "status": "success"}
~/.cursor/projects/<slug>/agent-transcripts/<id>.txt        (older)
    user:
    <user_query>
    …
    assistant:
    [Thinking] …
    [Tool call] Shell
      command: ls
    [Tool result] Shell
      README.md
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from opensession.core.hail import text
from opensession.parsers.agent import Source
from opensession.parsers.cursor import messages
from opensession.parsers.cursor.sources import kind_of, parent_of, session_of
from opensession.parsers.cursor.tools import called
from opensession.parsers.cursor.values import decoded, mapping, words
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.timeline import State, Timeline, dump, load

NAME = "cursor"

_PART_CHARACTERS = 256 << 10
"""A part of a text transcript ends here at the latest: so much of it is remembered."""

_MARK = re.compile(r"\[(Thinking|Tool call|Tool result)\] ?(.*)\Z", re.DOTALL)
_ARGUMENT = re.compile(r"  ([A-Za-z_]\w{0,63}): (.*)\Z", re.DOTALL)


class _Text(msgspec.Struct, array_like=True):
    """Between two calls of the text feed: who speaks, and the part that may go on.

    `before` is what was known before that part, which is told again with what comes.
    """

    before: bytes = b""
    role: str = ""
    kind: str = ""
    lines: list[str] = []
    size: int = 0
    call: int = 0


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `jsonl.read_lines` for transcripts, of both kinds."""
    if kind_of(source.path) == "text":
        return _feed_text(source, state, lines)
    line = _timeline(source, state)
    for entry in lines:
        value = None if entry.oversized else mapping(decoded(entry.data))
        if not value:
            line.skip("oversized" if entry.oversized else "malformed")
        elif "role" in value:
            messages.tell(line, value, entry.data)
        elif value.get("type") == "turn_ended":
            _turn_ended(line, value, entry.data)
        else:
            line.at(None, words(value.get("type")), entry.data)
            line.unknown(words(value.get("type")) or "without a type", value)
    return _fed(line, dump(line.state))


def _timeline(source: Source, state: bytes) -> Timeline:
    known = load(state)
    if not known.id:
        known = State(id=session_of(source.path))
        known.parent = parent_of(source.path)
        known.auxiliary = bool(known.parent)
    return Timeline(NAME, known)


def _fed(line: Timeline, state: bytes) -> Fed:
    delta = line.delta(secondary=True)
    return Fed(
        sessions=[delta] if delta.keep or delta.events else [],
        state=state,
        skipped=line.skipped,
        unknown=line.unknown_counts,
    )


def _turn_ended(line: Timeline, value: dict[str, Any], content: bytes) -> None:
    """The end of a turn; one that did not end well is told."""
    status = words(value.get("status"))
    if status in ("", "success", "completed", "ok"):
        return
    line.at(None, "turn_ended", content)
    said = words(value.get("error")) or words(value.get("message")) or status
    kind = "interrupted" if status in ("cancelled", "canceled", "aborted") else "turn_aborted"
    line.emit("Custom", None, data={"kind": kind}, blocks=[text(said)])


# text


def _feed_text(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """Parts end where the next begins, so the last is told with what there is, and again later."""
    now = msgspec.msgpack.decode(state, type=_Text) if state else _Text()
    line = _timeline(source, now.before)
    for entry in lines:
        words_of = entry.data.decode("utf-8", "replace")
        found = _MARK.match(words_of)
        if words_of in ("user:", "assistant:"):
            _end(line, now)
            now.role, now.kind = words_of[:-1], "said"
        elif found is not None and now.role == "assistant":
            _end(line, now)
            now.kind = found[1]
            now.lines = [found[2]]
        elif now.kind in ("Tool call", "Tool result") and not words_of.startswith("  "):
            _end(line, now)
            now.kind, now.lines = "said", [words_of]
        else:
            now.lines.append(words_of)
        now.size += len(words_of) + 1
        if now.size > _PART_CHARACTERS:
            kind = now.kind
            _end(line, now)
            now.kind = kind
    now.before = dump(line.state)
    saved = msgspec.msgpack.encode(now)
    _end(line, now)
    return _fed(line, saved)


def _end(line: Timeline, now: _Text) -> None:
    """Tells the part that was read."""
    parts, kind = now.lines, now.kind
    now.lines, now.size, now.kind = [], 0, "said"
    said = "\n".join(parts)
    if not said.strip():
        return
    line.at(None, f"text/{now.role}/{kind}" if now.role else "text", said.encode())
    _PARTS.get(kind, _said)(line, now, said, parts)


def _said(line: Timeline, now: _Text, said: str, _: list[str]) -> None:
    role = "assistant" if now.role == "assistant" else "user"
    if not now.role:
        line.skip("before the first speaker")
        return
    messages.tell(line, {"role": role, "content": said.strip("\n")}, said.encode())


def _thought(line: Timeline, _: _Text, said: str, __: list[str]) -> None:
    line.emit("Thinking", None, blocks=[text(said)])


def _called(line: Timeline, now: _Text, _: str, parts: list[str]) -> None:
    """A call: its name, and an argument in each line."""
    arguments: dict[str, Any] = {}
    last = ""
    for part in parts[1:]:
        found = _ARGUMENT.match(part)
        if found is not None:
            last = found[1]
            arguments[last] = found[2]
        elif last:
            arguments[last] += "\n" + part.removeprefix("  ")
    now.call += 1
    line.call(None, f"call-{now.call}", called(parts[0].strip(), arguments))


def _resulted(line: Timeline, now: _Text, _: str, parts: list[str]) -> None:
    """The result of the oldest call of that name that waits; it has no id."""
    name = parts[0].strip()
    waiting = line.state.open
    call_id = next((key for key, call in waiting.items() if call.name == name), "")
    body = "\n".join(part.removeprefix("  ") for part in parts[1:])
    line.result(None, call_id, [text(body)] if body.strip() else [], name=name)


_PARTS: dict[str, Callable[[Timeline, _Text, str, list[str]], None]] = {
    "Thinking": _thought,
    "Tool call": _called,
    "Tool result": _resulted,
}
