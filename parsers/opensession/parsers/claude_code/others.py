"""Records that are no messages: the system's own, titles, links, and what is not known."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from opensession.core.hail import Attributes, Block, json_block, text
from opensession.parsers.claude_code import messages, notes, records, results
from opensession.parsers.claude_code.attachments import plain
from opensession.parsers.claude_code.reading import Reading
from opensession.parsers.claude_code.records import Record
from opensession.parsers.claude_code.state import LISTED, TITLE_CHARS
from opensession.parsers.decoding import beginning

SILENT = frozenset(
    {
        "agent-color",
        "agent-setting",
        "api-request",
        "api-request-blob",
        "api-request-shape",
        "artifact-autoreact-ledger",
        "artifact-comment-monitor",
        "atis-latch",
        "attribution-snapshot",
        "bridge-session",
        "content-replacement",
        "cost-state",
        "file-history-delta",
        "file-history-snapshot",
        "frame-link",
        "last-prompt",
        "marble-origami-snapshot",
        "mode",
        "permission-mode",
        "speculation-accept",
        "task-summary",
        "tools-used",
        "worktree-state",
    }
)
"""Records that say nothing of the conversation; known, and without events."""


def read_system(reading: Reading) -> None:
    """A record of type system: what Claude Code itself reports."""
    record = reading.record
    subtype = record.subtype or ""
    attributes: Attributes = {}
    if subtype:
        attributes["system.subtype"] = subtype
    if record.level:
        attributes["system.level"] = record.level
    content = record.content if isinstance(record.content, str) else ""
    if subtype in ("compact_boundary", "microcompact_boundary"):
        _compacted(reading, content, attributes)
    elif subtype == "turn_duration":
        reading.emit("Custom", [], attributes, {"kind": subtype}, results.whole(record.duration_ms))
    elif subtype == "local_command":
        messages.say(reading, content, attributes)
    elif subtype == "api_error":
        attributes["error"] = True
        reading.emit("SystemMessage", [text(_api_error(record))], attributes)
    elif subtype == "stop_hook_summary":
        reading.emit("SystemMessage", [text(_hooks(record))], attributes)
    else:
        said = content.strip() or f"System event: {subtype or 'system'}"
        reading.emit("SystemMessage", [text(said)], attributes)


def _compacted(reading: Reading, content: str, attributes: Attributes) -> None:
    metadata = reading.record.compact_metadata or {}
    trigger, before = metadata.get("trigger"), metadata.get("preTokens")
    if isinstance(trigger, str):
        attributes["compact.trigger"] = trigger
    if type(before) is int:
        attributes["compact.tokens_before"] = before
    reading.custom("context_compacted", [text(content)] if content else [], attributes)


def _api_error(record: Record) -> str:
    parts = [part for part in _messages(record.error) if part]
    said = "API error: " + (", ".join(dict.fromkeys(parts)) or "no details")
    attempt, most = results.whole(record.retry_attempt), results.whole(record.max_retries)
    if attempt is not None:
        said += f" (attempt {attempt} of {most})" if most else f" (attempt {attempt})"
    return said


def _messages(error: Any, depth: int = 3) -> list[str]:
    if isinstance(error, str):
        return [error]
    if not isinstance(error, dict) or not depth:
        return []
    found = [str(error[key]) for key in ("status", "code") if isinstance(error.get(key), str | int)]
    found += [value for key in ("type", "message") if isinstance(value := error.get(key), str)]
    for key in ("error", "cause"):
        found += _messages(error.get(key), depth - 1)
    return found


def _hooks(record: Record) -> str:
    commands = [
        command
        for info in record.hook_infos or []
        if isinstance(info, dict) and isinstance(command := info.get("command"), str)
    ]
    lines = ["Stop hooks: " + ("; ".join(commands) or "none")]
    lines += [error for error in record.hook_errors or [] if isinstance(error, str)]
    return "\n".join(lines)


def read_summary(reading: Reading) -> None:
    """The title of a conversation, by its last record: kept if that is in this file."""
    record = reading.record
    if not record.summary or not record.leaf_uuid:
        return
    if notes.entitle(reading.state, record.leaf_uuid, record.summary):
        reading.custom("summary", [text(record.summary)], {})


def read_title(reading: Reading) -> None:
    """A name given to the session, by a person or by the model."""
    record, state = reading.record, reading.state
    if record.type == "custom-title":
        state.custom_title = beginning((record.custom_title or "").strip(), TITLE_CHARS)
    elif record.type == "ai-title":
        state.ai_title = beginning((record.ai_title or "").strip(), TITLE_CHARS)
    elif record.type == "agent-name":
        state.agent_name = beginning((record.agent_name or "").strip(), TITLE_CHARS)
    else:
        state.tag = beginning((record.tag or "").strip(), TITLE_CHARS)


def read_pull_request(reading: Reading) -> None:
    """A pull request that the session opened."""
    url = reading.record.pr_url
    if not url:
        reading.skip("malformed")
        return
    pull_requests = reading.state.pull_requests
    if url not in pull_requests and len(pull_requests) < LISTED:
        pull_requests.append(url)
    block: Block = {"type": "Reference", "uri": url, "media_type": "text/html"}
    reading.custom("pull_request", [block], {})


def read_collapse(reading: Reading) -> None:
    """A span of the conversation that was replaced by a summary."""
    summary = reading.record.summary or ""
    reading.custom("context_compacted", [text(summary)] if summary else [], {})


def read_hook_context(reading: Reading) -> None:
    """What a hook told the model."""
    said = plain(reading.record.content).strip()
    if said:
        reading.emit("SystemMessage", [text(said)], {})


def read_unknown(reading: Reading) -> None:
    """A record of a type this version does not know: kept whole."""
    name = reading.record.type
    reading.meet(name)
    value = records.decode_value(Raw(reading.line))
    reading.custom(f"unknown:{name}", [json_block(value)], {})


def read_oversized(reading: Reading) -> None:
    """A line beyond the limit: its head and its end, as text."""
    shown = reading.line.decode("utf-8", "replace")
    reading.custom("oversized", [text(shown)], {})
