"""Private keys as blocks: whole, cut off, without their beginning; in diffs, numbered lines, JSON.

What is replaced leaves its line breaks and what stands before a line (a diff's sign, a number), so
that line counts and hunks stay right.
"""

from __future__ import annotations

import re

from opensession.core.privacy.checks import der_length_fits, unbase64
from opensession.core.privacy.detector import SPECIFIC, Detector, Found
from opensession.core.privacy.rules import Confidence
from opensession.core.privacy.text import Text

# Between the lines of a body: line breaks, escaped or not, numbers and signs before lines, and
# strings that are joined over lines.
_NUMBER = (
    rb"(?:[0-9]{1,6}(?:\xe2\x86\x92|\t|[:|])|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}(?:Z|[+-][0-9:]{5})"
    rb"|(?<=[\nnm])[A-Za-z0-9_./-]{1,80}(?:[ ]{0,4}\|(?=[ ])|[:-][0-9]{1,6}[:-]))"
)
_COLOUR = rb"(?:\x1b|\\{1,8}(?:u001[bB]|x1b|e|033))\[[0-9;]{0,12}[mK]"
_SEPARATOR = (
    rb"(?:[\s>|+]|-(?!-)|"
    + _COLOUR
    + rb"|\\{1,8}[nrt]|"
    + _NUMBER
    + rb"|\\{0,7}[\"'`][ \t]{0,4}[+,.\\]?[ \t]{0,4}"
    rb"\r?\n[ \t]{0,40}[bf]?\\{0,7}[\"'`])"
)
_RUN = rb"[A-Za-z0-9+/=]{16,16384}+(?!\\{0,7}[\"'`]\s{0,8}:)"
# Atomic groups, no possessive ones: Python before 3.11.5 matches too much where those may fail.
_SEPARATORS = rb"(?>" + _SEPARATOR + rb"{0,60})"
_SOME_SEPARATORS = rb"(?>" + _SEPARATOR + rb"{1,60})"
_FIELD = rb"(?:" + _SEPARATOR + rb"{1,60}[A-Z][A-Za-z-]{2,30}: [^\n\\\x1b]{1,120}){0,6}"
_BODY = rb"(?P<body>(?>(?:" + _SEPARATORS + _RUN + rb"){1,2000}))"
_END = (
    rb"(?:(?:" + _SEPARATORS + rb"[A-Za-z0-9+/=]{1,15}+)?" + _SEPARATORS
    + rb"-{5}END [A-Z0-9 ]{0,40}-{5}|(?:" + _SOME_SEPARATORS
    + rb"[A-Za-z0-9+/=]{1,15}+)?(?=\s{0,8}\Z))?"
)  # fmt: skip
_BLOCK = re.compile(rb"-{5}BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{5}" + _FIELD + _BODY + _END)
_PUTTY = re.compile(
    rb"Private-Lines: ?[0-9]{1,4}"
    + _BODY
    + rb"(?:"
    + _SEPARATORS
    + rb"[A-Za-z0-9+/=]{1,15}+(?=\s|\\|\Z))?"
)
_LONE = re.compile(
    rb"(?<![A-Za-z0-9+/])(?P<body>(?:MII[A-Za-z0-9+/]{3}IB(?:AAKC|ADANBg)|MHcCAQEEI|MIGHAgEAMBMG"
    rb"|MC4CAQAwBQYDK2VwBCIEI|MIGkAgEBBD|b3BlbnNzaC1rZXktdjE|MII[A-Za-z0-9+/]{4,6}BgkqhkiG9w0BBQ0w)"
    rb"[A-Za-z0-9+/=]{8,16384}+(?>(?:" + _SOME_SEPARATORS + _RUN + rb"){0,2000}))"
    rb"(?:" + _SOME_SEPARATORS + rb"[A-Za-z0-9+/=]{1,15}+(?=[\s\\\"']{0,8}(?:\Z|-----END)))?"
)
_TAIL = re.compile(rb"-{5}END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{5}")
_BACKWARDS = re.compile(
    rb"(?:[\s\"'`,+>|\\0-9nrt-]|[\xe2\x86\x92]){0,60}(?:[A-Za-z0-9+/=]{1,39}(?:[\s\"'`,+>|\\-]|[\xe2\x86\x92]){1,60})?"
    rb"(?>(?:[A-Za-z0-9+/=]{40,8192}+(?>(?:[\s\"'`,+>|\\0-9-]|[\xe2\x86\x92]){0,60})){1,300})"
)
_OTHER_TEXT = re.compile(rb"[,:](?:\s|\\{1,8}[nrt]){0,40}\\{0,7}\"")
_WINDOW = 16 << 10
_LINES = re.compile(
    rb"(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)(?:[ \t]{0,10}"
    + _NUMBER
    + rb"[ \t]?)?(?:\+|-(?!-))?[ \t]{0,40}"
)
_NOISE = re.compile(_COLOUR + rb"|" + _NUMBER + rb"|\\{1,8}[nrt]|[^A-Za-z0-9+/=]")
_LEAST = 60
_VARIETY = 4096
"""So much of a body is looked at for how many signs it has: within, no other one begins."""


def block_detectors() -> list[Detector]:
    """The detectors of key blocks."""

    def whole(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        return _found(text.data, start, match.end(), match["body"], "private-key")

    def putty(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        return _found(text.data, match.start("body"), match.end(), match["body"], "private-key")

    def lone(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        return _found(text.data, match.start(), match.end(), match["body"], "private-key")

    def tail(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        window = text.data[max(0, start - _WINDOW) : start][::-1]
        before = _BACKWARDS.match(window)
        if before is None:
            return None
        begin = start - before.end()
        body = text.data[begin:start]
        begin += len(body) - len(body.lstrip(b" \t\r\n\\\"'`,+>|-"))
        for other in _OTHER_TEXT.finditer(text.data, begin, start):
            begin = other.end()  # what stands before is of another value of the JSON around it
        return _found(text.data, begin, match.end(), text.data[begin:start], "private-key")

    return [
        Detector("private-key", (b"-----BEGIN",), _BLOCK, whole),
        Detector("private-key-putty", (b"Private-Lines:",), _PUTTY, putty),
        Detector(
            "private-key-body",
            (b"IBAAKC", b"IBADANBg", b"BgkqhkiG9w0BBQ0w"),
            _LONE,
            lone,
            back=9,
            spread=3,
            once=True,
        ),
        Detector(
            "private-key-short-body",
            (
                b"MHcCAQEEI",
                b"MIGHAgEAMBMG",
                b"MC4CAQAwBQYDK2VwBCIEI",
                b"MIGkAgEBBD",
                b"b3BlbnNzaC1rZXktdjE",
            ),
            _LONE,
            lone,
            once=True,
        ),
        Detector("private-key-tail", (b"-----END",), _TAIL, tail),
    ]


def lines_of(value: bytes) -> bytes:
    """The line breaks of a value, with what stands before each line."""
    return b"".join(_LINES.findall(value))


def _found(data: bytes, start: int, end: int, body: bytes, kind: str) -> Found | None:
    key = _NOISE.sub(b"", body)
    if len(key) < _LEAST or len(set(key[:_VARIETY])) < 12:
        return None
    confidence: Confidence = "likely"
    if der_length_fits(key) or (unbase64(key[:20]) or b"").startswith(b"openssh-key-v"):
        confidence = "certain"
    return Found(start, end, kind, "private-keys", confidence, SPECIFIC)
