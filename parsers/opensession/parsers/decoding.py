"""Decoding JSON that is not quite JSON: bad UTF-8, lone surrogates, numbers too large to store."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_WORD = re.compile(r"[!-~]")
_LAST_WORD = re.compile(r"[!-~]+\Z")

_generic = msgspec.json.Decoder()
_storable = msgspec.msgpack.Encoder()


def decode_any(data: bytes | str) -> Any:
    """Any JSON value, tolerant: invalid UTF-8 and lone surrogates become U+FFFD.

    Whatever is returned can be stored (see `storable`). Raises ValueError for what is no JSON.
    """
    try:
        return storable(_generic.decode(data))
    except (msgspec.DecodeError, UnicodeError):
        pass
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    try:
        value = json.loads(text, strict=False)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return storable(value)


def storable(value: Any) -> Any:
    """The value itself where msgpack and JSON can hold it, else one that they can.

    Integers beyond 64 bits become text, lone surrogates U+FFFD. Raises ValueError for a value
    nested too deeply to store.
    """
    try:
        _storable.encode(value)
        return value
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except (OverflowError, UnicodeError, TypeError, ValueError):
        return _mended(value)


def mend_text(text: str) -> str:
    """The text with lone surrogates as U+FFFD, so that it can be encoded."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def beginning(text: str, limit: int) -> str:
    """The beginning of a text, at most `limit` characters, never cut within a word.

    Half a secret would not be known for one when the text is stripped.
    """
    if len(text) <= limit:
        return text
    cut = text[:limit]
    if not _WORD.match(text, limit):
        return cut
    return _LAST_WORD.sub("", cut)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return mend_text(value)
    if isinstance(value, dict):
        return {mend_text(str(key)): _mended(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return str(value) if value.bit_length() < 4096 else "a number of more than 1000 digits"
    return value
