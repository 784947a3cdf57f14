"""Rows and messages of a task in one order: see `tasks.py` for why there are both."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, TypeAlias

from opensession.parsers.cline import rows as ui
from opensession.parsers.cline.history import tell_message, tell_summary, thinks
from opensession.parsers.cline.rows import Row
from opensession.parsers.cline.telling import Telling
from opensession.parsers.cline.values import cost_of, count, micros, obj, response, words

Models: TypeAlias = list[tuple[int, str, str]]
"""Since when, which model, of which provider; by time."""

Messages: TypeAlias = list[tuple[int, bytes, dict[str, Any]]]
"""Index, bytes and value of each message."""


def weave(telling: Telling, rows: list[Row], messages: Messages, models: Models) -> None:
    """Tells messages and rows in one order: each row before the message that it comes before."""
    own = [micros(message.get("ts")) for _, _, message in messages]
    _place_rows(rows, messages, own)
    covered = _covering(rows, messages, own) | ui.leftovers(rows)
    times = _times(rows, messages, own)
    spent = _spent(rows, messages)
    condensed = any(row.kind in ("condense_context", "sliding_window_truncation") for row in rows)
    rows = sorted(rows, key=lambda row: (row.before, row.index))
    at = 0
    for number, (index, data, message) in enumerate(messages):
        while at < len(rows) and rows[at].before <= number:
            _on_row(telling, rows[at], message, covered)
            at += 1
        ui.end_output(telling)
        if message.get("isTruncationMarker") is True:
            continue
        telling.line.at(times[number], words(message.get("role")) or "message", data)
        if message.get("isSummary") is True:
            if not condensed:
                tell_summary(telling, index, message)
            continue
        requests = spent.get(number, [])
        about = _about(telling, message, requests, models)
        tell_message(telling, index, message, about)
        if about and not requests:
            _count_alone(telling, message, about)
        for row in requests:
            _charge(telling, row, models)
    for row in rows[at:]:
        _on_row(telling, row, {}, covered)
    ui.end_output(telling)
    for row in spent.get(len(messages), []):
        _charge(telling, row, models)


def _on_row(telling: Telling, row: Row, following: dict[str, Any], covered: set[int]) -> None:
    telling.requested = telling.requested or row.kind == "api_req_started"
    if row.kind in ui.NOTES:
        if row.kind != "api_req_started" or row.request.get("cancelReason"):
            ui.end_output(telling)
            ui.tell_note(telling, row)
    elif not ui.is_known(row.kind):
        telling.line.at(row.ts, row.kind, row.data)
        telling.line.unknown(f"row:{row.kind}", row.value, row.native)
    elif row.index not in covered:
        if row.kind not in ui.SILENT:
            ui.tell_content(telling, row)
    elif row.kind == "reasoning" and following.get("role") == "assistant" and not thinks(following):
        ui.tell_content(telling, row)


def _place_rows(rows: list[Row], messages: Messages, own: list[int | None]) -> None:
    """Says of each row before which message it comes, in an order that is the rows' own."""
    known = all(time is not None for time in own) and bool(own)
    latest: list[int] = []
    for time in own:
        latest.append(max(latest[-1] if latest else 0, time or 0))
    users = [n for n, (_, _, m) in enumerate(messages) if m.get("role") in ("user", "tool")]
    reached, requests, answered = 0, -1, False
    for row in rows:
        given = row.value.get("conversationHistoryIndex")
        if row.kind == "api_req_started":
            requests, answered = requests + 1, False
        if isinstance(given, int) and not isinstance(given, bool):
            before = given + 1
        elif known and row.ts is not None:
            before = bisect_right(latest, row.ts)
        elif requests < 0:
            before = 0
        elif requests < len(users):
            is_note = row.kind in ui.NOTES
            before = users[requests] + (row.kind != "api_req_started") + (is_note and answered)
            answered = answered or not is_note
        else:
            before = len(messages)
        reached = max(reached, min(max(before, 0), len(messages)))
        row.before = reached


def _covering(rows: list[Row], messages: Messages, own: list[int | None]) -> set[int]:
    """The rows whose content a message of the history has too."""
    lost_from, lost_to = 0, 0
    for number, (_, _, message) in enumerate(messages):
        if message.get("isSummary") is True and not message.get("condenseId") and number:
            start = own[number - 1]
            kept = [time for time in own[number + 1 :] if time is not None]
            if start is not None:
                lost_from = start
                lost_to = min(kept, default=own[number] or start)
    found: set[int] = set()
    for row in rows:
        lost = row.ts is not None and lost_from < row.ts < lost_to
        if row.before < len(messages) and not lost:
            found.add(row.index)
    return found


def _times(rows: list[Row], messages: Messages, own: list[int | None]) -> list[int | None]:
    """When each message was: its own time, else that of the row that shows it."""
    sent: dict[int, int] = {}
    shown: dict[int, int] = {}
    for row in rows:
        if row.ts is None:
            continue
        if row.kind == "api_req_started":
            sent[row.before] = row.ts
        elif not row.kind.startswith("checkpoint"):
            shown.setdefault(row.before, row.ts)
    found: list[int | None] = []
    for number, (_, _, message) in enumerate(messages):
        time = own[number]
        if time is None and message.get("role") == "assistant":
            time = shown.get(number)
        elif time is None:
            time = sent.get(number, shown.get(number))
        found.append(time)
    return found


def _spent(rows: list[Row], messages: Messages) -> dict[int, list[Row]]:
    """The requests that tell tokens, by the response they are of (behind the last: of none)."""
    found: dict[int, list[Row]] = {}
    answers = [n for n, (_, _, m) in enumerate(messages) if m.get("role") == "assistant"]
    for row in rows:
        if row.kind != "api_req_started" or not (
            "tokensIn" in row.request or "cost" in row.request
        ):
            continue
        place = bisect_right(answers, row.before - 1)
        found.setdefault(answers[place] if place < len(answers) else len(messages), []).append(row)
    return found


def _tokens(request: dict[str, Any]) -> tuple[int, int, int, int]:
    """Uncached input, output, cache reads and writes of a request."""
    fresh_in, output = count(request.get("tokensIn")), count(request.get("tokensOut"))
    read, written = count(request.get("cacheReads")), count(request.get("cacheWrites"))
    cached = read + written
    if "apiProtocol" in request and (fresh_in >= cached or request.get("apiProtocol") == "openai"):
        fresh_in = max(0, fresh_in - cached)
    return fresh_in, output, read, written


def _model(telling: Telling, row: Row, models: Models) -> tuple[str, str]:
    """The model and provider that a request went to."""
    info, state = obj(row.value.get("modelInfo")), telling.line.state
    if words(info.get("modelId")):
        state.model = words(info["modelId"])[:256]
        state.provider = words(info.get("providerId"))[:256]
    elif models and row.ts is not None:
        place = bisect_right(models, row.ts, key=lambda model: model[0])
        _, state.model, state.provider = models[max(0, place - 1)]
    return state.model, state.provider


def _charge(telling: Telling, row: Row, models: Models) -> None:
    model, provider = _model(telling, row, models)
    fresh_in, output, read, written = _tokens(row.request)
    telling.line.usage(
        f"{telling.line.state.id}:{row.native}",
        model=model,
        provider=provider,
        input=fresh_in,
        output=output,
        cache_read=read,
        cache_write=written,
        cost_microdollars=cost_of(row.request.get("cost")),
    )


def _about(
    telling: Telling, message: dict[str, Any], requests: list[Row], models: Models
) -> dict[str, Any]:
    """What is said of each event of a response; nothing of other messages."""
    if message.get("role") != "assistant":
        return {}
    state, info = telling.line.state, obj(message.get("modelInfo"))
    if words(info.get("modelId")):
        state.model = words(info["modelId"])[:256]
        state.provider = words(info.get("providerId"))[:256]
    if not requests:
        return {"model": state.model} if state.model else {}
    row = requests[-1]
    model, _ = _model(telling, row, models)
    return response(f"{state.id}:{row.native}", model, *_tokens(row.request))


def _count_alone(telling: Telling, message: dict[str, Any], about: dict[str, Any]) -> None:
    """The tokens of a response that no row tells; which of the cached ones were read, nobody."""
    tokens = obj(message, "metrics", "tokens")
    telling.line.usage(
        words(message.get("id")) or f"{telling.line.state.id}:{telling.line.state.count}",
        model=about["model"],
        input=count(tokens.get("prompt")),
        output=count(tokens.get("completion")),
    )
