"""From the lines of an `events.jsonl` to events: which record goes where.

{"type": "assistant.message", "data": {…}, "id": "<uuid>", "timestamp": "2026-11-20T23:49:21.872Z",
 "parentId": "<id of the record before>", "agentId": "<uuid>, of a subagent's records"}
"""

from __future__ import annotations

import re
from collections.abc import Callable

from opensession.core.hail import text
from opensession.parsers.agent import Source
from opensession.parsers.copilot import legacy, messages, notes, usage
from opensession.parsers.copilot.book import Reading, dump, is_unique, load
from opensession.parsers.copilot.fields import Object, obj, string
from opensession.parsers.decoding import decode_any, mend_text
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.times import parse_stamp

EVENTS = "events.jsonl"

_OUTER = re.compile(rb'"(type|toolCallId|agentId|id|timestamp)"\s*:\s*"([^"\\]{1,128})"')


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `jsonl.read_lines` for session files."""
    book = load(state)
    reading = Reading(book)
    for line in lines:
        if line.oversized:
            book.main.id = book.main.id or _id_of(source.path, {})
            _oversized(reading, line.data)
            continue
        try:
            record = decode_any(line.data)
        except ValueError:
            reading.main.skip("malformed")
            continue
        if not isinstance(record, dict):
            reading.main.skip("malformed")
            continue
        book.main.id = book.main.id or _id_of(source.path, record)
        _record(reading, line.data, record)
    skipped, unknown = reading.counts()
    sessions = reading.deltas() if book.main.id else []
    return Fed(sessions=sessions, state=dump(book), skipped=skipped, unknown=unknown)


def _record(reading: Reading, line: bytes, record: Object) -> None:
    kind = string(record, "type")
    if not kind:
        reading.main.skip("without a type")
        return
    data = obj(record, "data")
    if not reading.turn_to(record, data):
        reading.main.skip("of a subagent long ago")
        return
    if not reading.key or kind in _ENDS:
        reading.ended.discard(reading.key)
    reading.native = string(record, "id")
    reading.line.at(parse_stamp(string(record, "timestamp", 64)), kind, line)
    handler = _RECORDS.get(kind)
    if handler is not None:
        handler(reading, data)
    elif kind not in _WITHOUT_EVENT and record.get("ephemeral") is not True:
        reading.line.unknown(kind, data, reading.native)


def _oversized(reading: Reading, data: bytes) -> None:
    """A line too long to be decoded: its head and end, as the result of its call if it is one.

    The type comes first in a line, the record's own id, time and subagent last.
    """
    found = [
        (key.decode(), value.decode("utf-8", "replace")) for key, value in _OUTER.findall(data)
    ]
    last = dict(found)
    first = dict(reversed(found))
    kind = first.get("type", "")
    inner: Object = {"toolCallId": first.get("toolCallId", "")}
    if not reading.turn_to({"agentId": last.get("agentId", "")}, inner):
        return
    line = reading.line
    line.skip("oversized")
    line.at(parse_stamp(last.get("timestamp", "")), kind, data)
    words = data.decode("utf-8", "replace")
    if kind == "tool.execution_complete" and inner["toolCallId"] in line.state.open:
        line.result(last.get("id"), inner["toolCallId"], [text(words)])
    elif kind not in _WITHOUT_EVENT:
        line.emit("Custom", last.get("id"), data={"kind": "oversized"}, blocks=[text(words)])


def _id_of(path: str, record: Object) -> str:
    """The session's id: the folder's name or, of a flat file, its own, where that is an id of
    Copilot's; else what the first record says; else that name all the same.
    """
    folder, _, name = path.rpartition("/")
    named = folder.rpartition("/")[2] if name == EVENTS else name.removesuffix(".jsonl")
    said = string(obj(record, "data"), "sessionId", 256)
    return named if is_unique(named) else said or mend_text(named) or "unnamed"


def _on_import(reading: Reading, data: Object) -> None:
    """A record `session.import_legacy`: the whole session as an older version kept it."""
    legacy.tell(reading.line, obj(data, "legacySession"))


_ENDS = frozenset(("subagent.started", "user.message"))
"""Records after which a subagent that ended is at work again."""

_RECORDS: dict[str, Callable[[Reading, Object], None]] = {
    "session.start": notes.on_start,
    "session.resume": notes.on_resume,
    "session.context_changed": notes.on_context,
    "session.model_change": notes.on_model,
    "session.mode_changed": notes.on_mode,
    "session.compaction_complete": notes.on_compacted,
    "session.truncation": notes.on_compacted,
    "session.context_cleared": notes.on_cleared,
    "session.error": notes.on_error,
    "session.info": notes.on_notice,
    "session.warning": notes.on_notice,
    "session.handoff": notes.on_handoff,
    "session.task_complete": notes.on_task_complete,
    "session.shutdown": notes.on_shutdown,
    "session.usage_record": usage.on_usage_record,
    "session.import_legacy": _on_import,
    "user.message": messages.on_user,
    "assistant.message": messages.on_assistant,
    "assistant.reasoning": messages.on_reasoning,
    "tool.user_requested": messages.on_user_call,
    "tool.execution_start": messages.on_call,
    "tool.execution_complete": messages.on_result,
    "model.call_failure": notes.on_error,
    "abort": notes.on_abort,
    "hook.end": notes.on_hook,
    "skill.invoked": notes.on_skill,
    "system.notification": notes.on_notification,
    "subagent.started": notes.on_subagent_started,
    "custom_agent.started": notes.on_subagent_started,
    "subagent.completed": notes.on_subagent_ended,
    "subagent.failed": notes.on_subagent_ended,
    "custom_agent.completed": notes.on_subagent_ended,
    "custom_agent.failed": notes.on_subagent_ended,
}
_WITHOUT_EVENT = frozenset(
    (
        "assistant.idle",
        "assistant.intent",
        "assistant.turn_end",
        "assistant.turn_start",
        "custom_agent.selected",
        "hook.start",
        "model.call_finished",
        "pending_messages.modified",
        "permission.completed",
        "permission.requested",
        "session.auto_mode_resolved",
        "session.autopilot_objective_changed",
        "session.background_tasks_changed",
        "session.binary_asset",
        "session.compaction_start",
        "session.custom_agents_updated",
        "session.extensions_loaded",
        "session.idle",
        "session.managed_settings_resolved",
        "session.mcp_servers_loaded",
        "session.mcp_server_status_changed",
        "session.permissions_changed",
        "session.plan_changed",
        "session.remote_steerable_changed",
        "session.schedule_cancelled",
        "session.schedule_created",
        "session.schedule_rearmed",
        "session.session_limits_changed",
        "session.skills_loaded",
        "session.tools_updated",
        "session.usage_checkpoint",
        "session.usage_info",
        "session.workspace_file_changed",
        "subagent.configured",
        "subagent.deselected",
        "subagent.selected",
        "system.message",
        "user_input.completed",
        "user_input.requested",
    )
)
"""Known, and nothing of the conversation; `system.message` is the vendor's own prompt."""
