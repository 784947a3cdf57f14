"""Tokens: call by call where Copilot records them so, else what messages and shutdowns say.

Copilot's input includes what was read from and written to the cache; ours does not. What it calls
cost are multipliers of its own credits and no money, so no cost is kept.

`session.usage_record` has every call of a model. Files of versions without it have the output of
each response in `assistant.message`, and sums by model in `session.shutdown`: of those, what was
not told before is told at the shutdown. Sums that are smaller than the last ones are of a new run.
"""

from __future__ import annotations

from opensession.core.hail import Attributes
from opensession.parsers.copilot.book import Reading, remember
from opensession.parsers.copilot.fields import Object, count, obj, string, whole

_MODELS = 64
_NAME_CHARACTERS = 128


def on_usage_record(reading: Reading, data: Object) -> None:
    """A record `session.usage_record`: one call of a model."""
    usage = obj(data, "usage")
    reading.book.recorded = True
    provider = string(usage, "modelProvider", _NAME_CHARACTERS)
    attributes: Attributes = {}
    if (reasoning := count(usage, "reasoningTokens")) > 0:
        attributes["reasoning_tokens"] = reasoning
    if effort := string(usage, "reasoningEffort", _NAME_CHARACTERS):
        attributes["reasoning_effort"] = effort
    _tell(
        reading,
        string(usage, "apiCallId") or reading.native,
        string(usage, "model", _NAME_CHARACTERS),
        _tokens(usage),
        "" if provider == "other" else provider,
        attributes,
        whole(usage, "duration"),
    )


def on_message(reading: Reading, data: Object, attributes: Attributes) -> bool:
    """Adds to a message's attributes the output it counts itself; whether it is to be recorded."""
    output = count(data, "outputTokens")
    if reading.book.recorded or not output:
        return False
    attributes["output_tokens"] = output
    _add(reading, string(data, "model", _NAME_CHARACTERS), [0, output, 0, 0])
    return True


def on_compaction(reading: Reading, data: Object) -> None:
    """The call of a model that made a summary, in versions that do not record calls."""
    used = obj(data, "compactionTokensUsed")
    if reading.book.recorded or not used:
        return
    tokens = _tokens(used)
    if not any(tokens):
        older = {"inputTokens": "input", "outputTokens": "output", "cacheReadTokens": "cachedInput"}
        tokens = _tokens({name: used.get(key) for name, key in older.items()})
    model = string(used, "model", _NAME_CHARACTERS) or reading.line.state.model
    _add(reading, model, tokens)
    _tell(reading, f"{reading.native}:compaction", model, tokens)


def on_shutdown(reading: Reading, data: Object) -> None:
    """The sums by model of a `session.shutdown`: what no record told before."""
    book = reading.book
    if book.recorded:
        return
    for name, metric in obj(data, "modelMetrics").items():
        usage = obj(metric, "usage") if isinstance(metric, dict) else {}
        model = name[:_NAME_CHARACTERS]
        sums = _tokens(usage)
        before = book.totals.get(model, [0, 0, 0, 0])
        if any(now < then for now, then in zip(sums, before, strict=True)):
            before = [0, 0, 0, 0]
        told = book.told.pop(model, [0, 0, 0, 0])
        new = [now - then for now, then in zip(sums, before, strict=True)]
        remember(book.totals, model, sums, _MODELS)
        rest = [max(0, part - known) for part, known in zip(new, told, strict=True)]
        if any(rest):
            _tell(reading, f"{reading.native}:{model}", model, rest)


def _tell(
    reading: Reading,
    message_id: str,
    model: str,
    tokens: list[int],
    provider: str = "",
    attributes: Attributes | None = None,
    duration_ms: int | None = None,
) -> None:
    line = reading.line
    line.state.provider = provider or line.state.provider
    own: Attributes = attributes or {}
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    own.update(zip(names, tokens, strict=True))
    own["message_id"] = message_id
    if model:
        own["model"] = model
    line.emit(
        "Custom",
        message_id if message_id != reading.native else f"{message_id}:usage",
        data={"kind": "token_count"},
        attributes=own,
        duration_ms=duration_ms if duration_ms is not None and duration_ms >= 0 else None,
    )
    line.usage(
        message_id,
        model=model,
        provider=provider,
        input=tokens[0],
        output=tokens[1],
        cache_read=tokens[2],
        cache_write=tokens[3],
    )


def _tokens(usage: Object) -> list[int]:
    """Uncached input, output, cache read, cache write."""
    cached, written = count(usage, "cacheReadTokens"), count(usage, "cacheWriteTokens")
    fresh = max(0, count(usage, "inputTokens") - cached - written)
    return [fresh, count(usage, "outputTokens"), cached, written]


def _add(reading: Reading, model: str, tokens: list[int]) -> None:
    told = reading.book.told
    known = told.get(model, [0, 0, 0, 0])
    sums = [now + then for now, then in zip(tokens, known, strict=True)]
    remember(told, model, sums, _MODELS)
