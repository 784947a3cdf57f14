"""What a response cost: its tokens, and which records are one response."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from opensession.core.hail import Attributes, Usage
from opensession.parsers.claude_code.records import Message, Tokens
from opensession.parsers.claude_code.state import Response

if TYPE_CHECKING:
    from opensession.parsers.claude_code.reading import Reading

REDACTED = "REDACTED"
"""What a scrubbed transcript has in place of an id: no id, so two of them are not the same."""

_TOKEN_BITS = 53
_MICRODOLLARS = 1_000_000
_NOTED_STOPS = frozenset({"max_tokens", "refusal", "model_context_window_exceeded"})
_PROVIDERS = (
    ("claude", "anthropic"),
    ("anthropic", "anthropic"),
    ("gpt", "openai"),
    ("gemini", "google"),
    ("deepseek", "deepseek"),
)

_Tokens: TypeAlias = tuple[int, int, int, int]

Spent: TypeAlias = tuple[int, int, str, _Tokens, int, float | None]
"""Seq, time, model, tokens, cache writes kept an hour, dollars: a Usage before it is made."""


def count_response(reading: Reading, message: Message) -> Attributes:
    """The attributes of a response's events; its usage goes to the track.

    The records of one response repeat its usage while it grows: the last one counts.
    """
    usage = message.usage
    model = message.model or ""
    if usage is None:
        attributes: Attributes = {}
        if message.id and message.id != REDACTED:
            attributes["message_id"] = message.id
        if model:
            attributes["model"] = model
        return attributes
    tokens = _tokens(usage)
    message_id = _message_id(reading, message, tokens)
    attributes = {
        "message_id": message_id,
        "model": model,
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "cache_read_tokens": tokens[2],
        "cache_write_tokens": tokens[3],
    }
    if usage.server_tool_use and any(usage.server_tool_use.values()):
        attributes["server_tool_use"] = {k: v for k, v in usage.server_tool_use.items() if v}
    if message.stop_reason in _NOTED_STOPS:
        attributes["stop_reason"] = message.stop_reason
    cached = usage.cache_creation
    hour = (cached.ephemeral_1h_input_tokens or 0) if cached is not None else 0
    track = reading.track
    track.spent[message_id] = (
        track.stream.seq + 1,
        reading.time_us,
        model,
        tokens,
        hour,
        reading.record.cost_usd,
    )
    return attributes


def usage_of(message_id: str, spent: Spent) -> Usage:
    """The usage of a response."""
    seq, time_us, model, tokens, hour, cost = spent
    return Usage(
        seq=seq,
        time_us=time_us,
        message_id=message_id,
        model=model,
        provider=provider_of(model),
        input=tokens[0],
        output=tokens[1],
        cache_read=tokens[2],
        cache_write=tokens[3],
        cache_write_1h=min(max(hour, 0), tokens[3]),
        cost_microdollars=(
            round(cost * _MICRODOLLARS) if cost is not None and 0 <= cost < 1e9 else None
        ),
    )


@lru_cache(maxsize=64)
def provider_of(model: str) -> str:
    """Who makes a model, by its name; empty for a name that does not tell."""
    name = model.lower()
    return next((provider for mark, provider in _PROVIDERS if mark in name), "")


def _tokens(usage: Tokens) -> _Tokens:
    fresh, output = usage.input_tokens or 0, usage.output_tokens or 0
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens
    if written is None:
        kinds = usage.cache_creation
        written = (
            (kinds.ephemeral_5m_input_tokens or 0) + (kinds.ephemeral_1h_input_tokens or 0)
            if kinds is not None
            else 0
        )
    if (fresh | output | read | written) >> _TOKEN_BITS:  # negative, or beyond any count
        return (_count(fresh), _count(output), _count(read), _count(written))
    return (fresh, output, read, written)


def _count(value: int) -> int:
    return 0 if value >> _TOKEN_BITS else value


def _message_id(reading: Reading, message: Message, tokens: _Tokens) -> str:
    """A response's own id, or one made for it where the transcript has none.

    Without an id, records that follow each other are one response if they are of one request, or
    if one is the other's child and their usage is equal.
    """
    stream = reading.track.stream
    if message.id and message.id != REDACTED:
        stream.response = None
        return message.id
    record = reading.record
    request_id = record.request_id or ""
    if request_id == REDACTED:
        request_id = ""
    last = stream.response
    if last is not None and (
        request_id == last.request_id
        if request_id and last.request_id
        else record.parent_uuid == last.uuid and tokens == last.tokens
    ):
        message_id = last.message_id
    else:
        message_id = f"~{reading.next_id()}"
    stream.response = Response(message_id, request_id, record.uuid or "", tokens)
    return message_id
