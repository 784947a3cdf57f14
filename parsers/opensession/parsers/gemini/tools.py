"""Gemini CLI's own tools, of all its versions, as what they do."""

from __future__ import annotations

import re

from opensession.parsers.actions import (
    Action,
    Given,
    Tool,
    Tools,
    edit,
    fetch,
    find,
    interactive,
    other,
    read,
    search,
    shell,
    string,
    task,
    web_search,
    write,
)

_URL = re.compile(r"https?://[^\s\"'<>)\]]{1,2000}")
_FETCH = fetch("url")


def _web_fetch(name: str, given: Given) -> Action | None:
    """`web_fetch` names its pages in a prompt: the first of them is told."""
    found = _URL.search(string(given, "prompt"))
    if found is None or string(given, "url"):
        return _FETCH.read(name, given)
    return _FETCH.read(name, {"url": found[0].rstrip(".,;"), **given})


TOOLS: Tools = {
    "activate_skill": other(),
    "ask_user": interactive(),
    "codebase_investigator": task("objective"),
    "delegate_to_agent": task("objective", "agent_name"),
    "glob": find("pattern"),
    "google_web_search": web_search("query"),
    "grep_search": search("pattern"),
    "invoke_agent": task("prompt", "agent_name"),
    "list_directory": find("dir_path", "path"),
    "read_file": read("file_path", "absolute_path", "path"),
    "read_many_files": other("file_read"),
    "replace": edit("file_path", "old_string", "new_string"),
    "run_shell_command": shell("command", "description"),
    "search_file_content": search("pattern"),
    "web_fetch": Tool("web", _web_fetch),
    "write_file": write("file_path", "content"),
}
