"""What in a JSON value can hold something: its texts and names, and what names say of values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opensession.core.privacy.env import named_kind
from opensession.core.privacy.names import secret_name

UNREADABLE = frozenset(
    ("signature", "thought_signature", "thoughtSignature", "encrypted_content", "encryptedContent")
)
"""Fields that agents sign or encrypt: a change would break them, and nobody can read them."""

STRUCTURAL = frozenset(("FileRead", "FileEdit", "FileCreate", "FileDelete"))
"""Types of events whose `path` stays in the index."""

PLAIN = frozenset(("Text", "Code", "Json", "text"))
"""Words of our own that stand in nearly every event and hold nothing."""

_NAMES = ("name", "key")
"""Fields that hold the name of what the field `value` beside them holds."""


def leaves(root: Any, place: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every text, number and constant below a value that may be read: (place, name, value)."""
    stack: list[tuple[str, str, Any]] = [(place, "", root)]
    while stack:
        place, name, value = stack.pop()
        if isinstance(value, dict):
            named = beside(value)
            for key, inner in reversed(value.items()):
                if key not in UNREADABLE and not is_image(key, inner):
                    other = named if key == "value" and named else key
                    stack.append((f"{place}.{key}", other, inner))
        elif isinstance(value, list):
            stack += [
                (f"{place}[{i}]", flag_before(value, i), value[i])
                for i in range(len(value) - 1, -1, -1)
            ]
        else:
            yield place, name, value


def beside(node: dict[str, Any]) -> str:
    """The name that an object gives to its field `value`, or an empty text."""
    if "value" in node:
        for name in _NAMES:
            named = node.get(name)
            if isinstance(named, str):
                return named
    return ""


def flag_before(node: list[Any], place: int) -> str:
    """The option before an item of a command's list of arguments, as in `["--token", "x"]`."""
    before = node[place - 1] if place else None
    if isinstance(before, str) and before[:1] == "-" and len(before) < 64:
        return before
    return ""


def is_image(key: str, value: Any) -> bool:
    """Reports whether a field holds an image as base64."""
    return key == "url" and isinstance(value, str) and value.startswith("data:")


def is_telling(value: Any) -> bool:
    """Reports whether a value can hold a secret: text, or a number of at least six digits."""
    return isinstance(value, str) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 100_000
    )


def kind_of(name: str, value: Any) -> str | None:
    """The kind of a value that its name makes a secret, or None."""
    if not name or not is_telling(value) or secret_name(name) is None:
        return None
    return named_kind(name, str(value))
