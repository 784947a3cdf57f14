"""What the `body` column of an event holds, and back.

A body is msgpack of `Body`. From `COMPRESS_FROM` bytes on it is compressed with the dictionary
that is shipped in the package (`events-1.dict`): one byte, the dictionary's number, then a zstd
frame without magic number. The first byte tells the two apart, since msgpack of a `Body` begins
with the mark of an array. A dictionary that was released is never changed; a better one gets the
next number.
"""

from __future__ import annotations

import functools
import threading
from importlib import resources
from typing import Any

import msgspec
import zstandard

from opensession.core.hail import Attributes, Block, Event

COMPRESS_FROM = 128
"""Bytes of msgpack below which compressing is not worth the call."""

MAX_DEPTH = 64
"""Levels of nesting that a body keeps; what lies deeper is replaced by a sentence."""

TYPES: tuple[str, ...] = (
    "",  # 0: a type this version does not know, its name is in the body
    "UserMessage",
    "AgentMessage",
    "SystemMessage",
    "Thinking",
    "ToolCall",
    "ToolResult",
    "FileRead",
    "FileEdit",
    "FileCreate",
    "FileDelete",
    "CodeSearch",
    "FileSearch",
    "ShellCommand",
    "WebSearch",
    "WebFetch",
    "ImageGenerate",
    "VideoGenerate",
    "AudioGenerate",
    "TaskStart",
    "TaskEnd",
    "Custom",
)
"""The types by their number in the `type` column; numbers are never used again."""

CODES: dict[str, int] = {name: code for code, name in enumerate(TYPES) if name}

_DICTIONARY = 1
_LEVEL = 3
_MAX_BODY = 1 << 30


class Body(msgspec.Struct, frozen=True, array_like=True):
    """The parts of an event that have no column. `type` is set only for types not in `TYPES`."""

    data: dict[str, Any] | None = None
    blocks: list[Block] = []
    duration_ms: int | None = None
    attributes: Attributes = {}
    type: str = ""


def type_code(name: str) -> int:
    """The number of an event type, 0 for one this version does not know."""
    return CODES.get(name, 0)


def encode(event: Event) -> bytes:
    """The body of an event. The same event gives the same bytes.

    What msgpack cannot hold (integers beyond 64 bits, lone surrogates, nesting beyond `MAX_DEPTH`)
    is replaced by text; the archive has the original.
    """
    name = "" if event.type in CODES else event.type
    body = Body(event.data, event.blocks, event.duration_ms, event.attributes, name)
    local = _codec()
    try:
        packed = local.encoder.encode(body)
    except (OverflowError, UnicodeEncodeError, RecursionError, ValueError):
        packed = local.encoder.encode(
            Body(
                _plain(event.data, 0),
                [_plain(block, 0) for block in event.blocks],
                event.duration_ms,
                _plain(event.attributes, 0),
                name.encode(errors="replace").decode(),
            )
        )
    if len(packed) < COMPRESS_FROM:
        return packed
    compressed = local.compressor.compress(packed)
    if len(compressed) + 1 >= len(packed):
        return packed
    return b"\x01" + compressed


def unpack(body: bytes) -> bytes:
    """The msgpack inside a stored body. Raises ValueError for what is none."""
    if not body:
        raise ValueError("empty body")
    if body[0] != _DICTIONARY:
        return body
    try:
        return _codec().decompressor.decompress(memoryview(body)[1:], max_output_size=_MAX_BODY)
    except zstandard.ZstdError as error:
        raise ValueError("damaged body") from error


def decode_body(body: bytes) -> Body:
    """A stored body. Raises ValueError for what is none."""
    return _codec().decoder.decode(unpack(body))


def decode(event_id: str, time_us: int, code: int, task: str | None, body: bytes) -> Event:
    """The event of a row of the `event` table."""
    content = decode_body(body)
    return Event(
        event_id=event_id,
        time_us=time_us,
        type=TYPES[code] if 0 < code < len(TYPES) else content.type,
        data=content.data,
        blocks=content.blocks,
        task_id=task,
        duration_ms=content.duration_ms,
        attributes=content.attributes,
    )


def same(first: bytes, second: bytes) -> bool:
    """Reports whether two bodies hold the same, however they were compressed."""
    return first == second or unpack(first) == unpack(second)


class _Codec(threading.local):
    """Encoders of one thread: a zstd context serves one caller at a time."""

    def __init__(self) -> None:
        dictionary, parameters = _dictionary()
        self.encoder = msgspec.msgpack.Encoder()
        self.decoder = msgspec.msgpack.Decoder(Body)
        self.compressor = zstandard.ZstdCompressor(
            dict_data=dictionary, compression_params=parameters
        )
        self.decompressor = zstandard.ZstdDecompressor(
            dict_data=dictionary, format=zstandard.FORMAT_ZSTD1_MAGICLESS
        )


@functools.cache
def _codec() -> _Codec:
    return _Codec()


@functools.cache
def _dictionary() -> tuple[zstandard.ZstdCompressionDict, zstandard.ZstdCompressionParameters]:
    name = f"events-{_DICTIONARY}.dict"
    content = (resources.files("opensession.daemon.store") / name).read_bytes()
    dictionary = zstandard.ZstdCompressionDict(content)
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
        dict_size=len(content),
        source_size=4096,
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
        write_content_size=True,
        write_checksum=False,
        write_dict_id=False,
    )
    dictionary.precompute_compress(compression_params=parameters)
    return dictionary, parameters


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value) if value.bit_length() < 4096 else "[a very large number]"
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        return "[nested too deeply]"
    if isinstance(value, dict):
        return {_plain(key, depth): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    return value
