"""User messages of `api_conversation_history.json`: results, prompts and context, told apart.

A result is a block `tool_result`, or a text that begins `[read_file for 'a.py'] Result:` (also of
calls that were `tool_use` blocks). Typed are `<task>`, `<feedback>`, `<user_message>`, `<answer>`,
and text that stands alone; all else was added by the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from opensession.core.hail import Attributes, Block, json_block, text
from opensession.parsers.cline import tags
from opensession.parsers.cline.telling import Telling
from opensession.parsers.cline.values import image, obj, words
from opensession.parsers.decoding import decode_any

SPEAKING = {
    "attempt_completion": "result",
    "plan_mode_respond": "response",
    "plan_mode_response": "response",
    "act_mode_respond": "response",
}
"""Tools by which the agent speaks to the person, with the argument that holds its words."""

_OPENING = re.compile(
    r"<(task|feedback|user_message|answer|environment_details|explicit_instructions|hook_context"
    r"|file_content|folder_content|url_content|workspace_diagnostics|git_working_state|git_commit"
    r"|terminal_output)(?: [^<>]{0,4096})?>"
)
_TYPED = frozenset(("task", "feedback", "user_message", "answer"))
_RESULT = re.compile(r"\s*\[([a-z_]{1,64})\b")
_RESULT_CHARACTERS = 8192
_EXIT = re.compile(
    r"(?:[Ee]xit code:? ?|exit(?:ed)? with (?:exit )?code |\(exit code )(-?\d{1,9})\b"
)
_HEAD_CHARACTERS = 400
_NOTICES = (
    "[TASK RESUMPTION]",
    "[ERROR]",
    "[NOTE]",
    "[SYSTEM",
    "# TODO LIST",
    "# task_progress",
    "# Focus Chain",
    "The tool execution failed",
    "This task was interrupted",
    "Task was interrupted",
    "The user has provided feedback",
    "The user denied",
    "The user approved",
    "New instructions for task continuation",
    "(This is an automated message",
    "Tool [",
    "The previous request",
)
_FAILED = ("The tool execution failed", "[ERROR]", "<error>", "Error:")
_DENIED = "The user denied this operation"


class _User(msgspec.Struct):
    """A user message on its way: what was typed so far, and the result that is being read."""

    telling: Telling
    native: str
    typed: list[Block]
    blocks: list[Block]
    result: str = ""
    answers: bool = False
    n: int = 0


def tell_user(telling: Telling, native: str, parts: list[Any]) -> None:
    """Results, prompts and context of a user message, in their order."""
    user = _User(telling, native, [], [])
    user.answers = any(obj(part).get("type") in ("tool_result", "tool-result") for part in parts)
    for part in parts:
        given = obj(part)
        kind = words(given.get("type"))
        if kind in ("tool_result", "tool-result"):
            _end_result(user)
            _on_result(user, given)
        elif kind == "text":
            said = words(given.get("text"))
            marked = _result_mark(said)
            if marked is not None:
                _end_result(user)
                user.result, said = marked
                user.answers = True
            _on_pieces(user, said, user.blocks if user.result else None)
        elif kind == "image":
            (user.blocks if user.result else user.typed).append(picture(given))
        elif kind == "file":
            place = words(given.get("path")) or words(given.get("filename"))
            user.typed.append({"type": "File", "path": place})
        else:
            telling.line.unknown(f"block:{kind[:64]}", part, f"{native}:{user.n}:block")
    _end_result(user)
    _end_typed(user)


def _end_typed(user: _User) -> None:
    """The prompt, now that all of it is there."""
    if user.typed:
        user.telling.line.prompt(user.native, user.typed, n=user.n)
        user.typed = []
        user.n += 1


def _on_pieces(user: _User, said: str, output: list[Block] | None) -> None:
    """A text of a user message, taken apart; `output` are the blocks of a result it belongs to."""
    rest = ""
    wrapped = False
    for kind, piece, inner in _pieces(said):
        if not kind:
            rest += piece
        elif kind in _TYPED:
            wrapped = True
            if inner.strip():
                user.typed.append(text(inner.strip()))
        elif kind == "environment_details":
            user.telling.environment(inner)
            _on_rest(user, rest, output, wrapped=wrapped)
            rest = ""
            if user.result:  # it ends where the environment begins
                _end_result(user)
                output = None
            _context(user, piece)
        elif output is not None:
            rest += piece
        else:
            _context(user, piece)
    _on_rest(user, rest, output, wrapped=wrapped)


def _pieces(said: str) -> Iterator[tuple[str, str, str]]:
    """The pieces of a text in order: name of the tags around it (empty: none), all of it, inside.

    A tag that nothing closes is text. Linear: it is not looked for again.
    """
    at = search = 0
    unclosed: set[str] = set()
    while (opening := _OPENING.search(said, search)) is not None:
        name = opening[1]
        close = f"</{name}>"
        end = -1 if name in unclosed else said.find(close, opening.end())
        if end < 0:
            unclosed.add(name)
            search = opening.end()
            continue
        if at < opening.start():
            yield "", said[at : opening.start()], ""
        at = search = end + len(close)
        yield name, said[opening.start() : at], said[opening.end() : end]
    if at < len(said):
        yield "", said[at:], ""


def _on_rest(user: _User, rest: str, output: list[Block] | None, *, wrapped: bool) -> None:
    """What stands around the pieces of a text."""
    rest = rest.strip()
    if not rest:
        return
    if output is not None:
        output.append(text(rest))
    elif wrapped or user.answers or rest.startswith(_NOTICES):
        _context(user, rest)
    else:
        user.typed.append(text(rest))


def _context(user: _User, said: str) -> None:
    _end_typed(user)
    user.n += user.telling.context(user.native, said, user.n)


def _result_mark(said: str) -> tuple[str, str] | None:
    """The tool whose result a text begins, and the rest: `[read_file for 'a.py'] Result:`."""
    found = _RESULT.match(said)
    if found is None:
        return None
    head = said[:_RESULT_CHARACTERS]
    end = head.find("] Result:", found.end(1))
    if end < 0 or (found[1] not in tags.NAMES and not found[1].startswith("use_")):
        return None
    return found[1], said[end + len("] Result:") :].strip()


def _end_result(user: _User) -> None:
    """The result of a call by tags, now that all of it is there."""
    name, blocks = user.result, user.blocks
    if not name:
        return
    user.result, user.blocks = "", []
    telling = user.telling
    place = next((n for n, waiting in enumerate(telling.tagged) if waiting[0] == name), None)
    if place is not None:
        call_id = telling.tagged[place][1]
        del telling.tagged[: place + 1]
    else:  # of a block `tool_use`: Cline answers that with a text all the same
        opened = telling.line.state.open.items()
        call_id = next((key for key, call in opened if call.name == name), "")
    _tell_result(user, call_id, name, blocks, failed=False)


def _on_result(user: _User, given: dict[str, Any]) -> None:
    """A block `tool_result` or `tool-result`."""
    call_id = words(given.get("tool_use_id")) or words(given.get("toolCallId"))
    name = words(given.get("name")) or words(given.get("toolName"))
    content = given.get("content") if "content" in given else given.get("output")
    if isinstance(content, dict) and "value" in content:
        content = content["value"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list):
        parts = [] if parts is None else [parts]
    blocks: list[Block] = []
    typed, user.typed = user.typed, []
    for part in parts:
        inner = obj(part)
        said = inner.get("text", inner.get("value"))
        if inner.get("type") == "image":
            blocks.append(picture(inner))
        elif isinstance(said, str):
            _on_pieces(user, said, blocks)
        else:
            blocks.append(json_block(part))
    failed = given.get("is_error") is True or given.get("isError") is True
    _tell_result(user, call_id, name, blocks, failed=failed)
    user.typed = [*typed, *user.typed]


def _tell_result(
    user: _User, call_id: str, name: str, blocks: list[Block], *, failed: bool
) -> None:
    """A result with what its text says of errors and exit codes.

    What answers words of the agent (`attempt_completion`) is no result: what is typed of it is
    told anyway.
    """
    telling = user.telling
    said = next((block["text"] for block in blocks if block["type"] == "Text"), "")
    if call_id in telling.speeches or (not call_id and name in SPEAKING):
        telling.speeches.discard(call_id)
        user.n += telling.context(user.native, said, user.n)
        return
    attributes: Attributes = {}
    status = _status(said)
    denied = _DENIED in said[:_HEAD_CHARACTERS] or status == "denied"
    if denied:
        attributes["user_decision"] = "rejected"
    failed = failed or denied or status == "error" or said.startswith(_FAILED)
    exit_code = None
    opened = telling.line.state.open.get(call_id)
    if (opened is not None and opened.kind == "shell") or name == "execute_command":
        found = _EXIT.search(said, 0, _HEAD_CHARACTERS)
        if found is not None:
            exit_code = int(found[1])
            failed = failed or exit_code != 0
    user.n += telling.result(
        user.native,
        call_id,
        name,
        blocks,
        is_error=failed,
        exit_code=exit_code,
        attributes=attributes,
        n=user.n,
    )


def _status(said: str) -> str:
    """The status in a result that Roo writes as JSON."""
    if not said.startswith("{") or '"status"' not in said[:_HEAD_CHARACTERS]:
        return ""
    try:
        return words(obj(decode_any(said)).get("status"))
    except ValueError:
        return ""


def picture(given: dict[str, Any]) -> Block:
    """An image of either dialect."""
    source = obj(given, "source")
    return image(
        source.get("data") or given.get("data"),
        source.get("media_type") or given.get("mediaType"),
        source.get("url") or given.get("image"),
    )
