"""Names and values that stand apart: `const TOKEN: &str = "x"`, `getenv("TOKEN", "x")`, `<key>x<`,
`name: TOKEN` above `value: x`, `--body x` after a name, `--auth x`.
"""

from __future__ import annotations

import re

from opensession.core.privacy.detector import PLACED, Detector, Found
from opensession.core.privacy.names import GUARD, KEYWORDS, LETTERS, QUOTES, secret_name
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_fake, is_placeholder, is_random

_NAME = rb"[A-Za-z0-9_]{0,64}+"
_QUOTE = rb"\\{0,7}[\"'`]"
_TEXT = rb"(?P<value>[^\"'`\\\r\n]{4,1024})" + _QUOTE
_BREAK = (
    rb"(?:[\s+|>-]|\\{1,8}[nrt]|\x1b\[[0-9;]{0,12}m|[0-9]{1,6}(?:\xe2\x86\x92|\t|[:|])"
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}Z|[A-Za-z0-9_./-]{1,40}(?:[ ]{0,4}\||:[0-9]{1,6}:))"
)

_BREAKS = b"\t\n\v\f\r +|>-\\\x1b./" + LETTERS
"""What a break begins with."""

_TYPED = re.compile(
    _NAME + rb"\??[ ]{0,4}:[ ]{0,4}&?(?:'[a-z]+ )?(?:mut )?[A-Za-z_][A-Za-z0-9_.<>|\[\]? ]{0,40}?"
    rb"[ ]{0,4}=[ ]{0,4}[bBrR]?" + _QUOTE + _TEXT
)
_ARGUMENT = re.compile(
    _NAME
    + _QUOTE
    + rb"\s{0,4},\s{0,4}(?:default\s{0,2}=\s{0,2})?(?:'(?=\\{0,7}\"))?"
    + _QUOTE
    + _TEXT
)
_CALLED = re.compile(
    rb"(?:define|getenv|environ\.get|env|get|getOrDefault|config|fetch|[sS]etenv|setProperty|set|put|option"
    rb"|header|setHeader|append|add|insert|default|setdefault|with|Getenv|property)\(\\{0,7}[\"'`][A-Za-z0-9_.-]{0,64}\Z"
    rb"|buildConfigField[( ][^\r\n]{0,24},[ ]?\\{0,7}[\"'][A-Za-z0-9_.-]{0,64}\Z"
)
_ELEMENT = re.compile(_NAME + rb"(?:" + _QUOTE + rb")?>(?P<value>[^<>\r\n]{4,1024})</")
_ELEMENT_NAME = re.compile(
    rb"<(?:[a-z]{1,16}:)?(?:[a-z]{1,16} (?:name|key)=\\{0,7}\")?[A-Za-z0-9_.-]{0,64}\Z"
)
_ATTRIBUTE = re.compile(_NAME + _QUOTE + rb"[ \t]{1,8}[Vv]alue=" + _QUOTE + _TEXT)
_BELOW = re.compile(
    _NAME + rb"(?:" + _QUOTE + rb")?,?" + _BREAK + rb"{1,60}(?:" + _QUOTE + rb")?value(?:" + _QUOTE
    + rb")?:[ ]{0,8}(?:" + _QUOTE + _TEXT + rb"|(?P<plain>[^\s\"'`\\{}\[\],\x1b]{4,1024}))"
)  # fmt: skip
_ABOVE = re.compile(
    rb"(?:name|key)(?:\\{0,7}[\"'])?[ ]{0,4}[:=][ ]{0,8}(?:\\{0,7}[\"'])?[A-Za-z0-9_.-]{0,64}\Z"
)
_VARIABLE = re.compile(
    _NAME + _QUOTE + rb"[ ]{0,4}\{[^{}]{1,600}?[ \tn]default[ \t]{0,20}=[ \t]{0,4}" + _QUOTE + _TEXT
)
_VARIABLE_NAME = re.compile(rb"variable[ ]{1,4}\\{0,7}\"[A-Za-z0-9_-]{0,64}\Z")
_BODY = re.compile(
    _NAME + rb"(?:[ ]{1,4}(?:--body|-b|--value|--data|<<<|--secret-string)[ =]{1,4}"
    rb"|,ParameterValue=)(?:" + _QUOTE
    + _TEXT
    + rb"|(?P<plain>[^\s\"'`\\]{4,1024}))"
)  # fmt: skip
_AUTH = re.compile(
    rb"(?:[ ]{1,4}|=)(?:<<<[ ]{1,4})?(?:"
    + _QUOTE
    + _TEXT
    + rb"|(?P<plain>[A-Za-z0-9_.~+/=-]{16,1024}))"
)
_HASH = re.compile(
    rb"\$(?:2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}|apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}"
    rb"|[156y]\$(?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{1,32}\$[./A-Za-z0-9]{20,90}"
    rb"|argon2(?:id|i|d)\$v=[0-9]+\$[a-z0-9=,]{5,40}\$[A-Za-z0-9+/]{8,90}\$[A-Za-z0-9+/]{20,120})"
)


def declared_detectors() -> list[Detector]:
    """The detectors of such values."""
    return [
        _detector("typed", _TYPED, None, (b"?:", b":")),
        _detector("called", _ARGUMENT, _CALLED, (QUOTES, b"")),
        _detector("element", _ELEMENT, _ELEMENT_NAME, (QUOTES + b">", b"")),
        _detector("attribute", _ATTRIBUTE, None, (QUOTES, b"")),
        _detector("below", _BELOW, _ABOVE, (QUOTES + b"," + _BREAKS, QUOTES + _BREAKS)),
        _detector("variable", _VARIABLE, _VARIABLE_NAME, (QUOTES, b"")),
        _detector("body", _BODY, None, (b",", b"-<")),
        Detector("auth", (b"--auth", b"--with-token"), _AUTH, _auth, from_end=True),
        Detector(
            "password-hash",
            (
                b"$2a$",
                b"$2b$",
                b"$2y$",
                b"$2x$",
                b"$apr1$",
                b"$6$",
                b"$5$",
                b"$1$",
                b"$y$",
                b"$argon2",
            ),
            _HASH,
            _hash,
        ),
    ]


def _detector(
    name: str,
    pattern: re.Pattern[bytes],
    before: re.Pattern[bytes] | None,
    behind: tuple[bytes, bytes],
) -> Detector:
    def check(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = text.data
        line = data[max(0, start - 120) : start]
        if before is not None and not before.search(line):
            return None
        head = re.search(rb"[A-Za-z0-9_.-]{0,64}\Z", line)
        whole = (head[0] if head else b"") + data[start : match.end()]
        written = re.match(rb"[A-Za-z0-9_.-]*", whole)
        known = secret_name(written[0].decode() if written else "")
        group = "plain" if "plain" in match.re.groupindex and match["plain"] else "value"
        value = match[group]
        if known is None or is_placeholder(value) or is_fake(value):
            return None
        if known.weak and not is_random(value):
            return None
        if b" " in value or value.startswith((b"$", b"{", b"<", b"%", b"/", b"--")):
            return None
        return Found(*match.span(group), known.kind, "assignments", "likely", PLACED)

    return Detector(name, KEYWORDS, pattern, check, from_end=True, guard=GUARD, behind=behind)


def _auth(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
    group = "plain" if match["plain"] else "value"
    value = match[group]
    if is_placeholder(value) or is_fake(value) or not re.search(rb"[0-9]", value):
        return None
    return Found(*match.span(group), "token", "assignments", "likely", PLACED)


def _hash(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
    return Found(start, match.end(), "password-hash", "assignments", "likely", PLACED)
