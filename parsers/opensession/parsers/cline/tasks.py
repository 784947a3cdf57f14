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
and tokens stand in the task's own files, and it changes with every step of any task.

A `partial` row was growing when it was written last. Where a later one has the same words and more
it is left over from streaming; but Cline also leaves finished rows so.

`tokensIn` is uncached input in Cline. Roo says which protocol a request had (`apiProtocol`), and
has counted the cached part in, for OpenAI's from the beginning, for Anthropic's later on. A count
that is larger than its cached parts is taken to hold them there: with caching, what is not cached
is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opensession.parsers.agent import Cursor, Delta, Source
from opensession.parsers.cline import rows as ui
from opensession.parsers.cline.folders import (
    BESIDE,
    HISTORY,
    WRITTEN_BACK,
    source_parts,
    task_id,
)
from opensession.parsers.cline.rows import Row
from opensession.parsers.cline.telling import fresh
from opensession.parsers.cline.values import count, micros, obj, words
from opensession.parsers.cline.weave import Messages, Models, weave
from opensession.parsers.decoding import decode_any
from opensession.parsers.jsonl import Fed
from opensession.parsers.timeline import Timeline, dump, load
from opensession.parsers.whole import Record, RecordFeed, read_parts


def read_task(
    agent_name: str, source: Source, cursor: Cursor | None, *, secondary: bool = False
) -> Delta:
    """Reads the task of a folder, whose source is one of `folders.task_sources`.

    `secondary`: another source may have the same task and more (see `sdk.py`).
    """
    return read_parts(
        source, cursor, source_parts(source), _feed(agent_name, secondary), at_once=True
    )


def _feed(agent_name: str, secondary: bool) -> RecordFeed:
    def feed(source: Source, state: bytes, records: list[Record]) -> Fed:
        line = Timeline(agent_name, load(state))
        line.state.id = task_id(source)
        ended = tell(line, records)
        delta = line.delta(ended=ended, secondary=secondary)
        return Fed([delta], dump(line.state), line.skipped, line.unknown_counts)

    return feed


def tell(line: Timeline, records: Sequence[Record], *, original: bool = False) -> bool:
    """Tells a task by the records of its files; whether it says that it is over.

    `original`: without what version 4 of Cline wrote back into it.
    """
    rows: list[Row] = []
    messages: Messages = []
    beside: dict[str, dict[str, Any]] = {}
    for record in records:
        try:
            value = decode_any(record.data)
        except ValueError:
            value = None
        if record.name in BESIDE:
            beside[record.name] = obj(value)
        elif record.name == HISTORY and record.item < 0:
            inner = obj(value).get("messages")
            for index, message in enumerate(inner if isinstance(inner, list) else []):
                messages.append((index, f"{index}".encode(), obj(message)))
        elif not isinstance(value, dict):
            line.skip("malformed")
        elif record.name == HISTORY or ("role" in value and "ts" not in value):
            messages.append((record.item, record.data, value))
        elif record.item >= 0:
            rows.append(ui.row_of(record.item, record.data, value))
    if original and beside.get(WRITTEN_BACK):
        most = beside[WRITTEN_BACK]
        rows = rows[: count(most.get("baseUiMessageCount")) or len(rows)]
        messages = messages[: count(most.get("baseApiMessageCount")) or len(messages)]
    ended = _on_item(line, beside.get("history_item.json", {}))
    models = _on_metadata(line, beside.get("task_metadata.json", {}))
    children = beside.get("history_item.json", {}).get("childIds")
    named = [child for child in children if isinstance(child, str)] if children else []
    telling = fresh(line, named[:256])
    weave(telling, rows, messages, models)
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


def _on_metadata(line: Timeline, given: dict[str, Any]) -> Models:
    """Cline's `task_metadata.json`: which model was used from when on."""
    found: Models = []
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
