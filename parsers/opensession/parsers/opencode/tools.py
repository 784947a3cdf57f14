"""OpenCode's tools, and Kilo's, as what they do; and what a finished call says of itself."""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Block, text
from opensession.parsers import diffs
from opensession.parsers.actions import (
    Action,
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
from opensession.parsers.opencode.values import Obj, obj, words

_EDIT = edit("filePath", "oldString", "newString", "edits")

TOOLS: Tools = {
    "apply_patch": patch("patchText"),
    "bash": shell("command", "description"),
    "codebase_search": search("query"),
    "codesearch": search("query"),
    "edit": _EDIT,
    "glob": find("pattern"),
    "grep": search("pattern"),
    "list": find("path"),
    "multiedit": _EDIT,
    "patch": patch("patchText"),
    "question": interactive(),
    "read": read("filePath"),
    "semantic_search": search("query"),
    "shell": shell("command", "description"),
    "suggest": interactive(),
    "task": task("prompt", "description"),
    "todoread": other(),
    "todowrite": other(),
    "warpgrep": search("query"),
    "webfetch": fetch("url"),
    "websearch": web_search("query"),
    "write": write("filePath", "content"),
}

_TWICE = {
    "filePath": "file_path",
    "oldString": "old_string",
    "newString": "new_string",
    "replaceAll": "replace_all",
}
"""Arguments that some models give under two names; OpenCode reads the first."""

_STATUSES = {
    "complete": "completed",
    "done": "completed",
    "failed": "error",
    "cancelled": "error",
    "canceled": "error",
}


def status_of(state: Obj) -> str:
    """`pending`, `running`, `completed` or `error`; other names of older versions are mapped."""
    status = words(state, "status").lower()
    return _STATUSES.get(status, status)


def action_of(name: str, arguments: Any) -> Action:
    """The action of a call."""
    if isinstance(arguments, dict):
        for key, same in _TWICE.items():
            if key in arguments and arguments.get(same) == arguments[key]:
                arguments = {name: value for name, value in arguments.items() if name != same}
    return action(name, arguments, TOOLS)


def exit_code(metadata: Obj) -> int | None:
    """The exit code of a command."""
    value = metadata.get("exit")
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 32:
        return None
    return value


def diff_of(metadata: Obj, arguments: Any) -> str:
    """The diff that a tool recorded of one file, from its `---` on; empty where there is none.

    Of a patch of several files the call's own arguments say better which file is which.
    """
    if isinstance(metadata.get("files"), list) and len(metadata["files"]) > 1:
        return ""
    recorded = words(metadata, "diff") or words(obj(metadata.get("filediff")), "patch")
    if not recorded.strip():
        return ""
    start = recorded.find("--- ")
    if start > 0 and recorded[start - 1] == "\n" and "@@" not in recorded[:start]:
        return recorded[start:].rstrip("\n")
    return diffs.with_header(words(obj(arguments), "filePath"), recorded)


def attached(attachments: Any) -> list[Block]:
    """The files that a result brings along, without their bytes."""
    if not isinstance(attachments, list):
        return []
    return [file_block(each) for each in attachments if isinstance(each, dict)]


def file_block(part: Obj) -> Block:
    """A part of type `file`: an image, or the file's name."""
    url, mime = words(part, "url"), words(part, "mime")
    inline = url.startswith("data:")
    name = words(part, "filename") or words(obj(part.get("source")), "path")
    if mime.startswith("image/"):
        block: Block = {"type": "Image", "url": "" if inline else url, "mime": mime}
        if name:
            block["alt"] = name
        return block
    path = name or ("" if inline else url.removeprefix("file://"))
    return {"type": "File", "path": path} if path else text(f"[{mime or 'a file'}]")


def bytes_of(part: Obj) -> int:
    """How many bytes a file has that lies in its part as base64; 0 for others."""
    url = words(part, "url")
    if not url.startswith("data:"):
        return 0
    return len(url.partition(",")[2]) * 3 // 4
