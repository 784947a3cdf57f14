"""Outputs of calls: what came back, with exit code, duration and diffs (DECISIONS §2)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from opensession.core.hail import Attributes, Block, json_block, text
from opensession.parsers.codex.calls import part_id
from opensession.parsers.codex.messages import blocks_of
from opensession.parsers.codex.reading import Reading
from opensession.parsers.codex.records import Content, Int, Payload
from opensession.parsers.codex.state import RECENT_CALLS, OpenCall, mark, remember
from opensession.parsers.decoding import decode_any, storable

_HEADER = re.compile(
    r"(?:Chunk ID: [^\n]*\n)?"
    r"(?:Exit code: (?P<exit>-?\d{1,10})\n)?"
    r"(?:Wall time: (?P<wall>\d{1,9}(?:\.\d{1,12})?) seconds?\n)"
    r"(?:Process exited with code (?P<exited>-?\d{1,10})\n)?"
    r"(?:Process running with session ID (?P<session>\d{1,18})\n)?"
    r"(?:(?:Original token count|Total output lines): \d+\n)*"
    r"Output:\n?"
)
_FAILURES = (
    "unsupported call",
    "unsupported custom tool call",
    "failed to parse function arguments",
    "execution error",
    "exec_command failed",
    "apply_patch verification failed",
    "exec command rejected",
    "patch rejected",
    "write_stdin failed",
    "tool call error",
    "err: ",
    "aborted",
)


class Metadata(msgspec.Struct):
    exit_code: Int | None = None
    duration_seconds: float | None = None


class Wrapped(msgspec.Struct):
    """An output as older versions wrote it: JSON in a string."""

    output: str
    metadata: Metadata


class Output(NamedTuple):
    """What an output says; None where it does not."""

    blocks: list[Block]
    exit_code: int | None = None
    duration_ms: int | None = None
    failed: bool = False
    process: str = ""


_wrapped = msgspec.json.Decoder(Wrapped)


def on_output(reading: Reading, payload: Payload) -> None:
    """A response item `function_call_output` or `custom_tool_call_output`."""
    state = reading.state
    call_id = payload.call_id or ""
    call = state.open.pop(call_id, None)
    output = read_output(payload.output)
    native = payload.id or (f"{call_id}:output" if call_id else None)
    if call is None:
        call = OpenCall(0, payload.name or "unknown", "other", "")
    if call.name == "spawn_agent" and not call.subagent:
        call.subagent = _started(payload.output)
    exit_code = output.exit_code if output.exit_code is not None else call.exit_code
    remember(
        state.closed,
        mark(call_id),
        0 if exit_code is None and call.kind == "shell" else 1,
        RECENT_CALLS,
    )
    result(
        reading,
        native,
        call_id,
        call,
        Output(
            output.blocks,
            exit_code,
            call.duration_ms if call.duration_ms is not None else output.duration_ms,
            call.failed or output.failed or bool(exit_code),
            output.process,
        ),
    )
    if call.kind == "interactive":
        _answers(reading, native, payload.output)


def on_tool_search_output(reading: Reading, payload: Payload) -> None:
    """A response item `tool_search_output`."""
    call_id = payload.call_id or ""
    call = reading.state.open.pop(call_id, None) or OpenCall(0, "tool_search", "search", "")
    try:
        tools = storable(payload.tools)
    except ValueError:
        tools = None
    output = Output([json_block(tools)] if tools else [], failed=payload.status == "failed")
    result(reading, payload.id or f"{call_id}:output", call_id, call, output)


def result(
    reading: Reading, native: str | None, call_id: str, call: OpenCall, output: Output
) -> None:
    """Emits the result of a call, one for each file of a patch; the first carries the output."""
    for n in range(max(1, len(call.files))):
        attributes: Attributes = {"semantic.tool_kind": call.kind}
        own_id = part_id(call_id, n)
        seq = call.files[n].seq if call.files else call.seq
        if own_id:
            attributes["semantic.call_id"] = own_id
        if seq:
            attributes["result.call_seq"] = seq
        if output.exit_code is not None:
            attributes["result.exit_code"] = output.exit_code
        if output.duration_ms is not None:
            attributes["result.duration_ms"] = output.duration_ms
        if output.process:
            attributes["process"] = output.process
        if call.subagent:
            attributes["subagent_id"] = call.subagent
        if call.files and call.files[n].diff and not output.failed:
            attributes["result.diff"] = call.files[n].diff
        data: dict[str, Any] = {"name": call.name, "is_error": output.failed}
        if own_id:
            data["call_id"] = own_id
        reading.emit(
            "ToolResult",
            native,
            data=data,
            blocks=output.blocks if n == 0 else None,
            attributes=attributes,
            n=n,
        )


def read_output(value: Any) -> Output:
    """Reads an output of any version: text with or without a header, JSON, or parts."""
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, list):
        parts = []
        for part in value:
            if isinstance(part, dict):
                words, image = part.get("text"), part.get("image_url")
                parts.append(
                    Content(
                        text=words if isinstance(words, str) else None,
                        image_url=image if isinstance(image, str) else None,
                    )
                )
        return _of_parts(parts)
    if isinstance(value, dict):
        success = value.get("success")
        content = value.get("content", value.get("output"))
        inner = read_output(content) if isinstance(content, str | list) else Output([])
        return inner._replace(failed=inner.failed or success is False)
    return Output([])


def _of_parts(parts: list[Content]) -> Output:
    blocks = blocks_of(parts)
    first = parts[0].text if parts else None
    if first:
        head = _read_text(first)
        return head._replace(blocks=head.blocks + blocks[1:])
    return Output(blocks)


def _read_text(value: str) -> Output:
    if value.startswith('{"output":'):
        try:
            wrapped = _wrapped.decode(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return _plain(value)
        seconds = wrapped.metadata.duration_seconds
        exit_code = wrapped.metadata.exit_code
        return Output(
            _text_blocks(wrapped.output),
            exit_code,
            _milliseconds(seconds) if seconds is not None else None,
            bool(exit_code),
        )
    if value.startswith(("Chunk ID: ", "Exit code: ", "Wall time: ")):
        header = _HEADER.match(value)
        if header:
            code = header["exit"] or header["exited"]
            return Output(
                _text_blocks(value[header.end() :]),
                int(code) if code else None,
                _milliseconds(float(header["wall"])),
                bool(code) and int(code) != 0,
                header["session"] or "",
            )
    return _plain(value)


def _plain(value: str) -> Output:
    return Output(_text_blocks(value), failed=value.startswith(_FAILURES))


def _text_blocks(value: str) -> list[Block]:
    return [text(value)] if value else []


def _milliseconds(seconds: float) -> int | None:
    return round(seconds * 1000) if 0 <= seconds < 1e12 else None


def _started(output: Any) -> str:
    """The session that `spawn_agent` started, by its output."""
    if not isinstance(output, str) or not output.startswith("{"):
        return ""
    try:
        value = decode_any(output)
    except ValueError:
        return ""
    started = value.get("agent_id", value.get("thread_id")) if isinstance(value, dict) else None
    return started if isinstance(started, str) else ""


def _answers(reading: Reading, native: str | None, output: Any) -> None:
    """What a person answered to the agent's questions is a message of theirs."""
    try:
        value = decode_any(output) if isinstance(output, str) else output
    except ValueError:
        return
    answers = value.get("answers") if isinstance(value, dict) else None
    if not isinstance(answers, dict):
        return
    lines = []
    for question, answer in answers.items():
        chosen = answer.get("answers") if isinstance(answer, dict) else answer
        if isinstance(chosen, str):
            chosen = [chosen]
        if isinstance(chosen, list):
            lines.append(f"{question}: {' | '.join(str(item) for item in chosen)}")
    if lines:
        reading.emit(
            "UserMessage",
            native,
            blocks=[text("\n".join(lines))],
            attributes={"source": "interactive"},
            n=1,
        )
