"""Calls of tools, as the events of what they do: commands, edits, reads, searches."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from opensession.core.hail import Attributes, Block, code, json_block, text
from opensession.parsers import patches
from opensession.parsers.codex.reading import Reading
from opensession.parsers.codex.records import Payload
from opensession.parsers.codex.state import (
    ID_CHARACTERS,
    PATH_CHARACTERS,
    FileOf,
    OpenCall,
    keep_diff,
    keep_open,
)
from opensession.parsers.decoding import decode_any, storable
from opensession.parsers.languages import language_of

SHELLS = frozenset(("exec_command", "shell", "shell_command", "container.exec", "local_shell"))
_SHELL_PROGRAMS = frozenset(("bash", "sh", "zsh", "dash", "fish", "ksh"))
_INTERACTIVE = frozenset(("request_user_input", "ask_user", "ask_followup_question"))
_EVENT_OF_PATCH = {"update": "FileEdit", "add": "FileCreate", "delete": "FileDelete"}
_TASKS = frozenset(
    ("spawn_agent", "send_input", "send_message", "wait_agent", "resume_agent", "close_agent")
)


def command_of(words: Any) -> str:
    """A command line: the script of `bash -lc SCRIPT`, else the quoted words."""
    if isinstance(words, str):
        return words
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        return ""
    if len(words) == 3 and words[1].startswith("-"):
        program = words[0].rsplit("/", 1)[-1]
        if program in _SHELL_PROGRAMS and words[1].endswith("c"):
            return str(words[2])
        if program.lower().startswith(("powershell", "pwsh", "cmd")):
            return str(words[2])
    if len(words) > 2 and words[0].lower().rsplit("\\", 1)[-1].startswith(("powershell", "pwsh")):
        return str(words[-1])
    return shlex.join(words)


def on_function_call(reading: Reading, payload: Payload) -> None:
    """A response item `function_call`, whose arguments are JSON in a string."""
    arguments = payload.arguments
    if isinstance(arguments, str):
        try:
            arguments = decode_any(arguments) if arguments else {}
        except ValueError:
            arguments = payload.arguments
    else:
        arguments = _storable(arguments)
    name = _name(payload)
    if name in SHELLS and isinstance(arguments, dict):
        words = arguments.get("cmd", arguments.get("command"))
        folder = arguments.get("workdir")
        on_command(reading, payload, name, words, folder if isinstance(folder, str) else "")
        return
    if name == "apply_patch":
        patch = arguments
        if isinstance(arguments, dict):
            patch = arguments.get("input", arguments.get("patch", ""))
        if isinstance(patch, str) and on_patch(reading, payload, name, patch, ""):
            return
    if isinstance(arguments, dict) and _file_call(reading, payload, name, arguments):
        return
    block = json_block(arguments) if not isinstance(arguments, str) else code(arguments)
    call(reading, payload, "ToolCall", {"name": name}, [block], name, kind_of(name))


def on_custom_call(reading: Reading, payload: Payload) -> None:
    """A response item `custom_tool_call`, whose input is plain text."""
    name, given = _name(payload), payload.input or ""
    if name == "apply_patch" and on_patch(reading, payload, name, given, ""):
        return
    language = "javascript" if name == "exec" else ""
    blocks = [code(given, language)] if given else []
    call(reading, payload, "ToolCall", {"name": name}, blocks, name, kind_of(name))


def on_local_shell(reading: Reading, payload: Payload) -> None:
    """A response item `local_shell_call`."""
    action = payload.action if isinstance(payload.action, dict) else {}
    folder = action.get("working_directory")
    on_command(
        reading,
        payload,
        "local_shell",
        action.get("command"),
        folder if isinstance(folder, str) else "",
    )


def on_command(reading: Reading, payload: Payload, name: str, words: Any, folder: str) -> None:
    """A command, or the patch that it applies."""
    command = command_of(words)
    if patches.BEGIN in command:
        found: tuple[str, str] | None = None
        if isinstance(words, list) and len(words) == 2 and words[0] == "apply_patch":
            found = words[1], ""
        else:
            found = patches.in_command(command)
        if found:
            below = found[1] or folder
            if on_patch(reading, payload, name, found[0], below):
                return
    if not command:
        call(reading, payload, "ToolCall", {"name": name}, [], name, "shell")
        return
    blocks = [code(command, "bash")]
    call(reading, payload, "ShellCommand", {"command": command}, blocks, name, "shell")


def on_patch(reading: Reading, payload: Payload, tool: str, patch: str, folder: str) -> bool:
    """The files of a patch, an event each; False where the text is none."""
    files = [file for file in patches.parse(patch) if len(file.path) <= PATH_CHARACTERS]
    if not files:
        return False
    state = reading.state
    call_id = payload.call_id or payload.id or ""
    opened = OpenCall(0, "apply_patch", "file_write", tool)
    if call_id:
        keep_open(state, call_id, opened)
    for n, file in enumerate(files):
        path = f"{folder.rstrip('/')}/{file.path}" if _is_below(folder, file.path) else file.path
        attributes = call_attributes(part_id(call_id, n), "file_write", tool)
        if file.move_to:
            attributes["moved_to"] = file.move_to
        language = "diff" if file.kind == "update" else language_of(path)
        seq = reading.emit(
            _EVENT_OF_PATCH[file.kind],
            payload.id or call_id,
            data={"path": path},
            blocks=[code(file.body, language)] if file.body else None,
            attributes=attributes,
            n=n,
        )
        opened.seq = opened.seq or seq
        kept = FileOf(seq, path)
        opened.files.append(kept)
        keep_diff(state, kept, file.diff)
    return True


def on_web_search(reading: Reading, payload: Payload) -> None:
    """A response item `web_search_call`; its results are not recorded."""
    action = payload.action if isinstance(payload.action, dict) else {}
    what = action.get("type")
    blocks: list[Block] = []
    queries = action.get("queries")
    asked = (
        [query for query in queries if isinstance(query, str)] if isinstance(queries, list) else []
    )
    if isinstance(action.get("query"), str) and action["query"]:
        asked = asked or [action["query"]]
    url = action.get("url")
    if asked:
        if len(asked) > 1:
            blocks = [text("\n".join(asked))]
        first = action["query"] if isinstance(action.get("query"), str) else asked[0]
        kind, data = "WebSearch", {"query": first or asked[0]}
    elif isinstance(url, str) and url:
        pattern = action.get("pattern")
        if isinstance(pattern, str) and pattern:
            blocks = [text(pattern)]
        kind, data = "WebFetch", {"url": url}
    else:
        kind, data = "ToolCall", {"name": "web_search"}
    attributes = call_attributes(payload.id or "", "web", "web_search")
    if isinstance(what, str) and what:
        attributes["web_search.action"] = what
    reading.emit(kind, payload.id, data=data, blocks=blocks, attributes=attributes)


def on_image_generation(reading: Reading, payload: Payload) -> None:
    """A response item `image_generation_call`; the image stays in the archive."""
    data = {"prompt": payload.revised_prompt or ""}
    attributes = call_attributes(payload.id or "", "other", "image_generation")
    reading.emit("ImageGenerate", payload.id, data=data, attributes=attributes)


def on_tool_search(reading: Reading, payload: Payload) -> None:
    """A response item `tool_search_call`."""
    blocks = [json_block(_storable(payload.arguments))]
    call(reading, payload, "ToolCall", {"name": "tool_search"}, blocks, "tool_search", "search")


def call(
    reading: Reading,
    payload: Payload,
    event_type: str,
    data: dict[str, Any],
    blocks: list[Block],
    tool: str,
    kind: str,
) -> None:
    """Emits a call of one event, and waits for its output."""
    call_id = payload.call_id or payload.id or ""
    seq = reading.emit(
        event_type,
        payload.id or call_id,
        data=data,
        blocks=blocks,
        attributes=call_attributes(call_id, kind, tool),
    )
    if call_id:
        keep_open(reading.state, call_id, OpenCall(seq, tool, kind, tool))


def call_attributes(call_id: str, kind: str, tool: str) -> Attributes:
    """The attributes of every call."""
    out: Attributes = {"semantic.tool_kind": kind, "tool_use_name": tool}
    if call_id:
        out["semantic.call_id"] = call_id
    return out


def part_id(call_id: str, n: int) -> str:
    """The call id of the n-th file of a patch: the call's own for the first."""
    return f"{call_id}:{n}" if n and call_id else call_id


def kind_of(name: str) -> str:
    """The kind of a tool by its name."""
    if name in _INTERACTIVE:
        return "interactive"
    if name in _TASKS or name.startswith("spawn_agents") or "subagent" in name:
        return "task"
    if name == "apply_patch":
        return "file_write"
    if name in SHELLS or name in ("write_stdin", "exec"):
        return "shell"
    if name.startswith("web"):
        return "web"
    return "other"


def _name(payload: Payload) -> str:
    name = (payload.name or "unknown")[:ID_CHARACTERS]
    space = (payload.namespace or "")[:ID_CHARACTERS]
    if space.startswith("mcp__") and not name.startswith("mcp__"):
        return f"{space.rstrip('_')}__{name}"
    return name


def _file_call(reading: Reading, payload: Payload, name: str, arguments: dict[str, Any]) -> bool:
    """Calls of tools that read or look for files, where they name one."""
    if name in ("view_image", "read_file"):
        path = arguments.get("path", arguments.get("file_path"))
        if isinstance(path, str) and path:
            call(reading, payload, "FileRead", {"path": path}, [], name, "file_read")
            return True
    if name == "grep_files":
        pattern = arguments.get("pattern")
        if isinstance(pattern, str) and pattern:
            blocks = [json_block(arguments)]
            call(reading, payload, "CodeSearch", {"query": pattern}, blocks, name, "search")
            return True
    return False


def _is_below(folder: str, path: str) -> bool:
    return bool(folder) and not path.startswith(("/", "~")) and path[1:3] != ":\\"


def _storable(value: Any) -> Any:
    try:
        return storable(value)
    except ValueError:
        return None
