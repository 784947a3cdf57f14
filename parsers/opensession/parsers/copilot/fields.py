"""Fields of decoded JSON, of the type they should have or none."""

from __future__ import annotations

from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]

_TOKEN_BITS = 40


def string(given: Object, key: str, limit: int = 0) -> str:
    """A string; empty if there is none, or if it is longer than `limit` (0: any length)."""
    value = given.get(key)
    if not isinstance(value, str) or (limit and len(value) > limit):
        return ""
    return value


def obj(given: Object, key: str) -> Object:
    """An object; empty if there is none."""
    value = given.get(key)
    return value if isinstance(value, dict) else {}


def objects(given: Object, key: str) -> list[Object]:
    """The objects of a list."""
    value = given.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def whole(given: Object, key: str) -> int | None:
    """A whole number, also where it is written as 30000.0."""
    value = given.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not -(1 << 53) < value < 1 << 53:
        return None
    return value


def count(given: Object, key: str) -> int:
    """A count of tokens; 0 where there is none, or where it is no possible count."""
    value = whole(given, key)
    return value if value is not None and not value >> _TOKEN_BITS else 0
