"""The operation log of a chat session: what was written is played again.

    {"kind": 0, "v": {…}}                               the whole state; the first line
    {"kind": 1, "k": ["customTitle"], "v": "Hello"}     sets a value
    {"kind": 2, "k": ["requests", 0, "response"], "v": [{…}], "i": 3}    adds items, after cutting
                                                        the list at `i` where there is one
    {"kind": 3, "k": ["inputState", "inputText"]}       removes a value

VS Code adds lines to the file, and replaces it by one line of kind 0 after 1024 of them. A path
that leads nowhere, or an index beyond the end, is refused; nothing is made larger than what the
lines themselves hold.
"""

from __future__ import annotations

from typing import Any

from opensession.parsers.decoding import decode_any

DEEPEST = 64
"""Keys of a path; a longer one is none."""

_WHOLE, _SET, _PUSH, _DELETE = range(4)


class Replay:
    """The state after the lines so far; None before the first line of kind 0."""

    def __init__(self) -> None:
        self.state: dict[str, Any] | None = None

    def play(self, line: bytes) -> str:
        """Plays one line; the reason why it could not be played, or an empty string."""
        try:
            entry = decode_any(line)
        except ValueError:
            return "malformed"
        if not isinstance(entry, dict):
            return "malformed"
        kind, value = entry.get("kind"), entry.get("v")
        if kind == _WHOLE and isinstance(value, dict):
            self.state = value
            return ""
        path = entry.get("k")
        if kind not in (_SET, _PUSH, _DELETE) or not isinstance(path, list) or not path:
            return "malformed"
        if self.state is None or len(path) > DEEPEST:
            return "misplaced"
        parent: Any = self.state
        for key in path[:-1]:
            parent = _step(parent, key)
        if kind == _PUSH:
            done = _push(parent, path[-1], value, entry.get("i"))
        elif kind == _SET:
            done = _set(parent, path[-1], value)
        else:
            done = _delete(parent, path[-1])
        return "" if done else "misplaced"


def _step(parent: Any, key: Any) -> Any:
    """What a key or index leads to; None where it leads nowhere."""
    if isinstance(parent, dict) and isinstance(key, str):
        return parent.get(key)
    if isinstance(parent, list) and type(key) is int and 0 <= key < len(parent):
        return parent[key]
    return None


def _set(parent: Any, key: Any, value: Any) -> bool:
    if isinstance(parent, dict) and isinstance(key, str):
        parent[key] = value
        return True
    if isinstance(parent, list) and type(key) is int and 0 <= key <= len(parent):
        parent[key : key + 1] = [value]
        return True
    return False


def _push(parent: Any, key: Any, items: Any, start: Any) -> bool:
    target = _step(parent, key)
    if target is None and isinstance(parent, dict) and isinstance(key, str):
        target = parent[key] = []
    if not isinstance(target, list):
        return False
    if type(start) is int:
        if not 0 <= start <= len(target):
            return False
        del target[start:]
    if isinstance(items, list):
        target += items
    return True


def _delete(parent: Any, key: Any) -> bool:
    if isinstance(parent, dict) and isinstance(key, str):
        parent.pop(key, None)
        return True
    if isinstance(parent, list) and type(key) is int and 0 <= key < len(parent):
        parent[key] = None
        return True
    return False
