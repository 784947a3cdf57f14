"""The tools of VS Code's chat, by the names they are called with and the ids they are shown by.

`run_in_terminal`, `read_file`, … are the names in `toolCallRounds`; a part of the response has the
id (`copilot_readFile`), which differs in writing only.
"""

from __future__ import annotations

from typing import Any

from opensession.parsers.actions import (
    Action,
    Given,
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


def _fetch(name: str, given: Given) -> Action | None:
    """`fetch_webpage` takes a list of addresses."""
    urls = given.get("urls")
    if isinstance(urls, list) and len(urls) == 1:
        return _fetch_one.read(name, {**given, "urls": urls[0]})
    return None


_fetch_one = fetch("urls", "url")

TOOLS: Tools = {
    "apply_patch": patch("input"),
    "ask_questions": interactive(),
    "vscode_askQuestions": interactive(),
    "create_and_run_task": other("shell"),
    "create_directory": other("file_write"),
    "create_file": write("filePath", "content"),
    "create_new_jupyter_notebook": other("file_write"),
    "delete_file": delete("filePath"),
    "edit_files": other("file_write"),
    "edit_notebook_file": edit("filePath"),
    "fetch_webpage": Tool("web", _fetch),
    "file_search": find("query"),
    "get_errors": other("file_read"),
    "get_terminal_output": other("shell"),
    "github_repo": search("query"),
    "grep_search": search("query"),
    "insert_edit_into_file": edit("filePath"),
    "list_code_usages": search("symbolName"),
    "list_dir": find("path"),
    "multi_replace_string_in_file": other("file_write"),
    "read_file": read("filePath"),
    "replace_string_in_file": edit("filePath", "oldString", "newString"),
    "run_in_terminal": shell("command", "explanation"),
    "runSubagent": task("prompt", "description"),
    "run_task": other("shell"),
    "run_tests": other("shell"),
    "runTests": other("shell"),
    "search_subagent": task("query", "description"),
    "semantic_search": search("query"),
    "search_workspace_symbols": search("symbolName"),
    "view_image": read("filePath"),
    "web_search": web_search("query"),
}


def plain_name(name: str) -> str:
    """What a tool's id and its name have in common: `copilot_readFile` and `read_file`."""
    for prefix in ("copilot_", "vscode_"):
        name = name.removeprefix(prefix)
    return name.replace("_", "").replace("-", "").lower()


_NAMES = {plain_name(name): name for name in TOOLS}


def known_name(tool_id: str) -> str:
    """The name of the tool with an id; the id itself where the tool is not known."""
    return _NAMES.get(plain_name(tool_id), tool_id)


def call_of(name: str, arguments: Any) -> Action:
    """The action of a call."""
    return action(name, arguments, TOOLS)
