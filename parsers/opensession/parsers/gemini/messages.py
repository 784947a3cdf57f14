"""The messages of a session as events: prompts, words, thoughts, calls and what they gave.

Prompt and context are both of type `user`; answers to calls come twice, with their call and once
more in a `user` message. A message that is written again tells what is new in it.
"""

from __future__ import annotations

import re

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.actions import Given, string
from opensession.parsers.gemini.calls import tell_late_answer
from opensession.parsers.gemini.folders import note_folder
from opensession.parsers.gemini.reading import Reading
from opensession.parsers.gemini.responses import tell_response
from opensession.parsers.gemini_parts import Part, block_of, name_in, parts_of, words_of
from opensession.parsers.times import parse_stamp

MODELS = frozenset(("gemini", "qwen", "model", "assistant"))
_NOTICES = frozenset(("info", "warning", "error"))
_INTERRUPTED = frozenset(("request cancelled", "user cancelled the request"))
_CONTEXTS = (
    "<session_context>",
    "This is the Gemini CLI. We are setting up the context",
    "This is the Qwen Code. We are setting up the context",
    "System: Please continue.",
)
_FILES = "--- Content from referenced files ---"
_FILES_END = "--- End of content ---"
_SNAPSHOT = "<state_snapshot>"
_HOOK = re.compile(r"<hook_context>.*?</hook_context>", re.DOTALL)

CONTEXT_CHARACTERS = 16 << 10
"""Longer context that the agent gives itself is not told: it is a vendor's prompt."""


def tell(reading: Reading, message: Given, raw: bytes, *, listed: bool = False) -> None:
    """One message; `listed` where it stands in a new list of a history that has begun."""
    kind, message_id = string(message, "type"), name_in(message, "id")
    before = reading.state.count
    reading.line.at(parse_stamp(string(message, "timestamp")), kind, raw)
    if kind in MODELS:
        tell_response(reading, message, message_id, raw, listed=listed)
    elif reading.knows(message_id):
        return
    elif kind == "user":
        _user(reading, message, message_id, listed=listed)
    elif kind in _NOTICES:
        _notice(reading, kind, message_id, words_of(parts_of(message.get("content"))).strip())
    else:
        reading.line.unknown(kind, message, message_id)
    reading.remember(message_id, before)


def _notice(reading: Reading, level: str, native: str, words: str) -> None:
    """What the agent tells the person: notices, errors, that a request was cancelled."""
    if words.rstrip(".").lower() in _INTERRUPTED:
        reading.line.emit("Custom", native, data={"kind": "interrupted"}, blocks=[text(words)])
    elif words:
        attributes: Attributes = {"system.level": level}
        if level == "error":
            attributes["error"] = True
        reading.line.emit("SystemMessage", native, blocks=[text(words)], attributes=attributes)


def _user(reading: Reading, message: Given, native: str, *, listed: bool) -> None:
    """What stands where a person types: a prompt, context, a summary, answers to calls."""
    n = 0
    parts = parts_of(message.get("content"))
    for part in parts:
        response = part.get("functionResponse")
        if isinstance(response, dict):
            tell_late_answer(reading, response)
    parts = [part for part in parts if not isinstance(part.get("functionResponse"), dict)]
    shown = parts_of(message.get("displayContent"))
    if words_of(shown).strip():
        typed = [block for part in shown if (block := _block(part)) is not None]
        said = words_of(parts)
        context = [] if said.strip() == words_of(shown).strip() else [text(said)] if said else []
    else:
        typed, context = _sorted(reading, parts)
    # a subagent is asked by its parent once; what follows is the agent's own
    if typed and (listed or (reading.state.auxiliary and reading.state.first_prompt)):
        reading.line.emit("SystemMessage", native, blocks=typed, attributes={"synthetic": True})
        n = 1
    elif typed:
        seq = reading.line.prompt(native, typed)
        reading.memory.prompt = reading.memory.prompt or seq
        n = 1
    for block in context:
        if block["text"].lstrip().startswith(_SNAPSHOT):
            data = {"kind": "context_compacted"}
            reading.line.emit("Custom", native, data=data, blocks=[block], n=n)
        elif len(block["text"]) <= CONTEXT_CHARACTERS:
            reading.line.emit("SystemMessage", native, blocks=[block], n=n)
        n += 1


def _block(part: Part) -> Block | None:
    words = string(part, "text")
    return (text(words) if words.strip() else None) if words else block_of(part)


def _sorted(reading: Reading, parts: list[Part]) -> tuple[list[Block], list[Block]]:
    """What a person typed or attached, and what the agent added to it."""
    typed: list[Block] = []
    context: list[Block] = []
    files: list[str] | None = None
    for part in parts:
        words = string(part, "text")
        start = words.lstrip()
        if files is not None:
            files.append(words)
            if start.startswith(_FILES_END):
                context.append(text("".join(files).strip()))
                files = None
        elif start.startswith(_FILES):
            files = [words]
        elif start.startswith((*_CONTEXTS, _SNAPSHOT)):
            note_folder(reading, words)
            context.append(text(words.strip()))
        elif words:
            context += [text(found) for found in _HOOK.findall(words)]
            kept = _HOOK.sub("", words) if "<hook_context>" in words else words
            if kept.strip():
                typed.append(text(kept.strip()))
        else:
            block = block_of(part)
            if block is not None:
                typed.append(block)
    if files is not None:
        context.append(text("".join(files).strip()))
    return typed, context
