"""Rows of `ui_messages.json` as events: what was shown to the person, each with its time.

    {"ts": 1767225702000, "type": "ask", "ask": "command", "text": "python3 hello.py"}

`tell_note` tells what only a row says: errors, checkpoints, condensing, a request that was broken
off. `tell_content` tells the rest of a row, for those that no message of the history covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from opensession.core.hail import Block, json_block, text
from opensession.parsers.actions import Action
from opensession.parsers.cline.task_tools import action_of, action_of_row
from opensession.parsers.cline.telling import Telling, custom
from opensession.parsers.cline.values import cost_of, count, image, micros, obj, words
from opensession.parsers.decoding import decode_any


class Row(msgspec.Struct):
    """A row. `before` is the number of the message that it comes before, `request` what an
    `api_req_started` holds.
    """

    index: int
    data: bytes
    value: dict[str, Any]
    kind: str
    ts: int | None
    before: int = 0
    request: dict[str, Any] = {}

    @property
    def words(self) -> str:
        """Its text."""
        return words(self.value.get("text"))

    @property
    def native(self) -> str:
        """Its id, which is its time."""
        return f"ui{self.ts // 1000}" if self.ts is not None else f"ui-{self.index}"

    @property
    def is_partial(self) -> bool:
        """Reports whether it was still growing when it was written last."""
        return self.value.get("partial") is True


ERRORS = frozenset(
    (
        "error",
        "diff_error",
        "clineignore_error",
        "rooignore_error",
        "kilocodeignore_error",
        "condense_context_error",
        "mistake_limit_reached",
        "too_many_tools",
        "api_req_failed",
        "api_req_retried",
        "api_req_retry_delayed",
        "api_req_rate_limit_wait",
        "error_retry",
        "invalid_model",
        "payment_required_prompt",
    )
)
NOTES = ERRORS | {
    "checkpoint_created",
    "checkpoint_saved",
    "condense_context",
    "sliding_window_truncation",
    "api_req_started",
    "api_req_deleted",
    "deleted_api_reqs",
}
_CONTENT = frozenset(
    (
        "task",
        "text",
        "user_feedback",
        "user_feedback_diff",
        "completion_result",
        "reasoning",
        "tool",
        "command",
        "command_output",
        "followup",
        "plan_mode_respond",
        "use_mcp_server",
        "mcp_server_response",
        "browser_action_launch",
        "browser_action",
        "browser_action_result",
        "subtask_result",
        "codebase_search_result",
        "new_task",
        "condense",
        "use_mcp_resource",
    )
)
SILENT = frozenset(
    (
        "api_req_finished",
        "resume_task",
        "resume_completed_task",
        "auto_approval_max_req_reached",
        "auto_approval_max_reached",
        "mcp_server_request_started",
        "mcp_notification",
        "load_mcp_documentation",
        "shell_integration_warning",
        "shell_integration_warning_with_suggestion",
        "info",
        "task_progress",
        "conditional_rules_applied",
        "hook_status",
        "hook_output_stream",
        "command_permission_denied",
        "generate_explanation",
        "subagent",
        "subagent_usage",
        "use_subagents",
        "image",
        "new_task_started",
        "finishTask",
        "save_memory",
        "report_bug",
        "summarize_task",
        "user_edit_todos",
        "interactive_app",
        "too_many_tools_warning",
        "codebase_index",
    )
)


_REPEATS = 8


def is_known(kind: str) -> bool:
    """Reports whether rows of a kind are told, or hold nothing to tell."""
    return kind in NOTES or kind in _CONTENT or kind in SILENT


def tell_note(telling: Telling, row: Row) -> None:
    """What a row of `NOTES` says."""
    line, kind, said = telling.line, row.kind, row.words
    line.at(row.ts, kind, row.data)
    if kind in ERRORS:
        custom(line, "error", row.native, said, {"error.kind": kind} if kind != "error" else {})
    elif kind.startswith("checkpoint_"):
        commit = words(row.value.get("lastCheckpointHash")) or said
        about = {"checkpoint": commit[:128]} if commit else {}
        custom(line, "checkpoint", row.native, "", about)
    elif kind in ("condense_context", "sliding_window_truncation"):
        _on_condensing(telling, row)
    elif kind == "api_req_started":
        reason = words(row.request.get("cancelReason"))
        if reason:
            stopped = "interrupted" if reason == "user_cancelled" else "turn_aborted"
            why = words(row.request.get("streamingFailedMessage"))
            custom(line, stopped, f"{row.native}:end", why, {"reason": reason[:64]})


def _on_condensing(telling: Telling, row: Row) -> None:
    given = obj(row.value.get("contextCondense")) or obj(row.value.get("contextTruncation"))
    about: dict[str, Any] = {
        name: count(given[key])
        for key, name in (
            ("prevContextTokens", "tokens_before"),
            ("newContextTokens", "tokens_after"),
            ("newContextTokensAfterTruncation", "tokens_after"),
        )
        if key in given
    }
    said = words(given.get("summary")) or row.words
    custom(telling.line, "context_compacted", row.native, said, about)
    cost = cost_of(given.get("cost"))
    if cost:
        own = f"{telling.line.state.id}:{row.native}"
        telling.line.usage(own, cost_microdollars=cost)


def tell_content(telling: Telling, row: Row) -> None:
    """What a row tells that no message of the history does."""
    kind, said = row.kind, row.words
    if kind != "command_output":
        end_output(telling)
    telling.line.at(row.ts, kind, row.data)
    native, line = row.native, telling.line
    if kind in ("task", "user_feedback", "user_feedback_diff"):
        _typed(telling, row)
    elif kind == "text":
        if telling.requested or line.state.first_prompt:
            telling.say(native, said, {}, 0)
        else:
            _typed(telling, row)
    elif kind == "completion_result":
        said = said.removesuffix("HAS_CHANGES")
        if said.strip() != telling.spoken:
            telling.say(native, said, {}, 0)
    elif kind == "reasoning":
        if said.strip():
            line.emit("Thinking", native, blocks=[text(said)])
    elif kind == "plan_mode_respond":
        given = _parsed(said)
        words_said = words(given.get("response")) or ("" if given else said)
        if words_said.strip() != telling.spoken:
            telling.say(native, words_said, {}, 0)
    elif kind == "command_output":
        _on_output(telling, row)
    elif kind in ("mcp_server_response", "browser_action_result", "subtask_result"):
        _on_answer(telling, row)
    else:
        _on_call(telling, row)


def end_output(telling: Telling) -> None:
    """The result of a command, now that it prints no more; Cline has a row for each piece."""
    if not telling.output_of and not telling.output:
        return
    native = f"{telling.output_of}:result" if telling.output_of else "output"
    blocks: list[Block] = [text("\n".join(telling.output))] if telling.output else []
    telling.result(native, telling.output_of, "execute_command", blocks)
    telling.output, telling.output_of = [], ""


def _on_output(telling: Telling, row: Row) -> None:
    if not telling.output and not telling.output_of:
        telling.output_of = next(
            (
                call_id
                for call_id, call in reversed(telling.line.state.open.items())
                if call.kind == "shell"
            ),
            "",
        )
    if row.words:
        telling.output.append(row.words)


def _typed(telling: Telling, row: Row) -> None:
    blocks = [text(row.words.strip())] if row.words.strip() else []
    images = row.value.get("images")
    if isinstance(images, list):
        for url in images[:64]:
            mime = words(url)[5:].partition(";")[0] if words(url).startswith("data:") else ""
            blocks.append(image("", mime, url))
    files = row.value.get("files")
    if isinstance(files, list):
        blocks += [{"type": "File", "path": path} for path in files[:64] if isinstance(path, str)]
    if blocks:
        telling.line.prompt(row.native, blocks)


def _on_call(telling: Telling, row: Row) -> None:
    """A call that no message has; one that has is answered by the message's own result."""
    made, output = _action(row)
    if made is None or telling.waiting(made):
        return
    call_id = row.native
    telling.line.call(row.native, call_id, made)
    if output:
        telling.result(f"{row.native}:result", call_id, made.name, [text(output)])


def _on_answer(telling: Telling, row: Row) -> None:
    wanted = {
        "mcp_server_response": ("use_mcp_tool", "access_mcp_resource"),
        "browser_action_result": ("browser_action",),
        "subtask_result": ("new_task",),
    }[row.kind]
    call_id = next(
        (key for key, call in telling.line.state.open.items() if call.name in wanted), ""
    )
    blocks: list[Block] = [text(row.words)] if row.words else []
    if row.kind == "browser_action_result":
        given = _parsed(row.words)
        shot = given.pop("screenshot", "")
        blocks = [json_block(given)] if given else []
        if words(shot):
            blocks.append(image("", "image/webp", shot))
    telling.result(f"{row.native}:result", call_id, wanted[0], blocks)


def _action(row: Row) -> tuple[Action | None, str]:
    """The action of a row that tells a call, and its output where it holds that too."""
    kind, said = row.kind, row.words
    given = _parsed(said)
    if kind == "tool":
        return action_of_row(given) if given else (None, "")
    if kind == "command":
        command = said.partition("\nREQ_APP")[0].rstrip()
        return (action_of("execute_command", {"command": command}) if command else None), ""
    if kind == "followup":
        return action_of("ask_followup_question", given or {"question": said}), ""
    if kind == "use_mcp_server":
        name = "access_mcp_resource" if given.get("type") == "access_mcp_resource" else ""
        return action_of(name or "use_mcp_tool", given or said), ""
    if kind in ("browser_action", "browser_action_launch"):
        return action_of("browser_action", given or {"url": said}), ""
    if kind in ("new_task", "condense"):
        return action_of(kind, {"message": said} if kind == "new_task" else {"text": said}), ""
    return action_of(kind, given or said), ""


def _parsed(said: str) -> dict[str, Any]:
    """The object that the text of a row is, an empty one if it is none."""
    if not said.startswith("{"):
        return {}
    try:
        return obj(decode_any(said))
    except ValueError:
        return {}


def leftovers(rows: Sequence[Row]) -> set[int]:
    """The indices of partial rows that a later row of their kind, in the same request, repeats.

    A row that stayed partial by itself is the only one of its words.
    """
    found: set[int] = set()
    later: dict[str, list[str]] = {}
    for row in reversed(rows):
        if row.kind == "api_req_started":
            later.clear()
            continue
        repeats = later.setdefault(row.kind, [])
        if row.is_partial and (not row.words or any(w.startswith(row.words) for w in repeats)):
            found.add(row.index)
        else:
            repeats.append(row.words)
            del repeats[:-_REPEATS]
    return found


def row_of(index: int, data: bytes, value: dict[str, Any]) -> Row:
    """A row of the file."""
    kind = words(value.get("say")) or words(value.get("ask")) or words(value.get("type"))
    row = Row(index, data, value, kind[:64], micros(value.get("ts")))
    if kind == "api_req_started":
        row.request = _parsed(row.words)
    return row
