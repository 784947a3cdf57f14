"""Records of type `system`: what Qwen Code itself notes in a transcript, by subtype."""

from __future__ import annotations

from collections.abc import Callable

from opensession.core.hail import Attributes, json_block, text
from opensession.parsers.actions import Given, string
from opensession.parsers.gemini_parts import (
    attributes_of,
    count_in,
    parts_of,
    tokens_of,
    words_of,
)
from opensession.parsers.qwen_code.messages import keep_duration, spend
from opensession.parsers.timeline import RELATED, Timeline

SILENT = frozenset(
    {
        "agent_bootstrap",
        "agent_launch_prompt",
        "agent_retry",
        "agent_session_ready",
        "attribution_snapshot",
        "branch_checkpoint",
        "file_history_snapshot",
        "goal_state",
        "goal_turn_end",
        "managed_session_commit_v1",
        "managed_session_event_v1",
        "managed_session_header_v1",
        "omni_recall",
        "session_approval_mode",
        "session_artifact_event",
        "session_artifact_snapshot",
        "session_execution_engine",
        "session_notes",
        "session_source",
        "session_sources_snapshot",
        "user_text_elements",
    }
)
"""Subtypes that say nothing of the conversation; known, and without events."""

_SUMMARY_CHARACTERS = 16 << 10


def read_system(line: Timeline, record: Given) -> None:
    """One record of type `system`."""
    subtype = string(record, "subtype")
    value = record.get("systemPayload")
    reader = _READERS.get(subtype)
    if reader is not None:
        reader(line, string(record, "uuid"), value if isinstance(value, dict) else {})
    elif subtype not in SILENT:
        line.unknown(f"system/{subtype}", record, string(record, "uuid"))


def _telemetry(line: Timeline, native: str, payload: Given) -> None:
    """A measurement. It repeats what other records say but for times, errors of the API, and, in
    versions without transcripts of subagents, what those spent.
    """
    event = payload.get("uiEvent")
    if not isinstance(event, dict):
        return
    kind = string(event, "event.name").rpartition(".")[2]
    if kind == "tool_call":
        keep_duration(line, string(event, "call_id"), count_in(event, "duration_ms"))
    elif kind == "api_error":
        said = ", ".join(
            str(value)
            for name in ("status_code", "error_type", "error_message", "error")
            if isinstance(value := event.get(name), str | int) and value
        )
        attributes: Attributes = {"error": True, "system.subtype": kind}
        blocks = [text(f"API error: {said or 'no details'}")]
        line.emit("SystemMessage", native, blocks=blocks, attributes=attributes)
    elif kind == "api_response" and _is_of_untold_subagent(line, event):
        tokens = tokens_of(
            count_in(event, "input_token_count"),
            count_in(event, "output_token_count"),
            count_in(event, "cached_content_token_count"),
            count_in(event, "thoughts_token_count"),
            count_in(event, "tool_token_count"),
            count_in(event, "total_token_count"),
        )
        response, model = string(event, "response_id") or native, string(event, "model")
        attributes = attributes_of(response, model, tokens)
        line.emit("Custom", native, data={"kind": "token_count"}, attributes=attributes)
        spend(line, response, model, tokens)


def _is_of_untold_subagent(line: Timeline, event: Given) -> bool:
    """Reports whether a response was a subagent's that has no transcript of its own.

    A subagent that has one is named after the call that started it.
    """
    if not string(event, "subagent_name") or string(event, "subagent_id"):
        return False
    agent = string(event, "prompt_id").partition("#")[2].rpartition("#")[0]
    return not any(agent.endswith(call_id) for call_id in line.state.open)


def _compression(line: Timeline, native: str, payload: Given) -> None:
    """The history so far was replaced by a summary, for the model."""
    info, history = payload.get("info"), payload.get("compressedHistory")
    attributes: Attributes = {}
    if isinstance(info, dict):
        for name, key in (("before", "originalTokenCount"), ("after", "newTokenCount")):
            if count_in(info, key):
                attributes[f"compact.tokens_{name}"] = count_in(info, key)
    blocks = []
    first = history[0] if isinstance(history, list) and history else None
    if isinstance(first, dict):
        summary = words_of(parts_of(first.get("parts"))).strip()
        blocks = [text(summary)] if 0 < len(summary) <= _SUMMARY_CHARACTERS else []
    data = {"kind": "context_compacted"}
    line.emit("Custom", native, data=data, blocks=blocks, attributes=attributes)


def _slash_command(line: Timeline, native: str, payload: Given) -> None:
    """A command that a person typed, or what Qwen Code answered to it."""
    if string(payload, "phase") == "result":
        items = payload.get("outputHistoryItems")
        said = [
            string(item, "text").strip()
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict) and string(item, "type") != "user"
        ]
        words = "\n".join(each for each in said if each)
        if words:
            attributes: Attributes = {"system.subtype": "slash_command"}
            line.emit("SystemMessage", native, blocks=[text(words)], attributes=attributes)
        return
    command = string(payload, "rawCommand").strip()
    if command and payload.get("hiddenInvocation") is not True:
        name = command.split(maxsplit=1)[0]
        attributes = {"slash_command": name}
        line.emit("UserMessage", native, blocks=[text(command)], attributes=attributes)


def _at_command(line: Timeline, native: str, payload: Given) -> None:
    """The files that a prompt named with `@`."""
    line.emit("Custom", native, data={"kind": "at_command"}, blocks=[json_block(payload)])


def _title(line: Timeline, native: str, payload: Given) -> None:
    line.state.title = string(payload, "customTitle")[:4096] or line.state.title


def _rewind(line: Timeline, native: str, payload: Given) -> None:
    """The person went back: what follows is a branch; what was left stays told."""
    attributes: Attributes = {}
    if count_in(payload, "truncatedCount"):
        attributes["rewind.items"] = count_in(payload, "truncatedCount")
    line.emit("Custom", native, data={"kind": "rewind"}, attributes=attributes)


def _parent(line: Timeline, native: str, payload: Given) -> None:
    """The session that made this one, which is no part of it."""
    relate(line, string(payload, "parentSessionId"))


def relate(line: Timeline, session_id: str) -> None:
    """Notes another session that this one comes from."""
    related = line.state.related
    if session_id and session_id not in related and len(related) < RELATED:
        related.append(session_id[:512])


def _model(line: Timeline, native: str, payload: Given) -> None:
    line.state.model = line.state.model or string(payload, "modelId")[:256]


def _turn_result(line: Timeline, native: str, payload: Given) -> None:
    """How a turn ended, where it did not end well."""
    state, error = string(payload, "state"), payload.get("error")
    if state == "cancelled":
        line.emit("Custom", native, data={"kind": "turn_aborted"})
    elif state == "error" and isinstance(error, dict):
        attributes: Attributes = {"error": True, "system.subtype": "turn_result"}
        blocks = [text(string(error, "message") or "no details")]
        line.emit("SystemMessage", native, blocks=blocks, attributes=attributes)


def _task_completed(line: Timeline, native: str, payload: Given) -> None:
    words = string(payload, "displayText").strip()
    if words:
        attributes: Attributes = {"system.subtype": "background_task_completed"}
        line.emit("SystemMessage", native, blocks=[text(words)], attributes=attributes)


_READERS: dict[str, Callable[[Timeline, str, Given], None]] = {
    "at_command": _at_command,
    "background_task_completed": _task_completed,
    "chat_compression": _compression,
    "custom_title": _title,
    "parent_session": _parent,
    "rewind": _rewind,
    "session_model": _model,
    "slash_command": _slash_command,
    "turn_result": _turn_result,
    "ui_telemetry": _telemetry,
}
