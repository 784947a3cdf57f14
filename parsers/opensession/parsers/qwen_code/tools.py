"""Qwen Code's own tools: those of Gemini CLI, that it is made from, and more."""

from __future__ import annotations

from opensession.parsers.actions import Tools, edit, interactive, other, task, web_search
from opensession.parsers.gemini.tools import TOOLS as GEMINI_TOOLS

TOOLS: Tools = {
    **GEMINI_TOOLS,
    "agent": task("prompt", "description"),
    "ask_user_question": interactive(),
    "edit": edit("file_path", "old_string", "new_string"),
    "lsp": other("search"),
    "send_message": other("task"),
    "task": task("prompt", "description"),
    "task_output": other("task"),
    "task_stop": other("task"),
    "web_search": web_search("query"),
}
