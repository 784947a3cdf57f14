"""JSON that others wrote, value by value: what is not of the wanted type counts as missing."""

from __future__ import annotations

from typing import Any

import msgspec


def decode(line: bytes) -> Any:
    """The JSON value of a line, or None where it is none (or `null`)."""
    try:
        return msgspec.json.decode(line)
    except (ValueError, RecursionError):
        pass
    import json  # slower, and takes what msgspec refuses: lone surrogates, huge numbers

    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def text_of(value: Any) -> str:
    """A text, or the empty one."""
    return value if isinstance(value, str) else ""


def texts_of(value: Any) -> list[str]:
    """The texts of a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def object_of(value: Any) -> dict[str, Any]:
    """An object, or the empty one."""
    return value if isinstance(value, dict) else {}
