"""Event records (`event_msg`): turns, marks, reports, and copies of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opensession.core.hail import Attributes, text
from opensession.parsers.codex import headers, messages, reports, tokens
from opensession.parsers.codex.reading import Reading
from opensession.parsers.codex.records import Payload, Report
from opensession.parsers.codex.state import ID_CHARACTERS, mark


def on_event(reading: Reading, payload: Payload) -> bool:
    """One event; False for a type that is not known."""
    kind = payload.type or ""
    handler = _HANDLERS.get(kind)
    if handler is not None:
        handler(reading, payload)
        return True
    report = _REPORTS.get(kind)
    if report is not None:
        report(reading, payload, payload.call_id or payload.event_id or "")
        return True
    return kind in _WITHOUT_EVENT


def on_started(reading: Reading, payload: Payload) -> None:
    """A turn begins; without an id of its own it is known by that of its event."""
    state = reading.state
    state.turn = (payload.turn_id or "")[:ID_CHARACTERS]
    native = f"{state.turn}:start" if state.turn else None
    reading.emit("TaskStart", native, data={}, task_id=state.turn or None)
    if not state.turn:
        state.turn = reading.events[-1].event_id


def on_complete(reading: Reading, payload: Payload) -> None:
    """A turn ends; its last message is its summary where it was not said before."""
    state = reading.state
    turn = payload.turn_id or state.turn
    data: dict[str, Any] = {}
    last = (payload.last_agent_message or "").strip()
    if last and mark(last) != state.last_text:
        data["summary"] = last
    reading.emit(
        "TaskEnd",
        f"{turn}:end" if turn else None,
        data=data,
        task_id=turn or None,
        duration_ms=_positive(payload.duration_ms),
    )
    state.turn = ""


def on_aborted(reading: Reading, payload: Payload) -> None:
    """A turn was interrupted, replaced or ran out."""
    state = reading.state
    turn = payload.turn_id or state.turn
    attributes: Attributes = {"reason": payload.reason} if payload.reason else {}
    reading.emit(
        "Custom",
        f"{turn}:aborted" if turn else None,
        data={"kind": "turn_aborted"},
        attributes=attributes,
        task_id=turn or None,
    )
    if turn:
        duration = _positive(payload.duration_ms)
        reading.emit("TaskEnd", f"{turn}:end", data={}, task_id=turn, duration_ms=duration)
    state.turn = ""


def on_compacted(reading: Reading, payload: Payload) -> None:
    """A record `compacted`: the history so far was replaced by a summary."""
    reading.state.compacted = True
    blocks = [text(payload.message)] if payload.message else []
    reading.emit("Custom", payload.id, data={"kind": "context_compacted"}, blocks=blocks)


def on_compaction_event(reading: Reading, native: str | None) -> None:
    """The event that repeats a `compacted` record, or stands for it."""
    if reading.state.compacted:
        reading.state.compacted = False
        return
    reading.emit("Custom", native, data={"kind": "context_compacted"})


def on_item(reading: Reading, payload: Payload) -> None:
    """An event `item_completed`."""
    item = payload.item
    if item is None:
        return
    kind = item.type or ""
    reading.raw_type = f"event_msg/item_completed/{kind}"
    report = _ITEM_REPORTS.get(kind)
    if report is not None:
        report(reading, item, item.id or "")
    elif kind == "UserMessage":
        messages.on_user_event(reading, "", item)
    elif kind == "AgentMessage":
        messages.on_agent_event(reading, "", item)
    elif kind == "Reasoning":
        messages.on_reasoning_event(reading, item.summary_text or [], item.id)
    elif kind in ("Plan", "plan"):
        _mark(reading, item.id, "plan_completed", item.text)
    elif kind == "HookPrompt":
        reports.on_hook_prompt(reading, item)
    elif kind == "ContextCompaction":
        on_compaction_event(reading, item.id)
    elif kind not in _ITEMS_WITHOUT_EVENT:
        reading.emit_unknown(f"event_msg/item_completed/{kind}")


def _mark(reading: Reading, native: str | None, kind: str, words: str | None) -> None:
    reading.emit("Custom", native, data={"kind": kind}, blocks=[text(words)] if words else None)


def _on_user(reading: Reading, payload: Payload) -> None:
    messages.on_user_event(reading, payload.message or "", None)


def _on_agent(reading: Reading, payload: Payload) -> None:
    messages.on_agent_event(reading, payload.message or "", None)


def _on_reasoning(reading: Reading, payload: Payload) -> None:
    messages.on_reasoning_event(reading, [payload.text or ""], None)


def _on_compaction(reading: Reading, payload: Payload) -> None:
    on_compaction_event(reading, None)


def _on_name(reading: Reading, payload: Payload) -> None:
    reading.state.title = payload.thread_name or reading.state.title


def _on_rolled_back(reading: Reading, payload: Payload) -> None:
    attributes = {"turns": payload.num_turns} if payload.num_turns is not None else None
    reading.emit("Custom", None, data={"kind": "thread_rolled_back"}, attributes=attributes)


def _on_review_begin(reading: Reading, payload: Payload) -> None:
    _mark(reading, None, "entered_review_mode", payload.user_facing_hint)


def _on_review_end(reading: Reading, payload: Payload) -> None:
    found = payload.review_output
    words = found.get("overall_explanation") if isinstance(found, dict) else None
    _mark(reading, None, "exited_review_mode", words if isinstance(words, str) else None)


def _on_problem(reading: Reading, payload: Payload) -> None:
    _mark(reading, None, payload.type or "error", payload.message)


def _positive(value: int | None) -> int | None:
    return value if value is not None and value >= 0 else None


_HANDLERS: dict[str, Callable[[Reading, Payload], None]] = {
    "item_completed": on_item,
    "token_count": tokens.on_token_count,
    "user_message": _on_user,
    "agent_message": _on_agent,
    "agent_reasoning": _on_reasoning,
    "agent_reasoning_raw_content": _on_reasoning,
    "task_started": on_started,
    "turn_started": on_started,
    "task_complete": on_complete,
    "task_completed": on_complete,
    "task_finished": on_complete,
    "turn_complete": on_complete,
    "turn_aborted": on_aborted,
    "context_compacted": _on_compaction,
    "thread_name_updated": _on_name,
    "thread_settings_applied": headers.on_settings,
    "thread_rolled_back": _on_rolled_back,
    "entered_review_mode": _on_review_begin,
    "exited_review_mode": _on_review_end,
    "error": _on_problem,
    "stream_error": _on_problem,
    "warning": _on_problem,
}

_REPORTS: dict[str, Callable[[Reading, Report, str], None]] = {
    "exec_command_end": reports.on_command_end,
    "patch_apply_end": reports.on_patch_end,
    "mcp_tool_call_end": reports.on_tool_end,
    "dynamic_tool_call_response": reports.on_tool_end,
    "collab_agent_spawn_end": reports.on_agent_end,
    "sub_agent_activity": reports.on_agent_end,
    "view_image_tool_call": reports.on_image_view,
}

_ITEM_REPORTS: dict[str, Callable[[Reading, Report, str], None]] = {
    "CommandExecution": reports.on_command_end,
    "FileChange": reports.on_patch_end,
    "McpToolCall": reports.on_tool_end,
    "DynamicToolCall": reports.on_tool_end,
    "CollabAgentToolCall": reports.on_agent_end,
    "SubAgentActivity": reports.on_agent_end,
    "ImageView": reports.on_image_view,
}

# Known, and said by other records or of no interest to a reader.
_WITHOUT_EVENT = frozenset(
    (
        "web_search_end",
        "image_generation_end",
        "dynamic_tool_call_request",
        "collab_agent_interaction_end",
        "collab_waiting_end",
        "collab_close_end",
        "collab_resume_end",
        "thread_goal_updated",
        "guardian_assessment",
        "guardian_warning",
        "session_configured",
        "shutdown_complete",
        "background_event",
        "turn_diff",
        "plan_update",
        "model_reroute",
        "deprecation_notice",
    )
)
_ITEMS_WITHOUT_EVENT = frozenset(("WebSearch", "ImageGeneration", "Sleep"))
