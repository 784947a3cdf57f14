"""The tools of Goose's own extensions, by their names of today and of before 1.20.

A tool is called `shell`, or `developer__shell` with the extension before it.
"""

from __future__ import annotations

from typing import Any

from opensession.parsers import actions
from opensession.parsers.actions import Action, Tools

_DEVELOPER: Tools = {
    "shell": actions.shell("command"),
    "edit": actions.edit("path", "before", "after"),
    "write": actions.write("path", "content"),
    "read": actions.read("path", "file_path"),
    "read_file": actions.read("path"),
    "write_file": actions.write("path", "content"),
    "tree": actions.find("path"),
    "list_files": actions.find("path"),
    "glob": actions.find("pattern"),
    "search": actions.search("pattern", "query"),
    "rg": actions.search("pattern"),
    "analyze": actions.read("path"),
    "apply_patch": actions.patch("patch"),
    "text_editor": actions.other("file_write"),
}
_EDITOR: Tools = {
    "view": actions.read("path"),
    "write": actions.write("path", "file_text"),
    "create": actions.write("path", "file_text"),
    "str_replace": actions.edit("path", "old_str", "new_str"),
    "edit_file": actions.edit("path", "old_str", "new_str"),
    "insert": actions.edit("path"),
}
"""What `text_editor` does, by its argument `command`."""

TOOLS: Tools = {
    **_DEVELOPER,
    **{f"developer__{name}": tool for name, tool in _DEVELOPER.items()},
    "analyze__analyze": actions.read("path"),
    "fetch__fetch": actions.fetch("url"),
    "computercontroller__web_scrape": actions.fetch("url"),
    "computercontroller__web_search": actions.web_search("query"),
    "delegate": actions.task("instructions"),
    "summon__delegate": actions.task("instructions"),
    "subagent": actions.task("instructions"),
    "subagent__execute_task": actions.other("task"),
    "dynamic_task__create_task": actions.other("task"),
}

_EDITORS = ("text_editor", "developer__text_editor")


def action_of(name: str, arguments: Any) -> Action:
    """The action of a call."""
    if name in _EDITORS and isinstance(arguments, dict):
        tool = _EDITOR.get(str(arguments.get("command")))
        given = {key: value for key, value in arguments.items() if key != "command"}
        found = tool.read(name, given) if tool is not None else None
        if found is not None:
            return found
    return actions.action(name, arguments, TOOLS)
