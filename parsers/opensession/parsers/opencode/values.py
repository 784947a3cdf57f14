"""Values of records that may hold anything: what is not of the expected type is not there."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]

_INTEGER_LIMIT = 1 << 53


def obj(value: Any) -> Obj:
    """An object; empty if it is none."""
    return value if isinstance(value, dict) else {}


def words(record: Obj, key: str) -> str:
    """A string; empty if there is none."""
    value = record.get(key)
    return value if isinstance(value, str) else ""


def number(record: Obj, key: str) -> int:
    """A whole number from 0 on; 0 if there is none."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value < _INTEGER_LIMIT else 0


def time_of(record: Obj, key: str) -> int | None:
    """A time in milliseconds; None if there is none."""
    return number(obj(record.get("time")), key) or None


def micros(milliseconds: int | None) -> int | None:
    """The same in microseconds."""
    return None if milliseconds is None else milliseconds * 1000


def price(record: Obj) -> int | None:
    """The cost in micro-dollars; None where none was recorded.

    OpenCode records 0 both for what costs nothing and for what it knows no price of.
    """
    value = record.get("cost")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return None
    return round(value * 1e6)
