"""What Gemini CLI and the agents made from it have in common: the parts of Google's API.

A message's content is a text, a part or a list of parts; a part has one of `text` (with `thought`),
`functionCall`, `functionResponse`, `inlineData`, `fileData`, `executableCode` and the like.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeAlias

from opensession.core.hail import Attributes, Block, code, json_block, text
from opensession.parsers import diffs
from opensession.parsers.actions import Given, path_in, string

_LARGEST = 1 << 53
_EXIT_CODE = re.compile(
    r"^Exit Code: (-?\d{1,9})(?:\n(?:Signal|Background PIDs|Process Group PGID): .*)*\s*\Z",
    re.MULTILINE,
)
_REPORT_CHARACTERS = 4096
_WRAPPER = "untrusted_context"
_OUTPUTS = ("output", "error", "content", "result")
_NOT_ALLOWED = ("did not allow tool call", "User rejected", "User declined")

NAME_CHARACTERS = 256
"""A longer id or name of a model is none."""

Part: TypeAlias = dict[str, Any]


class Tokens(NamedTuple):
    """What a response took and gave; `input` is uncached, `output` has the thoughts in it."""

    input: int
    output: int
    cached: int


def name_in(given: Given, key: str) -> str:
    """An id or a name among the fields of a record; empty for what is none."""
    value = string(given, key)
    return value if len(value) <= NAME_CHARACTERS else ""


def parts_of(content: Any) -> list[Part]:
    """The parts of a content, whichever form it has; what is no part is kept under `value`."""
    if content is None or content == "":
        return []
    if not isinstance(content, list):
        content = [content]
    return [_part(item) for item in content if item not in (None, "")]


def _part(item: Any) -> Part:
    if isinstance(item, str):
        return {"text": item}
    return item if isinstance(item, dict) else {"value": item}


def block_of(part: Part) -> Block | None:
    """A part that is neither words nor a call, as a block; None for an empty one.

    Bytes of media stay in the archive: a `data:` URL says only how many.
    """
    inline, stored = part.get("inlineData"), part.get("fileData")
    if isinstance(inline, dict):
        return _media(string(inline, "mimeType"), _bytes_url(inline))
    if isinstance(stored, dict):
        return _media(string(stored, "mimeType"), string(stored, "fileUri"))
    program = part.get("executableCode")
    if isinstance(program, dict) and string(program, "code"):
        return code(string(program, "code"), string(program, "language").lower())
    outcome = part.get("codeExecutionResult")
    if isinstance(outcome, dict) and string(outcome, "output"):
        return text(string(outcome, "output"))
    rest = {key: value for key, value in part.items() if key not in ("thought", "thoughtSignature")}
    if not rest or rest == {"text": ""}:
        return None
    return json_block(rest)


def _bytes_url(inline: Given) -> str:
    size = len(string(inline, "data").rstrip("=")) * 3 // 4
    return f"data:{string(inline, 'mimeType')};bytes={size},"


def _media(mime: str, url: str) -> Block:
    for kind in ("Image", "Video", "Audio"):
        if mime.startswith(kind.lower() + "/"):
            return {"type": kind, "url": url, "mime": mime}
    return {"type": "Reference", "uri": url, "media_type": mime}


def words_of(parts: list[Part]) -> str:
    """The text of parts, without thoughts."""
    return "".join(string(part, "text") for part in parts if part.get("thought") is not True)


class Answer(NamedTuple):
    """What a `functionResponse` says."""

    blocks: list[Block]
    words: str
    failed: bool


def answer_of(response: Given) -> Answer:
    """The answer in a `functionResponse`: its output or error as text, else what it holds."""
    value = response.get("response")
    blocks: list[Block] = []
    words, failed = "", False
    if isinstance(value, str):
        words = value
    elif isinstance(value, dict):
        rest = dict(value)
        for key in _OUTPUTS:
            said = rest.get(key)
            if isinstance(said, str):
                words = said
                failed = key == "error"
                del rest[key]
                break
        failed = failed or bool(rest.get("error"))
        if rest:
            blocks.append(json_block(rest))
    elif value is not None:
        blocks.append(json_block(value))
    words = unwrapped(words)
    if words:
        blocks.insert(0, text(words))
    for part in parts_of(response.get("parts")):
        block = text(string(part, "text")) if string(part, "text") else block_of(part)
        if block is not None:
            blocks.append(block)
    return Answer(blocks, words, failed)


def unwrapped(words: str) -> str:
    """An output without the tags that tell the model not to trust it."""
    start, end = f"<{_WRAPPER}>", f"</{_WRAPPER}>"
    trimmed = words.strip()
    if trimmed.startswith(start) and trimmed.endswith(end):
        return trimmed[len(start) : -len(end)].strip("\n")
    return words


def exit_code_in(words: str) -> int | None:
    """The exit code that a shell's output ends with; None where it says none.

    A line of the command's own output that looks so is not followed by the end of the report.
    """
    found = _EXIT_CODE.search(words, max(0, len(words) - _REPORT_CHARACTERS))
    return int(found[1]) if found else None


def was_refused(words: str) -> bool:
    """Reports whether a result says that the person did not allow the call."""
    return any(mark in words[:4096] for mark in _NOT_ALLOWED)


def diff_of(display: Any, path: str) -> str:
    """The diff that a tool shows of its edit (`resultDisplay.fileDiff`), under our header.

    `path` is what the call names. Empty where there is none, or only a notice in its place.
    """
    if not isinstance(display, dict) or display.get("fileDiffTruncated") is True:
        return ""
    shown = string(display, "fileDiff")
    start = 0 if shown.startswith("@@") else shown.find("\n@@") + 1
    if not shown or (start == 0 and not shown.startswith("@@")):
        return ""
    body = shown[start:].rstrip("\n")
    path = path_in(display, "filePath") or path or path_in(display, "fileName")
    if display.get("isNewFile") is True or body.startswith("@@ -0,0 "):
        return f"--- /dev/null\n+++ {path}\n{body}"
    return diffs.with_header(path, body)


def count_in(given: Given, key: str) -> int:
    """A count among the fields of a record; 0 for what is none."""
    value = given.get(key)
    return value if type(value) is int and 0 <= value < _LARGEST else 0


def tokens_of(
    prompt: int, candidates: int, cached: int, thoughts: int, tool: int, total: int
) -> Tokens:
    """The tokens of a response, from Google's counts.

    `prompt` has the cached ones in it. Thoughts are beside `candidates`, and the tokens of built-in
    tools beside `prompt`, unless the total shows that they were counted in (as where Qwen Code
    talks to an API of another maker).
    """
    cached = min(cached, prompt)
    beside = not total or total >= prompt + candidates + thoughts
    output = candidates + thoughts if beside else max(candidates, thoughts)
    if tool and (not total or total >= prompt + output + tool):
        prompt += tool
    return Tokens(prompt - cached, output, cached)


def attributes_of(message_id: str, model: str, tokens: Tokens | None) -> Attributes:
    """The attributes of every event of a response."""
    out: Attributes = {}
    if message_id:
        out["message_id"] = message_id
    if model:
        out["model"] = model
    if tokens is not None and any(tokens):
        out["input_tokens"] = tokens.input
        out["output_tokens"] = tokens.output
        out["cache_read_tokens"] = tokens.cached
        out["cache_write_tokens"] = 0
    return out
