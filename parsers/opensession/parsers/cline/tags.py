"""Tool calls that older versions of Cline, Roo and Kilo had the model write as tags in its text.

    I will read it.
    <read_file>
    <path>src/app.ts</path>
    </read_file>

A parameter that may hold any text (`content`, `diff`) ends at the last closing tag of its name. A
call that was cut off has what is there. Nothing here goes back in the text, so it is linear.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

NAMES = (
    "execute_command",
    "read_file",
    "write_to_file",
    "replace_in_file",
    "apply_diff",
    "search_and_replace",
    "insert_content",
    "edit_file",
    "apply_patch",
    "search_files",
    "list_files",
    "list_code_definition_names",
    "codebase_search",
    "browser_action",
    "web_fetch",
    "web_search",
    "use_mcp_tool",
    "access_mcp_resource",
    "ask_followup_question",
    "plan_mode_respond",
    "plan_mode_response",
    "attempt_completion",
    "new_task",
    "switch_mode",
    "fetch_instructions",
    "update_todo_list",
    "run_slash_command",
    "generate_image",
    "load_mcp_documentation",
    "condense",
    "summarize_task",
    "new_rule",
    "report_bug",
    "use_skill",
    "use_subagents",
    "delete_file",
)

_OPEN = re.compile(rf"<({'|'.join(NAMES)})>")
_PARAMETER = re.compile(r"<([a-z_]{1,64})>")
_GREEDY = frozenset(("content", "diff", "args", "result", "arguments"))
_INNER_PATH = re.compile(r"<path>([^<]{1,4096})</path>")


class Tagged(NamedTuple):
    """A call in a text."""

    name: str
    arguments: dict[str, Any]


def split(said: str) -> list[str | Tagged]:
    """A text as what is said and what is called, in order."""
    found: list[str | Tagged] = []
    at = 0
    while (opening := _OPEN.search(said, at)) is not None:
        name = opening[1]
        start = opening.end()
        close = _closing(said, name, start)
        words = said[at : opening.start()].strip()
        if words:
            found.append(words)
        body = said[start:] if close < 0 else said[start:close]
        found.append(Tagged(name, _arguments(body)))
        if close < 0:
            return found
        at = close + len(name) + 3
    words = said[at:].strip()
    if words:
        found.append(words)
    return found


def paths_in(arguments: dict[str, Any]) -> list[str]:
    """The files that the nested tags of an `args` parameter name (Roo reads several at once)."""
    given = arguments.get("args")
    return [path.strip() for path in _INNER_PATH.findall(given)] if isinstance(given, str) else []


def _closing(said: str, name: str, start: int) -> int:
    """Where a call ends; what it writes may hold its own closing tag, so that of `content` counts
    first."""
    close = f"</{name}>"
    end = said.find(close, start)
    if end < 0 or name not in ("write_to_file", "replace_in_file", "apply_diff"):
        return end
    inner = "</content>" if name == "write_to_file" else "</diff>"
    following = _OPEN.search(said, end)
    limit = following.start() if following is not None else len(said)
    last = said.rfind(inner, start, limit)
    later = said.find(close, last, limit) if last > end else -1
    return later if later >= 0 else end


def _arguments(body: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    while (opening := _PARAMETER.search(body, at)) is not None:
        name, start = opening[1], opening.end()
        close = f"</{name}>"
        end = body.rfind(close, start) if name in _GREEDY else body.find(close, start)
        value = body[start:] if end < 0 else body[start:end]
        if name in ("content", "diff"):
            value = value.removeprefix("\n").removesuffix("\n")
        else:
            value = value.strip()
        if name not in found:
            found[name] = value
        if end < 0:
            break
        at = end + len(close)
    if not found and body.strip():
        found["text"] = body.strip()
    return found
