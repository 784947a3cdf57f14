"""The placeholders: `[redacted:<kind>:<8 base32>]` in the index, `[redacted:<kind>]` outside of it.

The tag is the beginning of an HMAC of the value with a key of this machine: the same value is
recognised as such, and nobody without the key can test a guess (DECISIONS §5).
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import Any

_GROUPED = frozenset(("card", "iban", "phone"))
_LINE_ENDS = re.compile(rb"(?:\\+[nr]|\s)+")
_TAGGED = re.compile(r"\[redacted:([a-z0-9-]{1,40}):[A-Z2-7]{8}\]")


def fingerprint(kind: str, value: bytes, key: bytes) -> bytes:
    """32 bytes that are equal for equal values, whatever the kind they were taken for.

    Numbers count without what groups them, key blocks without the ends of their lines.
    """
    if kind in _GROUPED:
        value = value.translate(None, b" -.()/")
    elif kind.endswith("private-key"):
        value = _LINE_ENDS.sub(b"", value)
    return hmac.digest(key, value, "sha256")


def placeholder(kind: str, value: bytes, key: bytes) -> bytes:
    """What stands in the index in place of a value."""
    tag = base64.b32encode(fingerprint(kind, value, key)[:5]).decode()
    return f"[redacted:{kind}:{tag}]".encode()


def untag(text: str) -> str:
    """The text as it may leave: placeholders without their tags, so two machines write the same."""
    if "[redacted:" not in text:
        return text
    return _TAGGED.sub(r"[redacted:\1]", text)


def beginning(text: str, most: int) -> str:
    """At most so many characters of a stripped text; a placeholder is not cut in two."""
    if len(text) <= most:
        return text
    cut = text[:most]
    start = cut.rfind("[")
    if start >= 0 and text.startswith("[redacted:", start) and "]" not in cut[start:]:
        return cut[:start].rstrip()
    return cut


def untagged(root: Any) -> Any:
    """A JSON value without the tags of its placeholders."""
    if isinstance(root, str):
        return untag(root)
    if not isinstance(root, (dict, list)):
        return root
    copy = root.copy()
    stack: list[Any] = [copy]
    while stack:
        node = stack.pop()
        items = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        if isinstance(node, dict):
            node.clear()
        for key, value in items:
            place = untag(key) if isinstance(key, str) else key
            if isinstance(value, (dict, list)):
                value = value.copy()
                stack.append(value)
            node[place] = untag(value) if isinstance(value, str) else value
    return copy
