"""Cursor's tools: which of them do what, and how their arguments and results are written.

The editor's names (`run_terminal_cmd`, later with `_v2` at the end) and the command line's
(`Shell`) stand side by side. Arguments are twice in a record: `rawArgs`, as the model wrote them,
and `params`, as the editor understood them, under other keys.
"""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Block, json_block, text
from opensession.parsers import diffs
from opensession.parsers.actions import (
    DIFF_CHARACTERS,
    Action,
    Tool,
    Tools,
    action,
    delete,
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
from opensession.parsers.cursor.values import decoded, items, mapping, number, words

_PATHS = (
    "file_path",
    "target_file",
    "targetFile",
    "path",
    "relativeWorkspacePath",
    "relative_workspace_path",
    "target_notebook",
)
_FOLDERS = (
    "target_directory",
    "targetDirectory",
    "directoryPath",
    "relative_workspace_path",
    "path",
)
_GLOBS = ("glob_pattern", "globPattern", "pattern", "query")

_SHELL = shell("command", "description")
_READ = read("file_path")
_EDIT = edit("file_path", "old_string", "new_string", "edits")
_WRITE = write("file_path", "contents")
_DELETE = delete("file_path")
_SEARCH = search("pattern", "query")
_LIST = find("path")
_GLOB = find("pattern")
_WEB = web_search("query")
_TODO = other("other")

_BASE: Tools = {
    "run_terminal_cmd": _SHELL,
    "run_terminal_command": _SHELL,
    "Shell": _SHELL,
    "read_file": _READ,
    "Read": _READ,
    "edit_file": _EDIT,
    "search_replace": _EDIT,
    "reapply": _EDIT,
    "edit_notebook": _EDIT,
    "MultiEdit": _EDIT,
    "StrReplace": _EDIT,
    "Edit": _EDIT,
    "EditNotebook": _EDIT,
    "write": _WRITE,
    "create_file": _WRITE,
    "Write": _WRITE,
    "delete_file": _DELETE,
    "Delete": _DELETE,
    "apply_patch": patch("patch"),
    "ApplyPatch": patch("patch"),
    "grep": _SEARCH,
    "grep_search": _SEARCH,
    "ripgrep": _SEARCH,
    "ripgrep_raw_search": _SEARCH,
    "codebase_search": _SEARCH,
    "semantic_search_full": _SEARCH,
    "search_symbols": _SEARCH,
    "Grep": _SEARCH,
    "SemanticSearch": _SEARCH,
    "list_dir": _LIST,
    "LS": _LIST,
    "Ls": _LIST,
    "glob_file_search": _GLOB,
    "file_search": _GLOB,
    "Glob": _GLOB,
    "web_search": _WEB,
    "WebSearch": _WEB,
    "web_fetch": fetch("url"),
    "fetch": fetch("url"),
    "WebFetch": fetch("url"),
    "task": task("prompt", "description"),
    "Task": task("prompt", "description"),
    "ask_question": interactive(),
    "AskQuestion": interactive(),
    "todo_write": _TODO,
    "TodoWrite": _TODO,
}
TOOLS: Tools = {**_BASE, **{f"{name}_v2": tool for name, tool in _BASE.items()}}

_NAME_OF_NUMBER = {
    3: "grep_search",
    5: "read_file",
    6: "list_dir",
    7: "edit_file",
    8: "file_search",
    9: "codebase_search",
    11: "delete_file",
    12: "reapply",
    15: "run_terminal_cmd",
    18: "web_search",
    38: "search_replace",
    39: "list_dir",
    40: "read_file",
    41: "grep",
    42: "glob_file_search",
}
"""Names of tools that a record gives by number alone."""

_RENAMED: dict[Tool, dict[str, tuple[str, ...]]] = {
    _READ: {"file_path": _PATHS},
    _EDIT: {
        "file_path": _PATHS,
        "old_string": ("old_string", "oldString"),
        "new_string": ("new_string", "newString"),
    },
    _WRITE: {"file_path": _PATHS, "contents": ("contents", "content", "file_text", "code")},
    _DELETE: {"file_path": _PATHS},
    _LIST: {"path": _FOLDERS},
    _GLOB: {"pattern": _GLOBS},
    _WEB: {"query": ("search_term", "searchTerm", "query")},
}
"""By tool: what the table above calls an argument, and the names it has in records."""


def tool_name(data: dict[str, Any]) -> str:
    """The name of the tool of a call; empty where none is recorded."""
    return words(data.get("name")) or _NAME_OF_NUMBER.get(number(data.get("tool")), "")


def called(name: str, raw: Any, params: Any = None) -> Action:
    """The action of a call by its arguments, which may be JSON in strings."""
    given, known = decoded(raw), decoded(params)
    if not isinstance(given, dict) or not given:
        if isinstance(known, dict) and known:
            given = known
        elif given is None:
            given = words(raw) or {}
    if isinstance(given, dict):
        given = _named(name, given, mapping(known))
    elif isinstance(given, str) and name.lower().replace("_", "") == "applypatch":
        given = {"patch": given}
    return action(name, given, TOOLS)


def _named(name: str, given: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The arguments under the names that the table knows; what the model left out from `params`."""
    tool = TOOLS.get(name)
    out = dict(given)
    for wanted, names in _RENAMED.get(tool, {}).items() if tool is not None else ():
        for source in (given, known):
            found = next((key for key in names if words(source.get(key))), None)
            if found is not None:
                out.pop(found, None)
                out[wanted] = source[found]
                break
    return out


def exit_code(result: Any) -> int | None:
    """The exit code of a command, where its result has one."""
    for key in ("exitCodeV2", "exitCode", "exit_code"):
        value = mapping(result).get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def shown(result: Any) -> list[Block]:
    """A result as blocks: what the command or the file says, else the whole as JSON."""
    if result is None or result == "" or result == {}:
        return []
    if isinstance(result, str):
        return [text(result)]
    if isinstance(result, dict):
        for key in ("output", "contents", "content", "text"):
            if isinstance(result.get(key), str):
                return [text(result[key])] if result[key] else []
        if "diff" in result and not (result.keys() - {"diff", "isApplied", "applyFailed"}):
            return []
        listed = items(result.get("content"))
        said = [words(mapping(item).get("text")) for item in listed]
        if listed and all(said):
            return [text("\n".join(said))]
    return [json_block(result)]


def error_text(value: Any) -> str:
    """What an error says to the person, else to the model."""
    found = decoded(value)
    if isinstance(found, dict):
        for key in ("clientVisibleErrorMessage", "modelVisibleErrorMessage", "message", "error"):
            if words(found.get(key)):
                return words(found[key])
        return ""
    return words(value)


def diff_of_result(path: str, result: Any) -> str:
    """The diff that the result of an edit holds: `{diff: {chunks: [{diffString, …}]}}`."""
    change = mapping(mapping(result).get("diff"))
    hunks = []
    size = 0
    for chunk in items(change.get("chunks")):
        body = words(mapping(chunk).get("diffString"))
        size += len(body)
        if not body or size > DIFF_CHARACTERS:
            continue
        lines = [line for line in body.split("\n") if not line.startswith("@@")]
        while lines and not lines[-1]:
            lines.pop()
        hunks.append(
            diffs.Hunk(
                old_start=number(chunk.get("oldStart")),
                old_lines=sum(line[:1] != "+" for line in lines),
                new_start=number(chunk.get("newStart")),
                new_lines=sum(line[:1] != "-" for line in lines),
                lines=lines,
            )
        )
    return diffs.from_hunks(path, hunks) if path and hunks else ""


def diff_of_row(path: str, row: Any) -> str:
    """The diff that a `codeBlockDiff:` row holds, where it can be made exactly.

    The row has what is new line by line, but of what was replaced only the line numbers: only
    where nothing was replaced is that a diff.
    """
    parts = []
    for part in items(mapping(row).get("newModelDiffWrtV0")):
        place = mapping(mapping(part).get("original"))
        first, end = (
            number(place.get("startLineNumber")),
            number(place.get("endLineNumberExclusive")),
        )
        lines = [line for line in items(mapping(part).get("modified")) if isinstance(line, str)]
        if end > first or not lines:
            return ""
        parts.append((first, lines))
    if not path or not parts or items(mapping(row).get("originalModelDiffWrtV0")):
        return ""
    hunks, added = [], 0
    for first, lines in parts:
        hunks.append(
            diffs.Hunk(
                old_start=max(0, first - 1),
                old_lines=0,
                new_start=first + added,
                new_lines=len(lines),
                lines=["+" + line for line in lines],
            )
        )
        added += len(lines)
    found = diffs.from_hunks(path, hunks)
    return found if len(found) <= DIFF_CHARACTERS else ""


def diff_of_texts(path: str, before: Any, after: Any) -> str:
    """The diff of a file's text before and after an edit, both in rows of their own."""
    if not (isinstance(before, str) and isinstance(after, str) and path):
        return ""
    if len(before) + len(after) > DIFF_CHARACTERS or before == after:
        return ""
    return diffs.from_texts(path, before, after) if before else diffs.of_new_file(path, after)
