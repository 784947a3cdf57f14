"""Tokens and cost as Goose recorded them, each response once.

Three records can tell of the same response: a row of `usage_ledger` (one per call, with cost), the
`usage` of the message's metadata, and the sums of the session's row, which older versions have
alone. A ledger row takes the place of a message's record of the same numbers, and either takes the
place of the sums. `input_tokens` of Goose include what was cached.
"""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Attributes
from opensession.parsers.timeline import State, Timeline

_WAITING = 32
"""Records that wait for another of the same response; more are taken as responses of their own."""

_SUMS = "sums"
_MILLISECONDS = 100_000_000_000


def attributes(line: Timeline, metadata: dict[str, Any]) -> Attributes:
    """What a message's metadata says of its response: what another row says later is not in it."""
    found: Attributes = {}
    inference = metadata.get("inference")
    if isinstance(inference, dict):
        model, provider = inference.get("requestedModel"), inference.get("provider")
        if isinstance(model, str) and model:
            found["model"] = model
            line.state.model = line.state.model or model
        if isinstance(provider, str) and provider:
            line.state.provider = line.state.provider or provider
    tokens = _of_message(metadata)
    if tokens is not None:
        uncached, output, cache_read, cache_write = _parts(*tokens)
        found["output_tokens"] = output
        if cache_read or cache_write:  # else it is not known how much of the input was cached
            found["input_tokens"] = uncached
            found["cache_read_tokens"] = cache_read
            found["cache_write_tokens"] = cache_write
    return found


def on_message(line: Timeline, usage_id: str, metadata: dict[str, Any]) -> None:
    """The tokens of a message, unless the ledger had them before."""
    tokens = _of_message(metadata)
    if tokens is None:
        return
    ahead = _list(line.state, "ledger")
    for waiting in ahead:
        if waiting == [tokens[0], tokens[1]]:
            ahead.remove(waiting)
            return
    usage_id = _taking_over_sums(line.state, usage_id)
    inference = metadata.get("inference")
    model = inference.get("requestedModel") if isinstance(inference, dict) else None
    _tell(line, usage_id, tokens, model=model if isinstance(model, str) else "")
    record = [usage_id, tokens[0], tokens[1], line.state.count, line.state.time_us]
    if record not in _list(line.state, "told"):
        _wait(line.state, "told", record)


def on_ledger(line: Timeline, row: dict[str, Any]) -> None:
    """A row of the ledger: of a message that was told with the same numbers, or of its own."""
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    tokens = (_int(row, names[0]), _int(row, names[1]), _int(row, names[2]), _int(row, names[3]))
    told = _list(line.state, "told")
    place = line.state.count, time_of(row.get("created_timestamp")) or line.state.time_us
    for waiting in told:
        if waiting[1:3] == [tokens[0], tokens[1]]:
            told.remove(waiting)
            usage_id, place = waiting[0], (waiting[3], waiting[4])
            break
    else:
        _wait(line.state, "ledger", [tokens[0], tokens[1]])
        usage_id = _taking_over_sums(line.state, f"{line.state.id}:ledger:{row.get('id')}")
    model = row.get("model")
    cost = row.get("cost")
    micro = None
    if isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < 1e9:
        micro = round(cost * 1_000_000)
    model = model if isinstance(model, str) else ""
    _tell(line, usage_id, tokens, model=model, cost=micro, place=place)


def on_sums(line: Timeline, row: dict[str, Any]) -> None:
    """The session's sums, where no response told of itself; later sums replace them."""
    state = line.state
    if state.own.get("responses"):
        return
    tokens = (
        _int(row, "accumulated_input_tokens") or _int(row, "input_tokens"),
        _int(row, "accumulated_output_tokens") or _int(row, "output_tokens"),
        _int(row, "accumulated_cache_read_tokens"),
        _int(row, "accumulated_cache_write_tokens"),
    )
    cost = row.get("accumulated_cost")
    micro = round(cost * 1_000_000) if isinstance(cost, float) and 0 <= cost < 1e9 else None
    if any(tokens) or micro:
        state.own[_SUMS] = True
        _tell(line, f"{state.id}:{_SUMS}", tokens, cost=micro)


def _tell(
    line: Timeline,
    usage_id: str,
    tokens: tuple[int, int, int, int],
    *,
    model: str = "",
    cost: int | None = None,
    place: tuple[int, int] | None = None,
) -> None:
    """Records tokens at the latest event, or at the one of `place` (seq, time)."""
    uncached, output, cache_read, cache_write = _parts(*tokens)
    state = line.state
    latest = state.count, state.time_us
    state.count, state.time_us = place or latest
    line.usage(
        usage_id,
        model=model,
        input=uncached,
        output=output,
        cache_read=cache_read,
        cache_write=cache_write,
        cost_microdollars=cost,
    )
    state.count, state.time_us = latest


def _parts(whole: int, output: int, cache_read: int, cache_write: int) -> tuple[int, int, int, int]:
    cached = cache_read + cache_write
    return (whole - cached if whole >= cached else whole), output, cache_read, cache_write


def _of_message(metadata: dict[str, Any]) -> tuple[int, int, int, int] | None:
    found = metadata.get("usage")
    if not isinstance(found, dict):
        return None
    tokens = (
        _int(found, "inputTokens", "input_tokens"),
        _int(found, "outputTokens", "output_tokens"),
        _int(found, "cacheReadTokens", "cache_read_tokens", "cacheReadInputTokens"),
        _int(found, "cacheWriteTokens", "cache_write_tokens", "cacheWriteInputTokens"),
    )
    return tokens if any(tokens) else None


def time_of(created: Any) -> int | None:
    """Microseconds of a time in seconds (or, in some builds, milliseconds) since 1970."""
    if isinstance(created, bool) or not isinstance(created, int | float):
        return None
    if not 0 < created < 1e15:
        return None
    return int(created * 1000 if created >= _MILLISECONDS else created * 1_000_000)


def _taking_over_sums(state: State, usage_id: str) -> str:
    """The id for a response: that of the sums where it is the first to tell of itself."""
    first = not state.own.get("responses")
    state.own["responses"] = True
    return f"{state.id}:{_SUMS}" if first and state.own.get(_SUMS) else usage_id


def _list(state: State, name: str) -> list[Any]:
    return state.own.setdefault(name, [])  # type: ignore[no-any-return]


def _wait(state: State, name: str, record: list[Any]) -> None:
    waiting = _list(state, name)
    waiting.append(record)
    del waiting[:-_WAITING]


def _int(row: dict[str, Any], *names: str) -> int:
    for name in names:
        value = row.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53:
            return value
    return 0
