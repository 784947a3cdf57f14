"""Claude Code's tools as events: a call's type and blocks, and what its result will need."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from opensession.core.hail import Block, code, json_block, text
from opensession.parsers.claude_code.state import TITLE_CHARS, OpenCall
from opensession.parsers.decoding import beginning
from opensession.parsers.languages import language_of

SUBAGENT_TOOLS = frozenset({"Task", "Agent"})
READING_TOOLS = frozenset({"Read", "NotebookRead"})
SHELL_TOOLS = frozenset({"Bash", "PowerShell"})

_KEPT_EDIT_CHARS = 8 << 10
_KINDS = {
    "Bash": "shell",
    "BashOutput": "shell",
    "KillBash": "shell",
    "KillShell": "shell",
    "PowerShell": "shell",
    "Read": "file_read",
    "NotebookRead": "file_read",
    "LS": "file_read",
    "Edit": "file_write",
    "MultiEdit": "file_write",
    "NotebookEdit": "file_write",
    "Write": "file_write",
    "Grep": "search",
    "Glob": "search",
    "ToolSearch": "search",
    "WebSearch": "web",
    "WebFetch": "web",
    "web_search": "web",
    "web_fetch": "web",
    "Agent": "task",
    "AskUserQuestion": "interactive",
}


class Call(msgspec.Struct, gc=False):
    """A call as an event, and what its result will need of it."""

    type: str
    data: dict[str, Any]
    blocks: list[Block]
    awaits: OpenCall


_Given: TypeAlias = dict[str, Any]
_Reader: TypeAlias = Callable[[str, _Given], Call | None]


def kind_of(name: str) -> str:
    """What sort of tool it is: file_read, file_write, shell, search, web, task, interactive, other.

    Tools of MCP servers are `other`, whatever their names.
    """
    kind = _KINDS.get(name)
    if kind is None:
        kind = "task" if name.startswith("Task") else "other"
    return kind


def call_of(name: str, given: Any) -> Call:
    """The event of a call; a tool or an input of unknown shape is a plain ToolCall."""
    if isinstance(given, dict):
        reader = _READERS.get(name)
        call = reader(name, given) if reader else None
        if call is not None:
            return call
    if name == "ExitPlanMode" and isinstance(given, dict) and isinstance(given.get("plan"), str):
        return Call("ToolCall", {"name": name}, [text(given["plan"])], OpenCall(name))
    return Call("ToolCall", {"name": name}, [json_block(given)] if given else [], OpenCall(name))


def prompt_digest(prompt: str) -> bytes:
    """By which a subagent's first record is known to be the prompt of a call."""
    return hashlib.blake2b(prompt.strip().encode(errors="replace"), digest_size=8).digest()


def _string(given: _Given, key: str) -> str:
    value = given.get(key)
    return value if isinstance(value, str) else ""


def _with_rest(blocks: list[Block], given: _Given, shown: frozenset[str]) -> list[Block]:
    """Blocks, and what of the input they do not show."""
    if not given.keys() <= shown:
        rest = {key: value for key, value in given.items() if key not in shown}
        blocks.append(json_block(rest))
    return blocks


def _shell(name: str, given: _Given) -> Call | None:
    command = _string(given, "command")
    if not command:
        return None
    description = _string(given, "description")
    blocks = [text(description)] if description else []
    blocks.append(code(command, "powershell" if name == "PowerShell" else "bash"))
    return Call(
        "ShellCommand", {"command": command}, _with_rest(blocks, given, _SHELL), OpenCall(name)
    )


def _read(name: str, given: _Given) -> Call | None:
    path = _string(given, "file_path") or _string(given, "notebook_path")
    if not path:
        return None
    blocks = _with_rest([text(path)], given, _PATHS)
    return Call("FileRead", {"path": path}, blocks, OpenCall(name, path))


def _write(name: str, given: _Given) -> Call | None:
    path, content = _string(given, "file_path"), _string(given, "content")
    if not path:
        return None
    blocks = [text(path)]
    if content:
        blocks.append(code(content, language_of(path)))
    edits = [("", content)] if len(content) <= _KEPT_EDIT_CHARS else []
    return Call("FileCreate", {"path": path}, blocks, OpenCall(name, path, edits))


def _edit(name: str, given: _Given) -> Call | None:
    path = _string(given, "file_path")
    if not path:
        return None
    parts = given.get("edits")
    edits = [
        (_string(part, "old_string"), _string(part, "new_string"))
        for part in (parts if isinstance(parts, list) else [given])
        if isinstance(part, dict)
    ]
    if sum([len(old) + len(new) for old, new in edits]) > _KEPT_EDIT_CHARS:
        edits = []
    return Call("FileEdit", {"path": path}, [text(path)], OpenCall(name, path, edits))


def _edit_notebook(name: str, given: _Given) -> Call | None:
    path = _string(given, "notebook_path")
    if not path:
        return None
    blocks = [text(path)]
    source = _string(given, "new_source")
    if source:
        blocks.append(code(source, "markdown" if given.get("cell_type") == "markdown" else ""))
    blocks = _with_rest(blocks, given, _NOTEBOOK)
    return Call("FileEdit", {"path": path}, blocks, OpenCall(name, path))


def _plain(event_type: str, field: str, key: str) -> _Reader:
    """Of a tool that is told by one string of its input."""
    shown = frozenset({key})

    def read(name: str, given: _Given) -> Call | None:
        value = _string(given, key)
        if not value:
            return None
        blocks = _with_rest([text(value)], given, shown)
        return Call(event_type, {field: value}, blocks, OpenCall(name))

    return read


def _fetch(name: str, given: _Given) -> Call | None:
    url = _string(given, "url")
    if not url:
        return None
    prompt = _string(given, "prompt")
    blocks = _with_rest([text(f"{url}\n{prompt}" if prompt else url)], given, _FETCH)
    return Call("WebFetch", {"url": url}, blocks, OpenCall(name))


def _subagent(name: str, given: _Given) -> Call | None:
    prompt = _string(given, "prompt")
    if not prompt:
        return None
    description = _string(given, "description")
    agent = _string(given, "subagent_type")
    heading = f"[{agent}] {description}" if agent else description
    blocks = [text(heading)] if heading else []
    blocks.append(text(prompt))
    awaits = OpenCall(name, prompt=prompt_digest(prompt), title=beginning(description, TITLE_CHARS))
    return Call("ToolCall", {"name": name}, _with_rest(blocks, given, _SUBAGENT), awaits)


_SHELL = frozenset({"command", "description", "timeout"})
_PATHS = frozenset({"file_path", "notebook_path"})
_NOTEBOOK = frozenset({"notebook_path", "new_source"})
_FETCH = frozenset({"url", "prompt"})
_SUBAGENT = frozenset({"prompt", "description", "subagent_type"})
_READERS: dict[str, _Reader] = {
    "Bash": _shell,
    "PowerShell": _shell,
    "Read": _read,
    "NotebookRead": _read,
    "Write": _write,
    "Edit": _edit,
    "MultiEdit": _edit,
    "NotebookEdit": _edit_notebook,
    "Grep": _plain("CodeSearch", "query", "pattern"),
    "Glob": _plain("FileSearch", "pattern", "pattern"),
    "LS": _plain("FileSearch", "pattern", "path"),
    "WebSearch": _plain("WebSearch", "query", "query"),
    "web_search": _plain("WebSearch", "query", "query"),
    "WebFetch": _fetch,
    "web_fetch": _fetch,
    "Task": _subagent,
    "Agent": _subagent,
}
