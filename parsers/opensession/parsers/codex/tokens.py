"""Token counts. `Usage.input` is what was not cached; Codex's own input includes the cached part.

Recent versions write one `token_usage_record` a response, with the response's id. Older ones write
`token_count` events with the sum so far, sometimes twice, and write them anew, with new times, into
the file of a fork. The id of such a count is therefore made of the sums and of the session they
were first counted in (its header is copied along), so that a copy is known for one.
"""

from __future__ import annotations

import hashlib

from opensession.core.hail import Attributes, Usage
from opensession.parsers.codex.reading import Reading
from opensession.parsers.codex.records import Payload, Tokens


def on_usage_record(reading: Reading, payload: Payload) -> None:
    """A record `token_usage_record`."""
    if payload.usage is None:
        return
    state = reading.state
    message_id = payload.response_id or ""
    if payload.thread_token_usage is not None:
        state.recorded = _sums(payload.thread_token_usage)
    if not message_id:
        message_id = _made_id(state.lineage, state.recorded or _sums(payload.usage))
    _count(reading, payload.response_id, message_id, payload.usage)


def on_token_count(reading: Reading, payload: Payload) -> None:
    """An event `token_count`: nothing where the same sums were counted before."""
    state = reading.state
    info = payload.info
    if info is None or info.total_token_usage is None:
        if info is not None and info.last_token_usage is not None:
            _count(reading, None, "", info.last_token_usage)
        return
    sums = _sums(info.total_token_usage)
    if sums in (state.totals, state.recorded):
        state.totals = sums
        return
    last = info.last_token_usage
    if last is None:
        last = _difference(sums, state.totals)
    state.totals = sums
    _count(reading, None, _made_id(state.lineage, sums), last)


def _count(reading: Reading, native: str | None, message_id: str, tokens: Tokens) -> None:
    state = reading.state
    cached = max(0, tokens.cached_input_tokens)
    written = max(0, tokens.cache_write_input_tokens or 0)
    uncached = max(0, tokens.input_tokens - cached - written)
    output = max(0, tokens.output_tokens)
    attributes: Attributes = {
        "input_tokens": uncached,
        "output_tokens": output,
        "cache_read_tokens": cached,
        "cache_write_tokens": written,
    }
    if tokens.reasoning_output_tokens > 0:
        attributes["reasoning_tokens"] = tokens.reasoning_output_tokens
    if state.model:
        attributes["model"] = state.model
    if message_id:
        attributes["message_id"] = message_id
    seq = reading.emit("Custom", native, data={"kind": "token_count"}, attributes=attributes)
    if not message_id:
        message_id = reading.events[-1].event_id
        attributes["message_id"] = message_id
    reading.usage.append(
        Usage(
            seq=seq,
            time_us=reading.time_us,
            message_id=message_id,
            model=state.model,
            provider=state.provider,
            input=uncached,
            output=output,
            cache_read=cached,
            cache_write=written,
        )
    )


def _sums(tokens: Tokens) -> list[int]:
    return [
        tokens.input_tokens,
        tokens.cached_input_tokens,
        tokens.output_tokens,
        tokens.reasoning_output_tokens,
        tokens.total_tokens,
    ]


def _difference(sums: list[int], before: list[int]) -> Tokens:
    parts = [max(0, a - b) for a, b in zip(sums, before or [0] * len(sums), strict=True)]
    return Tokens(
        input_tokens=parts[0],
        cached_input_tokens=parts[1],
        output_tokens=parts[2],
        reasoning_output_tokens=parts[3],
        total_tokens=parts[4],
    )


def _made_id(lineage: str, sums: list[int]) -> str:
    content = f"{lineage}\0{','.join(map(str, sums))}"
    return "count-" + hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:20]
