"""Tasks of the VS Code extensions: Cline before version 4, Roo Code, and Kilo Code before its own
rebuilding; also of the command line's Cline 2, which has them below `~/.cline/data`.

<globalStorage>/saoudrizwan.claude-dev/tasks/1750000000000/ui_messages.json
<globalStorage>/saoudrizwan.claude-dev/tasks/1750000000000/api_conversation_history.json
<globalStorage>/saoudrizwan.claude-dev/tasks/1750000000000/task_metadata.json
<globalStorage>/rooveterinaryinc.roo-cline/tasks/<uuid>/history_item.json

A task is told twice: `api_conversation_history.json` is what went to the model, with the arguments
of every call and its whole result; `ui_messages.json` is what the person saw, with times, tokens,
prices, errors and checkpoints. So the history says *what*, and the rows say *when* and *at what
price*; besides, the rows tell what is in no message:

- notes (errors, checkpoints, condensing, requests broken off), and the thoughts of models whose
  history has none;
- everything after the last message (a task that was killed), and all of a task without a history;
- what an older Roo cut out of its history when it condensed it: before the summary, only the rows
  have it.

A message's time is its own (Roo), else that of the row by which it became visible: for a user
message the `api_req_started` that sent it, for a response its first row. Rows say by
`conversationHistoryIndex` which message they follow; without that they are placed by time, and
where messages have no times either, by counting requests.

A task is one source, its path `ui_messages.json` where that is there (both programs write it first,
before anything is sent), else the history. `state/taskHistory.json` is not read: its prompt, folder
and tokens stand in the task's own files, and it changes with every step of any task. `partial` rows
are left over from streaming.

`tokensIn` is uncached input in Cline. Roo says which protocol a request had (`apiProtocol`), and
has counted the cached part in, for OpenAI's from the beginning, for Anthropic's later on. A count
that is larger than its cached parts is taken to hold them there: with caching, what is not cached
is small.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from opensession.parsers.agent import Cursor, Delta, Source
from opensession.parsers.cline import rows as ui
from opensession.parsers.cline.history import tell_message, tell_summary, thinks
from opensession.parsers.cline.rows import Row
from opensession.parsers.cline.telling import Telling, fresh
from opensession.parsers.cline.values import cost_of, count, micros, obj, response, words
from opensession.parsers.decoding import decode_any
from opensession.parsers.jsonl import Fed
from opensession.parsers.timeline import Timeline, dump, load
from opensession.parsers.whole import Part, Record, RecordFeed, read_parts

UI = "ui_messages.json"
HISTORY = "api_conversation_history.json"
WRITTEN_BACK = "sdk_writeback.json"
_BESIDE = ("history_item.json", "task_metadata.json", WRITTEN_BACK)
FILES = (UI, HISTORY, *_BESIDE)


def read_task(
    agent_name: str, source: Source, cursor: Cursor | None, *, secondary: bool = False
) -> Delta:
    """Reads the task of a folder, whose source is what `task_path` says.

    `secondary`: another source may have the same task and more (see `sdk.py`).
    """
    return read_parts(source, cursor, _parts(source), _feed(agent_name, secondary), at_once=True)


def task_files(source: Source) -> tuple[str, ...]:
    """The files whose change is a change of the task."""
    return tuple(part.path for part in _parts(source))


def task_path(folder: str) -> str:
    """The path that stands for the task of a folder; empty if there is none in it."""
    for name in (UI, HISTORY):
        if os.path.lexists(f"{folder}/{name}"):
            return f"{folder}/{name}"
    return ""


def task_sources(agent_name: str, root: str) -> Iterator[Source]:
    """The tasks in the folders of `root`, which is a folder named `tasks`."""
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = task_path(f"{root.rstrip('/')}/{entry.name}")
        if path and not entry.name.endswith(".lock") and not entry.is_symlink():
            yield Source(agent_name, root, path)


def task_source_of(agent_name: str, root: str, path: str) -> Source | None:
    """The task that a changed file belongs to."""
    base = root.rstrip("/") + "/"
    if not path.startswith(base):
        return None
    folder, _, name = path[len(base) :].partition("/")
    if name not in FILES or folder.endswith(".lock"):
        return None
    found = task_path(base + folder) or (path if name in (UI, HISTORY) else "")
    return Source(agent_name, root, found) if found else None


def parts_in(folder: str) -> list[Part]:
    """The files of a task's folder; their names are those of the files."""
    items: dict[str, tuple[str, ...] | None] = {UI: (), HISTORY: ()}
    return [Part(name, f"{folder}/{name}", items.get(name)) for name in FILES]


def _parts(source: Source) -> list[Part]:
    found = parts_in(str(PurePath(source.path).parent))
    return sorted(found, key=lambda part: part.path != source.path)


def _feed(agent_name: str, secondary: bool) -> RecordFeed:
    def feed(source: Source, state: bytes, records: list[Record]) -> Fed:
        line = Timeline(agent_name, load(state))
        line.state.id = PurePath(source.path).parent.name
        ended = tell(line, records)
        delta = line.delta(ended=ended, secondary=secondary)
        return Fed([delta], dump(line.state), line.skipped, line.unknown_counts)

    return feed


def tell(line: Timeline, records: Sequence[Record], *, original: bool = False) -> bool:
    """Tells a task by the records of its files; whether it says that it is over.

    `original`: without what version 4 of Cline wrote back into it.
    """
    rows: list[Row] = []
    messages: list[tuple[int, bytes, dict[str, Any]]] = []
    beside: dict[str, dict[str, Any]] = {}
    for record in records:
        try:
            value = decode_any(record.data)
        except ValueError:
            value = None
        if record.name in _BESIDE:
            beside[record.name] = obj(value)
        elif record.name == HISTORY and record.item < 0:
            inner = obj(value).get("messages")
            for index, message in enumerate(inner if isinstance(inner, list) else []):
                messages.append((index, f"{index}".encode(), obj(message)))
        elif not isinstance(value, dict):
            line.skip("malformed")
        elif record.name == UI and record.item >= 0:
            row = ui.row_of(record.item, record.data, value)
            if row is not None:
                rows.append(row)
        elif record.name == HISTORY:
            messages.append((record.item, record.data, value))
    if original and beside.get(WRITTEN_BACK):
        most = beside[WRITTEN_BACK]
        rows = rows[: count(most.get("baseUiMessageCount")) or len(rows)]
        messages = messages[: count(most.get("baseApiMessageCount")) or len(messages)]
    ended = _on_item(line, beside.get("history_item.json", {}))
    models = _on_metadata(line, beside.get("task_metadata.json", {}))
    children = beside.get("history_item.json", {}).get("childIds")
    named = [child for child in children if isinstance(child, str)] if children else []
    telling = fresh(line, named[:256])
    _weave(telling, rows, messages, models)
    ui.end_output(telling)
    return ended


def _on_item(line: Timeline, item: dict[str, Any]) -> bool:
    """Roo's `history_item.json`; whether the task is completed."""
    state = line.state
    state.title = state.title or words(item.get("task"))
    state.cwd = state.cwd or words(item.get("workspace"))
    parent = words(item.get("parentTaskId"))
    if parent and parent != state.id:
        state.auxiliary, state.parent = True, parent
    for key in ("mode", "status", "apiConfigName"):
        if words(item.get(key)):
            state.attributes[key] = words(item[key])[:128]
    return item.get("status") == "completed"


_Models = list[tuple[int, str, str]]


def _on_metadata(line: Timeline, given: dict[str, Any]) -> _Models:
    """Cline's `task_metadata.json`: which model was used from when on."""
    found: _Models = []
    used = given.get("model_usage")
    for part in used if isinstance(used, list) else []:
        since, model = micros(obj(part).get("ts")), words(obj(part).get("model_id"))
        if since is not None and model:
            found.append((since, model[:256], words(obj(part).get("model_provider_id"))[:256]))
    past = given.get("environment_history")
    latest = obj(past[-1]) if isinstance(past, list) and past else {}
    if not line.state.tool_version:
        line.state.tool_version = words(latest.get("cline_version"))[:64]
    return sorted(found)


_Messages = list[tuple[int, bytes, dict[str, Any]]]


def _weave(telling: Telling, rows: list[Row], messages: _Messages, models: _Models) -> None:
    """Tells messages and rows in one order: each row before the message that it comes before."""
    own = [micros(message.get("ts")) for _, _, message in messages]
    _place_rows(rows, messages, own)
    covered = _covering(rows, messages, own)
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
        about = _about(telling, requests, models) if message.get("role") == "assistant" else {}
        tell_message(telling, index, message, about)
        for row in requests:
            _charge(telling, row, models)
    for row in rows[at:]:
        _on_row(telling, row, {}, covered)
    ui.end_output(telling)
    for row in spent.get(len(messages), []):
        _charge(telling, row, models)


def _on_row(telling: Telling, row: Row, following: dict[str, Any], covered: set[int]) -> None:
    if row.kind in ui.NOTES:
        if row.kind not in ("api_req_started",) or row.request.get("cancelReason"):
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


def _place_rows(rows: list[Row], messages: _Messages, own: list[int | None]) -> None:
    """Says of each row before which message it comes, in an order that is the rows' own."""
    known = all(time is not None for time in own) and bool(own)
    latest: list[int] = []
    for time in own:
        latest.append(max(latest[-1] if latest else 0, time or 0))
    users = [n for n, (_, _, m) in enumerate(messages) if m.get("role") in ("user", "tool")]
    reached, requests = 0, -1
    for row in rows:
        given = row.value.get("conversationHistoryIndex")
        if row.kind == "api_req_started":
            requests += 1
        if isinstance(given, int) and not isinstance(given, bool):
            before = given + 1
        elif known and row.ts is not None:
            before = bisect_right(latest, row.ts)
        elif requests < 0:
            before = 0
        elif requests < len(users):
            before = users[requests] + (row.kind != "api_req_started")
        else:
            before = len(messages)
        reached = max(reached, min(max(before, 0), len(messages)))
        row.before = reached


def _covering(rows: list[Row], messages: _Messages, own: list[int | None]) -> set[int]:
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


def _times(rows: list[Row], messages: _Messages, own: list[int | None]) -> list[int | None]:
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


def _spent(rows: list[Row], messages: _Messages) -> dict[int, list[Row]]:
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


def _model(telling: Telling, row: Row, models: _Models) -> tuple[str, str]:
    """The model and provider that a request went to."""
    info, state = obj(row.value.get("modelInfo")), telling.line.state
    if words(info.get("modelId")):
        state.model = words(info["modelId"])[:256]
        state.provider = words(info.get("providerId"))[:256]
    elif models and row.ts is not None:
        _, state.model, state.provider = models[
            max(0, bisect_right([since for since, _, _ in models], row.ts) - 1)
        ]
    return state.model, state.provider


def _charge(telling: Telling, row: Row, models: _Models) -> None:
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


def _about(telling: Telling, requests: list[Row], models: _Models) -> dict[str, Any]:
    if not requests:
        model = telling.line.state.model
        return {"model": model} if model else {}
    row = requests[-1]
    model, _ = _model(telling, row, models)
    return response(f"{telling.line.state.id}:{row.native}", model, *_tokens(row.request))
