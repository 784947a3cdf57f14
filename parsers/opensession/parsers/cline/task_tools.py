"""The tools of Cline before version 4, of Roo Code and of the Kilo Code that was made from it.

They are called by tags in the model's text or by `tool_use` blocks, with arguments of the same
names; `ui_messages.json` names what they do in another way (`editedExistingFile`).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from opensession.core.hail import code
from opensession.parsers import diffs
from opensession.parsers.actions import (
    DIFF_CHARACTERS,
    Action,
    Tool,
    Tools,
    action,
    delete,
    edit,
    edit_diff,
    fetch,
    find,
    interactive,
    other,
    patch,
    path_in,
    read,
    search,
    shell,
    string,
    task,
    web_search,
    with_rest,
    write,
)
from opensession.parsers.cline.tags import paths_in
from opensession.parsers.cline.values import words
from opensession.parsers.languages import language_of

_PATHS = ("path", "absolutePath", "file_path", "filePath", "relPath")
_SEARCH = re.compile(
    r"^(?:-{3,}|<{3,}) ?SEARCH>?[^\n]*\n"
    r"(?::start_line:[^\n]*\n)?(?::end_line:[^\n]*\n)?(?:-{5,}\n)?",
    re.MULTILINE,
)
_MIDDLE = re.compile(r"^={5,}[^\n]*\n?", re.MULTILINE)
_END = re.compile(r"^(?:\+{3,}|>{3,}) ?REPLACE>?[^\n]*$", re.MULTILINE)
_START_LINE = re.compile(r":start_line:\s*(\d{1,9})")
_MANY_PATHS = 32


def action_of(name: str, arguments: Any) -> Action:
    """The action of a call."""
    if isinstance(arguments, dict):
        arguments = _usual(name, arguments)
    tools = TOOLS
    if name not in TOOLS and name.startswith(("mcp--", "mcp__")):
        tools = {name: other()}
    made = action(name, arguments, tools)
    if name == "read_file" and isinstance(arguments, dict) and made.type == "FileRead":
        more = [TOOLS[name].read(name, {"path": path}) for path in paths_in(arguments)[1:]]
        kept = tuple(each for each in more[:_MANY_PATHS] if each is not None)
        made = msgspec.structs.replace(made, more=kept)
    return made


def _usual(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the path where it is looked for."""
    if words(given.get("path")):
        return given
    path = path_in(given, *_PATHS) or next(iter(paths_in(given)), "")
    files = given.get("files")
    if not path and name == "read_file" and isinstance(files, list) and files:
        first = files[0]
        path = words(first.get("path")) if isinstance(first, dict) else words(first)
    if not path:
        return given
    kept = {key: value for key, value in given.items() if key not in _PATHS}
    return {"path": path, **kept}


def _blocks(diff: str) -> list[tuple[int, str, str]]:
    """Line (0: not said), old and new text of each block."""
    found: list[tuple[int, str, str]] = []
    at = 0
    while (opening := _SEARCH.search(diff, at)) is not None:
        middle = _MIDDLE.search(diff, opening.end())
        if middle is None:
            break
        closing = _END.search(diff, middle.end())
        end = closing.start() if closing is not None else len(diff)
        line = _START_LINE.search(opening[0])
        found.append(
            (
                int(line[1]) if line else 0,
                diff[opening.end() : middle.start()],
                diff[middle.end() : end],
            )
        )
        if closing is None:
            break
        at = closing.end()
    return found


def _replace(name: str, given: dict[str, Any]) -> Action | None:
    """An edit whose argument `diff` has blocks of SEARCH and REPLACE, or is a unified diff."""
    place, diff = path_in(given, "path"), string(given, "diff")
    made = edit("path").read(name, {"path": place}) if place else None
    if made is None:
        return None
    blocks = [*made.blocks, *([code(diff, "diff")] if diff else [])]
    changes = _blocks(diff) if len(diff) <= DIFF_CHARACTERS else []
    if changes and all(line for line, _, _ in changes):
        parts = [diffs.from_texts(place, old, new, start_line=line) for line, old, new in changes]
        kept = [part for part in parts if part]
        unified = "\n".join([*kept[:1], *(part.split("\n", 2)[2] for part in kept[1:])])
    elif changes:
        unified = edit_diff(place, [(old, new) for _, old, new in changes])
    else:
        is_unified = diff.startswith(("@@ ", "--- ")) and len(diff) <= DIFF_CHARACTERS
        unified = diffs.with_header(place, diff) if is_unified else ""
    return msgspec.structs.replace(
        made, blocks=with_rest(blocks, given, "path", "diff"), diff=unified
    )


def _insert(name: str, given: dict[str, Any]) -> Action | None:
    """Adds lines before one, at the end for line 0."""
    place, content = path_in(given, "path"), string(given, "content")
    made = edit("path").read(name, {"path": place}) if place else None
    if made is None:
        return None
    line = words(given.get("line")) or str(given.get("line") or "")
    shown = [*made.blocks, *([code(content, language_of(place))] if content else [])]
    start = int(line) if line.isascii() and line.isdigit() and len(line) < 10 else 0
    diff = diffs.from_texts(place, "", content, start_line=start) if start and content else ""
    return msgspec.structs.replace(
        made, blocks=with_rest(shown, given, "path", "content"), diff=diff
    )


TOOLS: Tools = {
    "execute_command": shell("command"),
    "run_commands": shell("commands"),
    "read_file": read("path"),
    "write_to_file": write("path", "content"),
    "replace_in_file": Tool("file_write", _replace),
    "apply_diff": Tool("file_write", _replace),
    "search_and_replace": edit("path", "search", "replace"),
    "search_replace": edit("path", "old_string", "new_string"),
    "edit_file": edit("path", "old_string", "new_string"),
    "edit": edit("path", "old_string", "new_string"),
    "insert_content": Tool("file_write", _insert),
    "apply_patch": Tool("file_write", lambda name, given: _patch(name, given)),
    "delete_file": delete("path"),
    "search_files": search("regex", "query"),
    "codebase_search": search("query"),
    "list_code_definition_names": search("path"),
    "list_files": find("path"),
    "web_fetch": fetch("url"),
    "web_search": web_search("query"),
    "new_task": task("message", "mode"),
    "use_subagents": other("task"),
    "ask_followup_question": interactive(),
    "browser_action": other("web"),
    "use_mcp_tool": other(),
    "access_mcp_resource": other(),
    "read_command_output": other("shell"),
    "switch_mode": other(),
    "update_todo_list": other(),
    "fetch_instructions": other(),
    "generate_image": other(),
}


def _patch(name: str, given: dict[str, Any]) -> Action | None:
    key = "patch" if string(given, "patch") else "input"
    return patch(key).read(name, given)


_ROW_TOOLS: dict[str, str] = {
    "readFile": "read_file",
    "editedExistingFile": "replace_in_file",
    "appliedDiff": "apply_diff",
    "newFileCreated": "write_to_file",
    "fileDeleted": "delete_file",
    "searchAndReplace": "search_and_replace",
    "insertContent": "insert_content",
    "searchFiles": "search_files",
    "codebaseSearch": "codebase_search",
    "listFilesTopLevel": "list_files",
    "listFilesRecursive": "list_files",
    "listFiles": "list_files",
    "listCodeDefinitionNames": "list_code_definition_names",
    "webFetch": "web_fetch",
    "webSearch": "web_search",
    "newTask": "new_task",
    "switchMode": "switch_mode",
    "updateTodoList": "update_todo_list",
    "fetchInstructions": "fetch_instructions",
    "generateImage": "generate_image",
    "useSkill": "use_skill",
    "runSlashCommand": "run_slash_command",
}
RESULT_IN_CONTENT = frozenset(
    ("search_files", "codebase_search", "list_files", "list_code_definition_names", "web_fetch")
)
_MARKS = ("tool", "isOutsideWorkspace", "operationIsLocatedInWorkspace", "isProtected")


def action_of_row(given: dict[str, Any]) -> tuple[Action, str]:
    """The action that a row `tool` tells, and the result that it holds for some tools."""
    told = words(given.get("tool"))[:256]
    name = _ROW_TOOLS.get(told, told)
    rest = {key: value for key, value in given.items() if key not in _MARKS and value is not None}
    output = ""
    if name in RESULT_IN_CONTENT:
        output = words(rest.pop("content", ""))
    elif name == "read_file":
        rest.pop("content", None)  # the absolute path once more
    elif name == "new_task":
        rest["message"] = rest.pop("content", "")
    elif name in ("replace_in_file", "apply_diff") and not words(rest.get("diff")):
        rest["diff"] = rest.pop("content", "")
    elif name in ("replace_in_file", "apply_diff"):
        rest.pop("content", None)
    return action_of(name, rest), output
