"""The records of a rollout file, as far as anything of them is used.

    {"timestamp": T, "ordinal": N, "type": "response_item", "payload": {"type": "message", …}}
    {"timestamp": T, "type": "event_msg", "payload": {"type": "token_count", …}}
    {"id": U, "timestamp": T, "git": {…}}                    the header of the old flat dialect …
    {"type": "message", "role": "user", "content": […]}       … and one of its items

One decode gives everything: `Payload` has the fields of every kind of payload, and what is not
named here (encrypted reasoning, base instructions, world state) is skipped by the decoder.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec

from opensession.parsers.decoding import decode_any

Int: TypeAlias = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]


class Content(msgspec.Struct, gc=False):
    """One part of a message, of reasoning or of an output."""

    type: str | None = None
    text: str | None = None
    image_url: str | None = None


class Passthrough(msgspec.Struct, gc=False):
    """What Codex notes about a message; kinds are `user.text`, `generic.turn_aborted`, …"""

    content_item_kinds: list[str] | None = None


class Git(msgspec.Struct, gc=False):
    commit_hash: str | None = None
    branch: str | None = None
    repository_url: str | None = None


class Tokens(msgspec.Struct, gc=False):
    """Token counters; `input_tokens` includes the cached ones."""

    input_tokens: Int = 0
    cached_input_tokens: Int = 0
    cache_write_input_tokens: Int | None = None
    output_tokens: Int = 0
    reasoning_output_tokens: Int = 0
    total_tokens: Int = 0


class TokenInfo(msgspec.Struct, gc=False):
    total_token_usage: Tokens | None = None
    last_token_usage: Tokens | None = None


class Change(msgspec.Struct, gc=False):
    """What became of one file; in some versions under `type`, in others `{"update": {…}}`."""

    type: str | None = None
    unified_diff: str | None = None
    content: str | None = None
    move_path: str | None = None
    update: Change | None = None
    add: Change | None = None
    delete: Change | None = None


class Settings(msgspec.Struct, gc=False):
    model: str | None = None
    model_provider_id: str | None = None
    cwd: str | None = None


class Report(msgspec.Struct, gc=False):
    """What an end event or a completed item says of a tool call or a message."""

    type: str | None = None
    id: str | None = None
    call_id: str | None = None
    content: list[Content] | str | None = None
    text: str | None = None
    summary_text: list[str] | None = None
    fragments: list[Content] | None = None
    command: list[str] | str | None = None
    cwd: str | None = None
    source: Any = None
    aggregated_output: msgspec.Raw = msgspec.Raw(b"null")
    stdout: msgspec.Raw = msgspec.Raw(b"null")
    stderr: msgspec.Raw = msgspec.Raw(b"null")
    exit_code: Int | None = None
    duration: Any = None
    status: str | None = None
    success: bool | None = None
    changes: dict[str, Change] | None = None
    invocation: Any = None
    server: str | None = None
    namespace: str | None = None
    tool: str | None = None
    arguments: Any = None
    content_items: list[Content] | None = None
    result: Any = None
    error: Any = None
    path: str | None = None
    receiver_thread_ids: list[str] | None = None
    new_thread_id: str | None = None
    agent_thread_id: str | None = None
    event_id: str | None = None


class Payload(Report, gc=False):
    """The fields of every payload that anything is done with."""

    # response items
    role: str | None = None
    name: str | None = None
    input: str | None = None
    output: Any = None
    action: Any = None
    summary: Any = None
    author: str | None = None
    recipient: str | None = None
    revised_prompt: str | None = None
    execution: str | None = None
    tools: Any = None
    internal_chat_message_metadata_passthrough: Passthrough | None = None
    # session_meta and the flat header
    timestamp: str | None = None
    originator: str | None = None
    cli_version: str | None = None
    thread_source: str | None = None
    model_provider: str | None = None
    git: Git | None = None
    forked_from_id: str | None = None
    history_base: Any = None
    parent_thread_id: str | None = None
    agent_nickname: str | None = None
    agent_role: str | None = None
    # turn_context, tasks
    turn_id: str | None = None
    model: str | None = None
    last_agent_message: str | None = None
    duration_ms: Int | None = None
    reason: str | None = None
    # other events and records
    message: str | None = None
    query: str | None = None
    info: TokenInfo | None = None
    item: Report | None = None
    usage: Tokens | None = None
    thread_token_usage: Tokens | None = None
    response_id: str | None = None
    thread_name: str | None = None
    thread_settings: Settings | None = None
    num_turns: Int | None = None
    user_facing_hint: str | None = None
    review_output: Any = None
    record_type: str | None = None


class Record(msgspec.Struct, gc=False):
    """One line; a flat item has no `payload`."""

    timestamp: str | None = None
    type: str | None = None
    payload: Payload | None = None


_records = msgspec.json.Decoder(Record)
_payloads = msgspec.json.Decoder(Payload)


def decode(data: bytes) -> Record:
    """One line as a record, a flat item as a record whose `type` is empty.

    A field of an unexpected type is left out; the others count. Raises ValueError for what is not
    a JSON object.
    """
    try:
        given = _records.decode(data)
        return given if given.payload is not None else _flat(given, _payloads.decode(data))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = decode_any(data)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    record: Record = _lenient(Record, value)
    if record.payload is None:
        return _flat(record, _lenient(Payload, value))
    return record


_ENVELOPES = frozenset(
    ("session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state")
)


def text_of(raw: msgspec.Raw) -> str:
    """The text of a field that is mostly not looked at; empty where it is none."""
    try:
        value = decode_any(bytes(raw))
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""


def _flat(record: Record, payload: Payload) -> Record:
    if record.type in _ENVELOPES:
        return Record(timestamp=record.timestamp, type=record.type, payload=Payload())
    return Record(timestamp=payload.timestamp, type="", payload=payload)


def _lenient(kind: Any, value: dict[str, Any]) -> Any:
    """A struct of what fits of `value`, field by field."""
    fitting: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in value:
            continue
        raw = value[field.encode_name]
        if field.name in _RAW:
            fitting[field.name] = msgspec.Raw(msgspec.json.encode(raw))
            continue
        try:
            fitting[field.name] = msgspec.convert(raw, field.type)
        except (msgspec.ValidationError, RecursionError):
            nested = _NESTED.get(field.name)
            if nested is Content:
                if isinstance(raw, list):
                    parts = [_lenient(nested, part) for part in raw if isinstance(part, dict)]
                    fitting[field.name] = parts
            elif nested is not None and isinstance(raw, dict):
                fitting[field.name] = _lenient(nested, raw)
    return kind(**fitting)


_RAW = frozenset(("aggregated_output", "stdout", "stderr"))
_NESTED: dict[str, Any] = {
    "payload": Payload,
    "item": Report,
    "content": Content,
    "content_items": Content,
    "fragments": Content,
    "info": TokenInfo,
    "total_token_usage": Tokens,
    "last_token_usage": Tokens,
    "usage": Tokens,
    "thread_token_usage": Tokens,
    "git": Git,
    "thread_settings": Settings,
}
