"""The tools of Copilot CLI, and what their results say beside their text.

A call is told by `assistant.message` in `toolRequests`; `tool.execution_start` repeats it. The
result is `tool.execution_complete`: a shell command that ended with exit code 1 has `success: true`
and the code in `shellExecution`, an edit has its diff in `result.detailedContent` (as has `view`,
where it is no change).
"""

from __future__ import annotations

import re
from typing import Any

from opensession.core.hail import Block, text
from opensession.parsers import diffs
from opensession.parsers.actions import (
    DIFF_CHARACTERS,
    Action,
    Given,
    Tool,
    Tools,
    action,
    edit,
    fetch,
    find,
    interactive,
    other,
    patch,
    read,
    search,
    shell,
    task,
    web_search,
    write,
)
from opensession.parsers.copilot.fields import Object, obj, objects, string, whole

_EXIT = re.compile(
    r"<(?:shellId: [^<>\n]{1,64} completed|exited) with exit code (-?\d{1,10})>\s*\Z"
)
_NAME_CHARACTERS = 128

_view, _create = read("path"), write("path", "file_text")
_replace = edit("path", "old_str", "new_str")
_insert = edit("path")
_patch_input, _patch_patch = patch("input"), patch("patch")


def _editor(name: str, given: Given) -> Action | None:
    """The one editing tool of older versions, told what to do by its argument `command`."""
    tool = _EDITOR.get(string(given, "command"))
    shown = {key: value for key, value in given.items() if key != "command"}
    return tool.read(name, shown) if tool is not None else None


def _apply_patch(name: str, given: Given) -> Action | None:
    return _patch_input.read(name, given) or _patch_patch.read(name, given)


_EDITOR: Tools = {"view": _view, "create": _create, "str_replace": _replace, "insert": _insert}
TOOLS: Tools = {
    "bash": shell("command", "description"),
    "powershell": shell("command", "description", language="powershell"),
    "local_shell": shell("command", "description"),
    "read_bash": other("shell"),
    "write_bash": other("shell"),
    "stop_bash": other("shell"),
    "read_powershell": other("shell"),
    "write_powershell": other("shell"),
    "stop_powershell": other("shell"),
    "view": _view,
    "show_file": _view,
    "create": _create,
    "edit": _replace,
    "str_replace": _replace,
    "insert": _insert,
    "str_replace_editor": Tool("file_write", _editor),
    "apply_patch": Tool("file_write", _apply_patch),
    "grep": search("pattern"),
    "rg": search("pattern"),
    "glob": find("pattern"),
    "web_fetch": fetch("url"),
    "web_search": web_search("query"),
    "task": task("prompt", "description"),
    "ask_user": interactive(),
    "exit_plan_mode": interactive(),
}


def call_of(name: str, given: Object) -> Action:
    """The action of a tool request, or of the start of a tool's execution."""
    server, tool = string(given, "mcpServerName"), string(given, "mcpToolName")
    arguments: Any = given.get("arguments")
    if server:
        name = f"mcp__{server}__{tool or name}"
    if name == "apply_patch" and isinstance(arguments, str):
        arguments = {"input": arguments}
    return action(name, arguments, TOOLS)


def exit_code(data: Object, words: str) -> int | None:
    """The exit code of a shell command: as recorded, else as the end of its output says."""
    code = whole(obj(data, "shellExecution"), "exitCode")
    for content in objects(obj(data, "result"), "contents"):
        if code is None and content.get("type") in ("shell_exit", "terminal"):
            code = whole(content, "exitCode")
    if code is None:
        code = whole(obj(obj(data, "toolTelemetry"), "metrics"), "exit_code")
    if code is None and (found := _EXIT.search(words[-256:])):
        code = int(found[1])
    return code


def diff_of(data: Object, path: str) -> str:
    """The diff that an edit of one file reports, under our header; empty where there is none.

    Copilot's own header names the file without the slash it begins with.
    """
    detailed = string(obj(data, "result"), "detailedContent", DIFF_CHARACTERS)
    edits = objects(data, "fileEdits")
    if detailed.count("\ndiff --git ") > 1 or len(edits) > 1:
        return ""
    kind = string(edits[0], "kind") if edits else ""
    path = string(edits[0], "path") if edits else path
    start = detailed.find("\n@@ ")
    if start < 0 or not path:
        return ""
    head, body = detailed[:start], detailed[start + 1 :]
    diff = diffs.with_header(path, body)
    lines = diff.split("\n", 2)
    if kind == "create" or "\n--- a/dev/null" in head or "\n--- /dev/null" in head:
        lines[0] = "--- /dev/null"
    elif kind == "delete" or "\n+++ b/dev/null" in head or "\n+++ /dev/null" in head:
        lines[1] = "+++ /dev/null"
    return "\n".join(lines)


def output_of(data: Object) -> list[Block]:
    """What a tool gave, as blocks: its text, and its images without their bytes."""
    result = obj(data, "result")
    words = string(result, "content") or string(obj(data, "error"), "message")
    if isinstance(data.get("error"), str):
        words = words or data["error"]
    blocks = [text(words)] if words else []
    binaries = objects(result, "binaryResultsForLlm")
    if not binaries:
        binaries = [part for part in objects(result, "contents") if part.get("type") == "image"]
    pictures = [
        image(part)
        for part in binaries
        if string(part, "mimeType").startswith("image/") or part.get("type") == "image"
    ]
    return blocks + pictures


def image(given: Object) -> Block:
    """An image whose bytes are in the archive, or were never kept."""
    size = whole(given, "byteLength")
    if size is None:
        size = len(string(given, "data")) * 3 // 4
    block: Block = {"type": "Image", "url": "", "mime": string(given, "mimeType", _NAME_CHARACTERS)}
    name = string(given, "displayName", 1024) or string(given, "description", 1024)
    if name or size:
        block["alt"] = name or f"image of {size} bytes"
    return block
