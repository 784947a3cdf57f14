"""A text as it reads without its escapes, byte for byte as long: what is found in it is at the same
place of the text.

Commands and headers stand in JSON inside of JSON, and between colours. Every level of escapes is
blanked but for what it stands for, which is moved to its end.
"""

from __future__ import annotations

import re

BEGINNINGS = (b"\x1b[", b"\\u001b[", b"\\u001B[", b"\\x1b[", b"\\x1B[", b"\\033[", b"\\e[")
"""What a colour begins with."""

_COLOUR = re.compile(rb"\x1b\[[0-9;?]{0,16}[A-Za-z]|\\(?:u001[bB]|x1[bB]|033|e)\[[0-9;]{0,16}m")
_UNICODE = re.compile(rb"\\u00(2[267]|3[cdeCDE]|0[9aAdD]|2[fF])")
_PLAIN = (
    (b"\\n", b" \n"),
    (b"\\r", b"  "),
    (b"\\t", b"  "),
    (b'\\"', b' "'),
    (b"\\'", b" '"),
    (b"\\/", b" /"),
    (b"\\ ", b"  "),
)


def unescaped(data: bytes) -> bytes:
    """The view of a text; the same object if there is nothing to unescape."""
    if any(beginning in data for beginning in BEGINNINGS):
        data = _COLOUR.sub(_blank, data)
    if b"\\" in data:
        data = data.replace(b"\\\\", b" \\")
        if b"\\u00" in data:
            data = _UNICODE.sub(_sign, data)
        for escape, sign in _PLAIN:
            data = data.replace(escape, sign)
    return data


def _blank(match: re.Match[bytes]) -> bytes:
    return b" " * len(match[0])


def _sign(match: re.Match[bytes]) -> bytes:
    return b"     " + bytes.fromhex(match[1].decode())
