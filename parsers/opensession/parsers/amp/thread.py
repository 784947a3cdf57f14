"""A thread of Amp as events.

    {"v": 42, "id": "T-…", "created": 1768178184664, "title": "…", "agentMode": "smart",
     "env": {"initial": {"trees": [{"uri": "file:///…", "repository": {…}}], "platform": {…},
                         "tags": ["model:…"]}},
     "messages": [{"role": "user", "messageId": 0, "meta": {"sentAt": 1768178271390},
                   "content": [{"type": "text", "text": "…"}]}, …]}

Known from other programs' notes, not from a running Amp. What a person typed has a time; a response
has one where its usage does; everything else has that of what came before, as an estimate.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.actions import Given, action, string
from opensession.parsers.agent import Source
from opensession.parsers.amp.results import outcome
from opensession.parsers.amp.tools import TOOLS
from opensession.parsers.amp.usage import count, response
from opensession.parsers.claude_code.usage import provider_of
from opensession.parsers.decoding import decode_any
from opensession.parsers.jsonl import Fed
from opensession.parsers.timeline import ID_CHARACTERS, Timeline, dump, load
from opensession.parsers.times import parse_stamp
from opensession.parsers.whole import Record

NAME = "amp"

_HEADS = "refs/heads/"
_MODEL_TAG = "model:"
_LATEST_MS = 1e14


def feed(source: Source, state: bytes, records: list[Record]) -> Fed:
    """The reading of a thread's head and messages; see `whole.RecordFeed`."""
    line = Timeline(NAME, load(state))
    if not line.state.id:
        line.state.id = PurePath(source.path).stem
    for record in records:
        try:
            value = decode_any(record.data)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            line.skip("malformed")
        elif record.item < 0:
            _head(line, value)
        else:
            _message(line, value, record.data)
    return Fed(
        sessions=[line.delta()],
        state=dump(line.state),
        skipped=line.skipped,
        unknown=line.unknown_counts,
    )


def _head(line: Timeline, head: Given) -> None:
    """What is said of the thread as a whole."""
    state = line.state
    state.id = _name(head, "id") or state.id
    state.title = string(head, "title")
    state.time_us = _ms(head.get("created")) or 0
    main = _name(head, "mainThreadID")
    if main and main != state.id:
        state.auxiliary, state.parent = True, main
    initial = _object(_object(head, "env"), "initial")
    platform = _object(initial, "platform")
    state.tool_version = _name(platform, "clientVersion")
    for key, value in (
        ("amp.mode", _name(head, "agentMode")),
        ("amp.client", _name(platform, "client")),
    ):
        if value:
            state.attributes[key] = value
    tags = initial.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, str) and tag.startswith(_MODEL_TAG):
            state.model = tag.removeprefix(_MODEL_TAG)[:ID_CHARACTERS]
    trees = initial.get("trees")
    if isinstance(trees, list) and trees and isinstance(trees[0], dict):
        state.cwd = state.last_cwd = _path_of(string(trees[0], "uri"))
        repository = _object(trees[0], "repository")
        branch = string(repository, "ref")
        if branch.startswith(_HEADS):
            state.branch = branch.removeprefix(_HEADS)[:ID_CHARACTERS]
        state.commit = _name(repository, "sha")
        state.remote = string(repository, "url")


def _message(line: Timeline, message: Given, data: bytes) -> None:
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    number = message.get("messageId")
    native = str(number) if isinstance(number, int | str) and str(number) else None
    role = string(message, "role")
    if role not in ("user", "assistant") or not isinstance(content, list):
        line.at(None, role, data)
        line.unknown(f"role {role}" if role else "message", message, native)
        return
    blocks = [block for block in content if isinstance(block, dict)]
    for _ in range(len(content) - len(blocks)):
        line.skip("malformed")
    if role == "user":
        sent = _ms(_object(message, "meta").get("sentAt"))
        line.at(sent, role, data)
        _user(line, blocks, native, typed=sent is not None or not _has_result(blocks))
    else:
        line.at(parse_stamp(string(_object(message, "usage"), "timestamp")), role, data)
        _assistant(line, message, blocks, native)


def _user(line: Timeline, blocks: list[Given], native: str | None, *, typed: bool) -> None:
    """A turn of the person, or what the tools gave, or both."""
    words: list[Block] = []
    first = line.state.count
    for block in blocks:
        kind = string(block, "type")
        if kind == "text":
            if string(block, "text").strip():
                words.append(text(string(block, "text")))
        elif kind == "image":
            words.append(_image(block))
        elif kind == "tool_result":
            _result(line, block, native, line.state.count - first)
        else:
            line.unknown(f"block {kind}", block, _part(native, line.state.count - first))
    if words and typed:
        line.prompt(native, words, n=line.state.count - first)
    elif words:
        line.emit("SystemMessage", native, blocks=words, n=line.state.count - first)


def _result(line: Timeline, block: Given, native: str | None, n: int) -> None:
    call_id = _name(block, "toolUseID")
    call = line.state.open.get(call_id)
    found = outcome(_object(block, "run"), call.path if call is not None else "")
    if found is None:
        return  # not finished: it is told when it is
    line.result(
        native,
        call_id,
        found.blocks,
        is_error=found.is_error,
        exit_code=found.exit_code,
        diff=found.diff,
        attributes=dict(found.attributes),
        n=n,
    )


def _assistant(line: Timeline, message: Given, blocks: list[Given], native: str | None) -> None:
    state = line.state
    usage = response(_object(message, "usage"))
    state.model = usage.model or state.model
    state.provider = provider_of(state.model) or state.provider
    own: Attributes = usage.attributes
    message_id = f"{state.id}:{native}" if native else ""
    if message_id:
        own["message_id"] = message_id
    first = state.count
    for block in blocks:
        kind, n = string(block, "type"), state.count - first
        if kind == "text" and string(block, "text").strip():
            line.emit(
                "AgentMessage",
                native,
                blocks=[text(string(block, "text"))],
                attributes={**own},
                n=n,
            )
        elif kind == "thinking" and string(block, "thinking").strip():
            state.provider = state.provider or _name(block, "provider")
            words = [text(string(block, "thinking"))]
            line.emit("Thinking", native, blocks=words, attributes={**own}, n=n)
        elif kind == "tool_use":
            call = action(string(block, "name"), block.get("input"), TOOLS)
            line.call(native, _name(block, "id"), call, attributes={**own}, n=n)
        elif kind not in ("text", "thinking", "redacted_thinking"):
            line.unknown(f"block {kind}", block, _part(native, n))
    if message_id and usage.counted:
        line.usage(
            message_id,
            model=usage.model,
            input=usage.input,
            output=usage.output,
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
        )
    ended = _object(message, "state")
    if string(ended, "type") == "cancelled":
        line.emit("Custom", native, data={"kind": "interrupted"}, n=state.count - first)
    elif string(ended, "type") == "error":
        reason = string(_object(ended, "error"), "message")
        line.emit(
            "Custom",
            native,
            data={"kind": "turn_aborted"},
            blocks=[text(reason)] if reason else None,
            n=state.count - first,
        )


def _has_result(blocks: list[Given]) -> bool:
    return any(block.get("type") == "tool_result" for block in blocks)


def _image(block: Given) -> Block:
    """An image; its bytes stay in the archive."""
    source = _object(block, "source")
    mime = _name(source, "mediaType") or _name(source, "media_type") or _name(source, "mimeType")
    url = string(source, "url")
    if url.startswith(("http://", "https://")) and len(url) <= 1024:
        return {"type": "Image", "url": url, "mime": mime}
    size = count(len(string(source, "data")) * 3 // 4)
    return {"type": "Image", "url": "", "alt": f"image of {size} bytes", "mime": mime}


def _path_of(uri: str) -> str:
    """The path of a `file:` URI; of a Windows one (`file:///c%3A/x`) without the first slash."""
    if not uri.startswith("file://"):
        return ""
    try:
        path = unquote(urlsplit(uri).path)
    except ValueError:
        return ""
    return path[1:] if path[2:3] == ":" else path


def _part(native: str | None, n: int) -> str | None:
    return f"{native}:{n}" if native and n else native


def _object(given: Given, key: str) -> Given:
    value = given.get(key)
    return value if isinstance(value, dict) else {}


def _name(given: Given, key: str) -> str:
    """An id or a name; empty for what is too long to be one."""
    value = string(given, key)
    return value if len(value) <= ID_CHARACTERS else ""


def _ms(value: Any) -> int | None:
    """Microseconds of a time in milliseconds since 1970; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value * 1000) if 0 < value < _LATEST_MS else None
