"""Values of foreign JSON, each of the kind that is wanted or none."""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Block

_LARGEST_COUNT = 1 << 48
_LARGEST_COST = 1e9
_MICRODOLLARS = 1_000_000


def obj(value: Any, *keys: str) -> dict[str, Any]:
    """The object that some keys lead to; an empty one if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def words(value: Any) -> str:
    """A string, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int:
    """A count of tokens; 0 for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value < _LARGEST_COUNT else 0


def cost_of(value: Any) -> int | None:
    """Dollars as integer micro-dollars; None where no price is recorded."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value * _MICRODOLLARS) if 0 <= value < _LARGEST_COST else None


def micros(value: Any) -> int | None:
    """Microseconds of a time in milliseconds since 1970; None for what is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value * 1000) if 0 < value < 1e14 else None


def image(data: Any, mime: Any, url: Any = "") -> Block:
    """An image whose bytes stay in the archive: a `data:` URL says only how many."""
    kind = words(mime)[:64] or "image/png"
    place = words(url)
    if not place or place.startswith("data:"):
        encoded = words(data) or place.partition(",")[2]
        place = f"data:{kind};bytes={len(encoded) * 3 // 4},"
    return {"type": "Image", "url": place, "mime": kind}


def response(
    message_id: str, model: str, fresh: int, output: int, read: int, written: int
) -> dict[str, Any]:
    """The attributes of the events of one response; `fresh` is uncached input."""
    found: dict[str, Any] = {"message_id": message_id}
    if model:
        found["model"] = model
    if fresh or output or read or written:
        found["input_tokens"] = fresh
        found["output_tokens"] = output
        found["cache_read_tokens"] = read
        found["cache_write_tokens"] = written
    return found
