"""One event in few words: what it is, on what, and how it ended."""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.words import line, near, speaker
from opensession.core.rpc.sessions import EventRow

_KINDS = {
    "UserMessage": "you",
    "SystemMessage": "system",
    "Thinking": "thinking",
    "FileRead": "read",
    "FileEdit": "edit",
    "FileCreate": "create",
    "FileDelete": "delete",
    "CodeSearch": "grep",
    "FileSearch": "glob",
    "ShellCommand": "run",
    "WebSearch": "web",
    "WebFetch": "fetch",
    "ToolCall": "call",
    "ToolResult": "result",
    "TaskStart": "task",
    "TaskEnd": "task end",
    "ImageGenerate": "image",
    "VideoGenerate": "video",
    "AudioGenerate": "audio",
}

_CUSTOM = {
    "token_count": "tokens",
    "context_compacted": "compacted",
    "turn_aborted": "aborted",
}

_SUBJECTS = ("path", "command", "query", "pattern", "url", "prompt", "name", "title", "summary")

_FILES = ("FileRead", "FileEdit", "FileCreate", "FileDelete")
SPOKEN = ("UserMessage", "AgentMessage")


def kind(event: EventRow, tool: str, *, inner: bool = False) -> str:
    """The word for an event: `you`, `claude`, `edit`, `run`. `inner` is one of a subagent, whose
    prompts no person typed.
    """
    if event.type == "AgentMessage":
        return speaker(tool)
    if inner and event.type == "UserMessage":
        return "prompt"
    if event.type == "Custom":
        name = line(str((event.data or {}).get("kind", "custom")))
        return _CUSTOM.get(name, name.replace("_", " "))
    return _KINDS.get(event.type, line(event.type))


def subject(event: EventRow, folder: str = "") -> str:
    """What a call is about, in one line: a path, a command, a query; empty for the others.

    A path below `folder` is given from there.
    """
    data = event.data or {}
    for name in _SUBJECTS:
        if data.get(name):
            return line(near(str(data[name]), folder) if name == "path" else str(data[name]))
    return ""


def text(event: EventRow) -> str:
    """The text of an event's blocks, as it came: clean it before it is printed."""
    return "\n".join(part for block in event.blocks if (part := _block_text(block)))


def _block_text(block: dict[str, Any]) -> str:
    match block.get("type"):
        case "Text":
            return str(block.get("text", ""))
        case "Code":
            return str(block.get("code", ""))
        case "Json":
            return msgspec.json.format(msgspec.json.encode(block.get("data")), indent=2).decode()
        case "Image" | "Video" | "Audio":
            return f"[{block['type'].lower()} {block.get('alt') or block.get('mime') or ''}]"
        case "File":
            return str(block.get("content") or block.get("path") or "")
        case "Reference":
            return str(block.get("uri", ""))
        case other:
            return f"[{other}]"


def summary(event: EventRow, folder: str = "") -> str:
    """The event in one line, without its kind: the subject, else its first words."""
    found = subject(event, folder)
    if event.type == "ToolResult":
        name = found
        found = line(text(event))
        return f"{name}: {found}" if name and found else found or name
    if event.type == "ToolCall" and found:
        rest = line(text(event))
        return f"{found} {rest}" if rest else found
    return found or line(text(event))


def _left_out(event: EventRow) -> bool:
    """Reports whether an event's content was left out, since its file is excluded."""
    said = text(event)
    return event.type in _FILES and said.startswith("[excluded:") and said.endswith("]")


def outcome(event: EventRow) -> str:
    """How a call ended: `+1 −1`, `exit 1 · 1.9 s`; empty where nothing is known."""
    facts = ["content excluded"] if _left_out(event) else []
    diff = diff_of(event)
    if diff:
        added, removed = diff_size(diff)
        facts.append(f"+{added} −{removed}")
    exit_code = (event.data or {}).get("exit_code")
    if exit_code is not None:
        facts.append(f"exit {exit_code}")
    elif is_error(event):
        facts.append("failed")
    if event.duration_ms is not None:
        facts.append(numbers.span(event.duration_ms / 1000))
    return " · ".join(facts)


def outcome_styled(event: EventRow, screen: Screen) -> str:
    """As `outcome`, red where something failed."""
    said = outcome(event)
    return screen.red(said) if is_error(event) else screen.dim(said)


def is_error(event: EventRow) -> bool:
    """Reports whether an event says that something failed."""
    data = event.data or {}
    return data.get("is_error") is True or data.get("exit_code") not in (None, 0)


def diff_of(event: EventRow) -> str:
    """The unified diff of an edit; empty if there is none."""
    return str((event.data or {}).get("diff") or "")


def diff_size(diff: str) -> tuple[int, int]:
    """Lines added and removed by a unified diff."""
    added = removed = 0
    for each in diff.split("\n"):
        if each.startswith("+") and not each.startswith("+++"):
            added += 1
        elif each.startswith("-") and not each.startswith("---"):
            removed += 1
    return added, removed
