"""What goes to the model beside the prompts, and prompts that had to wait."""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Attributes, Block, code, json_block, text
from opensession.parsers.claude_code import messages, records, results
from opensession.parsers.claude_code.reading import Reading
from opensession.parsers.claude_code.state import LISTED
from opensession.parsers.languages import language_of

_SILENT_ATTACHMENTS = frozenset(
    {
        "agent_listing_delta",
        "agent_mention",
        "agent_setting",
        "already_read_file",
        "async_hook_response",
        "auto_mode",
        "auto_mode_exit",
        "brief_mode",
        "budget_usd",
        "command_permissions",
        "companion_intro",
        "compaction_reminder",
        "context_efficiency",
        "critical_system_reminder",
        "current_session_memory",
        "date",
        "date_change",
        "deferred_tools_delta",
        "dynamic_skill",
        "effort_change",
        "environment",
        "hook_cancelled",
        "hook_permission_decision",
        "invoked_skills",
        "mcp_instructions_delta",
        "memory_update",
        "model",
        "nested_memory",
        "output_style",
        "output_token_usage",
        "plan_file_reference",
        "plan_mode",
        "plan_mode_exit",
        "plan_mode_reentry",
        "prompt_snapshot",
        "relevant_memories",
        "remote_session_change",
        "session_context",
        "skill_discovery",
        "skill_listing",
        "task_reminder",
        "task_status",
        "team_context",
        "todo",
        "todo_reminder",
        "token_usage",
        "ultrathink_effort",
        "verify_plan_reminder",
    }
)
_HOOK_TEXTS = ("content", "stdout", "stderr", "blockingError", "message", "systemMessage")
_QUEUED_CHARS = 16 << 10


def read_attachment(reading: Reading) -> None:
    """What was handed to the model beside the prompts; only what a person or a hook gave."""
    raw = reading.record.attachment
    reading.state.attachments = True
    part = records.decode_part(raw) if raw else None
    kind = part.type if part else ""
    if kind in _SILENT_ATTACHMENTS:
        return
    value = records.decode_value(raw) if raw else None
    if not kind or not isinstance(value, dict):
        reading.skip("malformed")
        return
    attributes: Attributes = {"source.raw_type": f"attachment/{kind}"}
    if kind == "queued_command":
        _queued_prompt(reading, value, attributes)
        return
    blocks = _attached(kind, value)
    if blocks is None:
        reading.meet(f"attachment/{kind}")
        reading.custom(f"unknown:attachment/{kind}", [json_block(value)], attributes)
    elif blocks:
        reading.emit("SystemMessage", blocks, attributes)


def _queued_prompt(reading: Reading, value: dict[str, Any], attributes: Attributes) -> None:
    """A prompt typed while the agent was at work, as it was handed over."""
    prompt = value.get("prompt")
    origin = value.get("origin")
    human = value.get("commandMode") in (None, "prompt", "bash") and (
        not isinstance(origin, dict) or origin.get("kind") in (None, "human")
    )
    parts = prompt if isinstance(prompt, list) else [prompt]
    for part in parts:
        said = part.get("text") if isinstance(part, dict) else part
        if not isinstance(said, str) or not said.strip():
            continue
        if human:
            messages.say(reading, said, {"queued": True})
        else:
            reading.emit("SystemMessage", [text(said.strip())], dict(attributes))


def _attached(kind: str, value: dict[str, Any]) -> list[Block] | None:
    """The blocks of an attachment that is worth an event; None for one that is not known."""
    if kind.startswith("hook_"):
        found = [said for key in _HOOK_TEXTS if (said := plain(value.get(key)))]
        name = plain(value.get("hookName"))
        return [text("\n".join([f"Hook {name}:" if name else "Hook:", *found]))] if found else []
    path = plain(value.get("filename")) or plain(value.get("path"))
    content = value.get("content")
    if kind == "edited_text_file":
        snippet = plain(value.get("snippet"))
        changed = results.numbered(snippet, path) or ([text(snippet)] if snippet else [])
        return [text(f"Changed outside of the session: {path}"), *changed]
    if kind in ("file", "compact_file_reference", "pdf_reference", "opened_file_in_ide"):
        inner = content.get("file") if isinstance(content, dict) else None
        file_text = plain(inner.get("content")) if isinstance(inner, dict) else ""
        blocks = [text(f"Attached: {path}")]
        return [*blocks, code(file_text, language_of(path))] if file_text else blocks
    if kind in ("directory", "selected_lines_in_ide"):
        inside = plain(content)
        blocks = [text(f"Attached: {path}")]
        return [*blocks, code(inside)] if inside else blocks
    if kind == "diagnostics":
        return [text("Diagnostics"), json_block(value.get("files"))]
    if kind == "structured_output":
        return [json_block(value.get("data"))]
    if kind in ("max_turns_reached", "mcp_resource", "teammate_mailbox", "away_summary"):
        rest = {key: part for key, part in value.items() if key != "type"}
        return [text(kind.replace("_", " ")), json_block(rest)]
    return None


def plain(value: Any) -> str:
    """The text of a value that is text, a list of texts, or a hook's complaint."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(part for part in value if isinstance(part, str))
    if isinstance(value, dict):
        inner = value.get("blockingError")
        return inner if isinstance(inner, str) else ""
    return ""


def read_queue(reading: Reading) -> None:
    """The queue of prompts typed while the agent is at work.

    What leaves it becomes a user record or an attachment. Before transcripts had attachments, a
    prompt that was handed over amid a turn stood nowhere else than here.
    """
    record = reading.record
    queued = reading.state.queued
    content = record.content
    if record.operation == "enqueue":
        if isinstance(content, list):
            content = "\n".join(
                part["text"]
                for part in content
                if isinstance(part, dict) and isinstance(part.get("text"), str)
            )
        queued.append(content[:_QUEUED_CHARS] if isinstance(content, str) else "")
        del queued[:-LISTED]
    elif record.operation == "popAll":
        queued.clear()
    elif queued:
        said = queued.pop(0)
        if record.operation == "remove" and not reading.state.attachments and said.strip():
            messages.say(reading, said, {"queued": True})
