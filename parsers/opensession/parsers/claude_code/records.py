"""Claude Code's lines as typed records: what is read of them, and nothing else.

Four tenths of a transcript is `toolUseResult`, most of it whole files; what is not declared here is
skipped by the decoder without being built. A line of an unexpected shape is decoded again,
field by field, so that one odd value costs that value and not the line.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any, get_type_hints

import msgspec
from msgspec import Raw, Struct

from opensession.parsers.diffs import Hunk

_SALVAGED_OBJECTS = 16


class CacheCreation(Struct, gc=False):
    """Tokens written to the cache, by how long they are kept."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class Tokens(Struct, gc=False):
    """`message.usage`: `input_tokens` is uncached input."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens: int | None = None
    server_tool_use: dict[str, Any] | None = None


class Picture(Struct, gc=False):
    """The `source` of an image or document block; `data` is left undecoded, it may be megabytes."""

    type: str | None = None
    media_type: str | None = None
    url: str | None = None
    data: Raw = Raw(b"")


class Block(Struct, gc=False):
    """One block of a message's content, of any type."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    tool_use_id: str | None = None
    content: str | list[Raw] | dict[str, Raw] | None = None
    is_error: bool | None = None
    source: Picture | None = None
    title: str | None = None


class Message(Struct, gc=False):
    """`message` as the API has it."""

    model: str | None = None
    id: str | None = None
    content: str | list[Block] | None = None
    stop_reason: str | None = None
    usage: Tokens | None = None


class ReadFile(Struct, gc=False, rename="camel"):
    """`toolUseResult.file` of a Read: the text without line numbers."""

    content: Raw = Raw(b"")
    file_path: str | None = None
    start_line: int | None = None


class Outcome(Struct, gc=False, rename="camel"):
    """`toolUseResult`: what the tool itself says of its result."""

    type: str | None = None
    content: Raw = Raw(b"")
    file: ReadFile | None = None
    file_path: str | None = None
    structured_patch: list[Hunk] | None = None
    interrupted: bool | None = None
    return_code_interpretation: str | None = None
    background_task_id: str | None = None
    exit_code: int | None = None
    duration_ms: float | None = None
    total_duration_ms: float | None = None
    duration_seconds: float | None = None
    agent_id: str | None = None
    new_source: str | None = msgspec.field(name="new_source", default=None)
    edit_mode: str | None = msgspec.field(name="edit_mode", default=None)


class Origin(Struct, gc=False):
    """Who a user record comes from: `human`, `task-notification`, …"""

    kind: str | None = None


class Fork(Struct, gc=False, rename="camel"):
    """Where the records of a fork were copied from."""

    session_id: str | None = None


class Progress(Struct, gc=False, rename="camel"):
    """`data` of a progress record; `message` is a record of a subagent, decoded on its own."""

    type: str | None = None
    agent_id: str | None = None
    message: Raw = Raw(b"")


class Record(Struct, gc=False, rename="camel"):
    """Any line: what all have in common, and the fields of each type."""

    parent_uuid: str | None = None
    is_sidechain: bool | None = None
    cwd: str | None = None
    session_id: str | None = None
    version: str | None = None
    git_branch: str | None = None
    agent_id: str | None = None
    type: str = ""
    message: Message | None = None
    request_id: str | None = None
    uuid: str | None = None
    timestamp: str | None = None
    tool_use_result: Outcome | str | list[Raw] | None = None
    entrypoint: str | None = None
    subtype: str | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_api_error_message: bool | None = None
    prompt_source: str | None = None
    forked_from: Fork | str | None = None
    origin: Origin | None = None
    cost_usd: float | None = msgspec.field(name="costUSD", default=None)
    level: str | None = None
    content: Any = None
    duration_ms: float | None = None
    compact_metadata: dict[str, Any] | None = None
    error: Any = None
    retry_attempt: float | None = None
    max_retries: float | None = None
    hook_infos: list[Any] | None = None
    hook_errors: list[Any] | None = None
    data: Progress | None = None
    parent_tool_use_id: str | None = msgspec.field(name="parentToolUseID", default=None)
    attachment: Raw = Raw(b"")
    operation: str | None = None
    summary: str | None = None
    leaf_uuid: str | None = None
    custom_title: str | None = None
    ai_title: str | None = None
    agent_name: str | None = None
    tag: str | None = None
    pr_url: str | None = None


_record = msgspec.json.Decoder(Record)
_part = msgspec.json.Decoder(Block)
_any = msgspec.json.Decoder()
_NESTED: dict[tuple[type[Struct], str], type[Struct]] = {
    (Record, "message"): Message,
    (Record, "tool_use_result"): Outcome,
    (Record, "origin"): Origin,
    (Record, "forked_from"): Fork,
    (Record, "data"): Progress,
    (Message, "usage"): Tokens,
    (Tokens, "cache_creation"): CacheCreation,
    (Block, "source"): Picture,
    (Outcome, "file"): ReadFile,
}


def decode(line: bytes | Raw) -> Record | None:
    """The record of a line, or None where the line is not one JSON object (see `salvage`)."""
    try:
        return _record.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = _value(bytes(line))
    if not isinstance(value, dict):
        return None
    try:
        return _record.decode(msgspec.json.encode(value))
    except msgspec.ValidationError:
        fitted: Record = _fitted(Record, value)
        return fitted
    except (msgspec.DecodeError, RecursionError):
        return None


def decode_value(raw: bytes | Raw) -> Any:
    """Any JSON value as it is; None for what is none."""
    try:
        return _any.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _value(bytes(raw))


def decode_part(raw: Raw) -> Block | None:
    """One part of a tool result's content; None for what is no object."""
    try:
        return _part.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = decode_value(raw)
        return _block(value) if isinstance(value, dict) else None


def decode_text(raw: Raw) -> str:
    """A JSON string left undecoded; empty for anything else."""
    value = decode_value(raw) if raw else None
    return value if isinstance(value, str) else ""


def salvage(line: bytes) -> Iterator[tuple[Record, bytes]]:
    """What whole objects a malformed line begins with, each with its own bytes.

    Two writers at once leave two objects on one line, a crash leaves zero bytes before a line or
    the beginning of an object before the next one.
    """
    text = line.decode("utf-8", "replace").strip("\0\ufeff \t\r")
    decoder = json.JSONDecoder()
    position = 0
    for _ in range(_SALVAGED_OBJECTS):
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        if not isinstance(value, dict):
            return
        encoded = _encoded(value)
        record = decode(encoded)
        if record is not None:
            yield record, encoded
        while text[position : position + 1].isspace():
            position += 1


def _value(line: bytes) -> Any:
    """A JSON value with what msgspec refuses and programs write: halves of surrogate pairs."""
    try:
        return msgspec.json.decode(_encoded(json.loads(line)))
    except (ValueError, RecursionError):
        return None


def _encoded(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()


@functools.cache
def _fields(struct: type[Struct]) -> list[tuple[str, str, msgspec.json.Decoder[Any]]]:
    """Made when a line does not fit: types are slow to resolve, and most daemons never need it."""
    hints = get_type_hints(struct)
    return [
        (field.name, field.encode_name, msgspec.json.Decoder(hints[field.name]))
        for field in msgspec.structs.fields(struct)
    ]


def _fitted(struct: type[Struct], value: dict[str, Any]) -> Any:
    """A struct of what fits of an object; a field that does not is left out."""
    found: dict[str, Any] = {}
    for name, key, decoder in _fields(struct):
        if key not in value:
            continue
        given = value[key]
        try:
            found[name] = decoder.decode(msgspec.json.encode(given))
        except (msgspec.DecodeError, RecursionError):
            nested = _NESTED.get((struct, name))
            if nested is not None and isinstance(given, dict):
                found[name] = _fitted(nested, given)
            elif struct is Message and name == "content" and isinstance(given, list):
                found[name] = [_block(part) for part in given]
    return struct(**found)


def _block(value: Any) -> Block:
    if isinstance(value, dict):
        block: Block = _fitted(Block, value)
        return block
    return Block(type="text", text=value) if isinstance(value, str) else Block(input=value)
