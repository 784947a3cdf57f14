"""Results of tools: what came out, as blocks, a diff, an exit code and a duration."""

from __future__ import annotations

import re

from msgspec import Raw

from opensession.core.hail import Attributes, Block, code, json_block, text
from opensession.parsers import diffs
from opensession.parsers.claude_code import records
from opensession.parsers.claude_code.records import Outcome, Picture
from opensession.parsers.claude_code.state import OpenCall
from opensession.parsers.claude_code.tools import READING_TOOLS, SHELL_TOOLS, SUBAGENT_TOOLS
from opensession.parsers.languages import language_of

_NEW_FILE_BYTES = 64 << 10
"""A file written whole is shown as a diff of added lines up to this size."""

_NUMBERED = re.compile(r" *(\d+)(→|\t|\|)")
_NUMBERS = {mark: re.compile(rf"\n *+\d++{re.escape(mark)}") for mark in ("→", "\t", "|")}
_EXIT_CODE = re.compile(r"(?:Error: )?Exit code (-?\d{1,9})\b")
_SNIPPET = "Here's the result of running `cat -n`"
_REJECTED = "The user doesn't want to "
_LARGEST_DURATION = 10**12


def blocks_of(
    name: str,
    content: str | list[Raw] | dict[str, Raw] | None,
    call: OpenCall | None,
    outcome: Outcome | None,
    *,
    with_diff: bool,
) -> list[Block]:
    """The content blocks of a result of tool `name`."""
    if name in READING_TOOLS and outcome is not None and outcome.file and outcome.file.content:
        value = records.decode_text(outcome.file.content)
        if value:
            path = outcome.file.file_path or (call.path if call else "")
            return [code(value, language_of(path), outcome.file.start_line or 1)]
    if isinstance(content, str):
        return _of_text(name, content, call, with_diff=with_diff)
    if isinstance(content, list):
        parts = [part for raw in content for part in _of_part(name, raw, call)]
        if name in SUBAGENT_TOOLS and len(parts) > 1 and _is_about_agent(parts[-1]):
            parts.pop()
        return parts
    if isinstance(content, dict):
        return [json_block({key: records.decode_value(value) for key, value in content.items()})]
    return []


def details_of(
    name: str,
    error: bool,
    blocks: list[Block],
    call: OpenCall | None,
    outcome: Outcome | None,
    failure: str,
) -> Attributes:
    """The attributes `result.*` and the person's decision.

    `failure` is the text of an error, where the call failed.
    """
    found: Attributes = {}
    if name in SHELL_TOOLS:
        exit_code = _exit_code(error, outcome, failure)
        if exit_code is not None:
            found["result.exit_code"] = exit_code
    if outcome is not None:
        if outcome.interrupted:
            found["interrupted"] = True
        duration = _duration(outcome)
        if duration is not None:
            found["result.duration_ms"] = duration
    if failure.startswith(_REJECTED):
        found["user_decision"] = "rejected"
    if error and call is not None and call.edits:
        proposed = _edits_diff(call)
        if proposed:
            blocks.append(code(proposed, "diff"))
    return found


def diff_of(call: OpenCall | None, outcome: Outcome | None, said: str) -> str:
    """The unified diff of what a successful call changed; empty where it is not known.

    Claude Code's own hunks where they are recorded, else the texts of the call.
    """
    path = (outcome.file_path if outcome else None) or (call.path if call else "")
    if outcome is not None:
        if outcome.structured_patch:
            return diffs.from_hunks(path, outcome.structured_patch)
        if outcome.type == "create" and outcome.content:
            if len(outcome.content) > _NEW_FILE_BYTES:
                return ""
            return diffs.of_new_file(path, records.decode_text(outcome.content))
        if outcome.new_source and outcome.edit_mode == "insert":
            return diffs.from_texts(path, "", outcome.new_source)
    if call is None or not call.edits:
        return ""
    if call.name == "Write":
        created = said.startswith("File created successfully")
        return diffs.of_new_file(path, call.edits[0][1]) if created else ""
    return _edits_diff(call)


def picture(source: Picture | None, kind: str, title: str | None = None) -> Block:
    """An image or document. The bytes stay in the archive: a `data:` URL says only how many."""
    source = source or Picture()
    mime = source.media_type or ("image/png" if kind == "image" else "application/octet-stream")
    url = source.url or ""
    if not url:
        size = max(len(source.data) - 2, 0)
        size = size * 3 // 4 if source.type != "text" else size
        url = f"data:{mime};bytes={size},"
    if kind == "image":
        return {"type": "Image", "url": url, "mime": mime}
    if title:
        return {"type": "File", "path": title}
    return {"type": "Reference", "uri": url, "media_type": mime}


def numbered(value: str, path: str) -> list[Block] | None:
    """A text whose lines begin with their numbers, as code; None for any other text.

    What follows the numbered lines stays as text, unless it is a reminder to the model.
    """
    first = _NUMBERED.match(value)
    if first is None:
        return None
    head = value.split("\n", 5)[:5]
    if sum(1 for line in head if not line.strip() or _NUMBERED.match(line)) * 5 < len(head) * 3:
        return None
    end = _end_of_numbers(value)
    rest = value[end:].strip()
    number = min(int(first[1]), 2**31)
    found = [code(_NUMBERS[first[2]].sub("\n", "\n" + value[:end])[1:], language_of(path), number)]
    if rest and not (rest.startswith("<system-reminder>") and rest.endswith("</system-reminder>")):
        found.append(text(rest))
    return found


def _end_of_numbers(value: str) -> int:
    """Where the numbered lines end: at the first blank line that none of them follows."""
    gap = value.find("\n\n")
    while gap >= 0:
        following = gap + 2
        while value.startswith("\n", following):
            following += 1
        if _NUMBERED.match(value, following) is None:
            return gap
        gap = value.find("\n\n", following)
    return len(value)


def _of_text(name: str, content: str, call: OpenCall | None, *, with_diff: bool) -> list[Block]:
    if not content:
        return []
    if content.startswith("<tool_use_error>"):
        content = content.removeprefix("<tool_use_error>").removesuffix("</tool_use_error>")
    if name in READING_TOOLS:
        found = numbered(content, call.path if call else "")
        if found is not None:
            return found
    if with_diff:
        snippet = content.find(_SNIPPET)
        if snippet > 0:  # the diff says the same
            content = content[:snippet].rstrip()
    return [text(content)]


def _of_part(name: str, raw: Raw, call: OpenCall | None) -> list[Block]:
    value = records.decode_part(raw)
    if value is None:
        return [json_block(records.decode_value(raw))]
    if value.type == "text" and value.text is not None:
        return _of_text(name, value.text, call, with_diff=False)
    if value.type in ("image", "document"):
        return [picture(value.source, value.type, value.title)]
    return [json_block(records.decode_value(raw))]


def _is_about_agent(block: Block) -> bool:
    value: str = block.get("text", "")
    return value.startswith("agentId: ")


def _exit_code(error: bool, outcome: Outcome | None, failure: str) -> int | None:
    if outcome is not None and outcome.exit_code is not None:
        return outcome.exit_code
    if error:
        match = _EXIT_CODE.match(failure)
        return int(match[1]) if match else None
    if outcome is not None and (
        outcome.interrupted or outcome.background_task_id or outcome.return_code_interpretation
    ):
        return None  # still running, cut short, or a code that was read as no error and not kept
    return 0


def _duration(outcome: Outcome) -> int | None:
    milliseconds = outcome.duration_ms
    if milliseconds is None:
        milliseconds = outcome.total_duration_ms
    if milliseconds is None and outcome.duration_seconds is not None:
        milliseconds = outcome.duration_seconds * 1000
    return whole(milliseconds)


def whole(value: float | None) -> int | None:
    """A count of milliseconds or the like as an integer; None for what cannot be one."""
    return int(value) if value is not None and 0 <= value < _LARGEST_DURATION else None


def _edits_diff(call: OpenCall) -> str:
    parts = [part for old, new in call.edits if (part := diffs.from_texts(call.path, old, new))]
    if len(parts) < 2:
        return parts[0] if parts else ""
    hunks = [part.split("\n", 2)[2] for part in parts[1:]]
    return "\n".join([parts[0], *hunks])
