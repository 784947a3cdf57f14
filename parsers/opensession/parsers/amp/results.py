"""What a tool of Amp gave: its `run`.

    {"status": "done", "result": {"output": "…", "exitCode": 0}}
    {"status": "error", "error": {"message": "exit 101"}}
    {"status": "rejected-by-user", "reason": "…"}

Until it is done, failed, cancelled or rejected it is no result. A sub-agent (`Task`) tells in
`progress` what it does.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.core.hail import Attributes, Block, json_block, text
from opensession.parsers import diffs
from opensession.parsers.actions import Given, string

_FENCE = "```"
_SHOWN = ("output", "content", "diff")
_LARGEST_CODE = 1 << 31


class Outcome(msgspec.Struct, frozen=True):
    """A call's result, as the timeline takes it."""

    blocks: list[Block]
    is_error: bool = False
    exit_code: int | None = None
    diff: str = ""
    attributes: Attributes = {}


def outcome(run: Given, path: str) -> Outcome | None:
    """The result that a run says; None while there is none. `path` is the file of the call."""
    status = string(run, "status")
    if status == "done":
        return _done(run, path)
    if status == "error":
        return Outcome(_words(run.get("error")) + _progress(run), is_error=True)
    if status in ("cancelled", "rejected-by-user"):
        reason = string(run, "reason")
        said = [text(reason)] if reason else []
        marked = {"result.status": status}
        return Outcome([*said, *_progress(run)], is_error=True, attributes=marked)
    return None


def _done(run: Given, path: str) -> Outcome:
    result = run.get("result")
    if not isinstance(result, dict):
        return Outcome(_words(result) + _steps(run))
    blocks = [text(string(result, key)) for key in ("output", "content") if string(result, key)]
    rest = {key: value for key, value in result.items() if _is_left(key, value)}
    if rest:
        blocks.append(json_block(rest))
    return Outcome(
        blocks + _steps(run),
        exit_code=_exit_code(result.get("exitCode")),
        diff=_diff(path, string(result, "diff")),
    )


def _is_left(key: str, value: Any) -> bool:
    """Whether a field of a result is told by nothing else."""
    if key == "exitCode":
        return _exit_code(value) is None
    return key not in _SHOWN or not isinstance(value, str)


def _exit_code(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < _LARGEST_CODE else None


def _words(value: Any) -> list[Block]:
    """What was said, in whichever form."""
    if isinstance(value, dict) and string(value, "message"):
        return [text(string(value, "message"))]
    if isinstance(value, str):
        return [text(value)] if value else []
    return [] if value is None else [json_block(value)]


def _progress(run: Given) -> list[Block]:
    """How far a run came that did not end well."""
    progress = run.get("progress")
    if isinstance(progress, dict) and string(progress, "output"):
        return [text(string(progress, "output"))]
    return _steps(run)


def _steps(run: Given) -> list[Block]:
    """The steps of a sub-agent, which nothing else tells of."""
    progress = run.get("progress")
    return [json_block({"progress": progress})] if isinstance(progress, list) and progress else []


def _diff(path: str, recorded: str) -> str:
    """The diff that an edit reported, out of its fence and from its header or first hunk on."""
    lines = recorded.strip("\n").split("\n")
    if lines[0].startswith(_FENCE):
        lines = lines[1:-1] if lines[-1].startswith(_FENCE) else lines[1:]
    for number, line in enumerate(lines):
        if line.startswith(("Index: ", "=====")):
            continue
        body = "\n".join(lines[number:])
        return diffs.with_header(path, body) if path else body
    return ""
