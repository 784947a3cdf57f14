"""Responses of the model as events: thoughts, words, calls, and what they cost.

A response is written first with its words and again with its calls, under the same id: of what is
written again only the new is told.
"""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Block, text
from opensession.parsers.actions import Given, string
from opensession.parsers.gemini.calls import tell_calls
from opensession.parsers.gemini.reading import Reading, Told, digest
from opensession.parsers.gemini_parts import (
    Part,
    Tokens,
    attributes_of,
    block_of,
    count_in,
    name_in,
    parts_of,
    tokens_of,
    words_of,
)
from opensession.parsers.times import parse_stamp

_COUNTS = ("input", "output", "cached", "thoughts", "tool", "total")


def tell_response(
    reading: Reading, message: Given, native: str, raw: bytes, *, listed: bool
) -> None:
    """A response: thoughts, words, calls, and of what is written again only what is new."""
    line, memory, before = reading.line, reading.memory, reading.state.count
    model = name_in(message, "model")
    if model and not reading.state.model:
        reading.state.model = model
    tokens = tokens_in(message.get("tokens"))
    attributes = attributes_of(native, model, tokens)
    if listed:
        attributes["synthetic"] = True
    parts = parts_of(message.get("content"))
    thoughts = _thoughts(message, parts)
    words, media = words_of(parts).strip(), _media(parts)
    told = memory.recent.get(native)
    if told is None:
        known = reading.knows(native)
        told = Told(digest(words), len(thoughts)) if known else Told()
    for thought, timestamp in thoughts[told.thoughts :]:
        time_us = parse_stamp(timestamp or string(message, "timestamp"))
        line.at(time_us, string(message, "type"), raw)
        line.emit(
            "Thinking",
            native,
            blocks=[text(thought)],
            attributes=dict(attributes),
            n=told.events,
        )
        told.events += 1
    line.at(parse_stamp(string(message, "timestamp")), string(message, "type"), raw)
    if (words or media) and told.words != digest(words):
        blocks = [text(words)] if words else []
        line.emit(
            "AgentMessage",
            native,
            blocks=[*blocks, *media],
            attributes=dict(attributes),
            n=told.events,
        )
        told.events += 1
    told.words = digest(words)
    told.thoughts = max(told.thoughts, len(thoughts))
    tell_calls(reading, message, parts, native, attributes, raw)
    if tokens is not None and (list(tokens) != told.tokens or reading.state.count > before):
        told.tokens = list(tokens)
        reading.spend(native, model, tokens)
    if native:
        reading.keep_told(native, told)


def tokens_in(value: Any) -> Tokens | None:
    if not isinstance(value, dict):
        return None
    found = tokens_of(*(count_in(value, name) for name in _COUNTS))
    return found if any(found) else None


def _thoughts(message: Given, parts: list[Part]) -> list[tuple[str, str]]:
    """The thoughts of a response with their times: its list of them, else those in its parts."""
    listed = message.get("thoughts")
    found = []
    for thought in listed if isinstance(listed, list) else []:
        if isinstance(thought, dict):
            subject, said = string(thought, "subject"), string(thought, "description")
            whole = f"**{subject}**\n{said}" if subject and said else subject or said
            if whole.strip():
                found.append((whole, string(thought, "timestamp")))
    if found:
        return found
    return [
        (string(part, "text"), "")
        for part in parts
        if part.get("thought") is True and string(part, "text").strip()
    ]


def _media(parts: list[Part]) -> list[Block]:
    others = [part for part in parts if not string(part, "text") and "functionCall" not in part]
    return [block for part in others if (block := block_of(part)) is not None]
