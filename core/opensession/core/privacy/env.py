"""Values of variables whose names tell of a secret: `NAME=value`, `NAME: "value"`, JSON and YAML.

The process environment is never read for it (DECISIONS §5): the name decides.
"""

from __future__ import annotations

import re

from opensession.core.privacy.detector import GENERIC, Detector, Found, closing_quote
from opensession.core.privacy.names import GUARD, KEYWORDS, LETTERS, QUOTES, SecretName, secret_name
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_code, is_placeholder, is_random

_NAME_BYTES = LETTERS + b".-"
_NAME_LIMIT = 64
_VALUE_LIMIT = 16 << 10

# From the end of the keyword: the rest of the name, `=` or `:`, and what opens the value. Quotes
# may be escaped, as in JSON inside of JSON.
_ASSIGNMENT = re.compile(
    rb"""(?P<rest>[A-Za-z0-9_.-]{0,64}+)(?P<quote>\\{0,7}+["'`]|\\{1,7}+u0022)?\]?\??
    (?P<before>[ \t]{0,20}+)(?P<sign>:=|=>|\?=|\+=|[:=])(?![=:~>])(?P<after>[ \t]{0,20}+)
    (?:(?P<scheme>(?i:bearer|basic|token|digest))[ ])?
    (?:[bBrRuUfF]{0,2}(?P<open>\\{0,7}(?:\"{3}|'{3}|["'`])|\\{1,7}+u0022)
       (?:(?P<inner>(?i:bearer|basic|token))[ ])?)?""",
    re.VERBOSE,
)
# How far an unquoted value goes: in a line of its own to the next blank, in a command to what the
# shell ends words at, else to what ends values in code as well.
_LINE_RUN = re.compile(rb"(?:[^\s\x1b\\]|\\(?![nrt]|(?:u001[bB]|x1[bB]|033|e)\[)){1,16384}")
_SHELL_RUN = re.compile(rb"[^\s\x1b\"'`\\;&|<>)]{1,16384}+")
_CODE_RUN = re.compile(rb"[^\s\x1b\"'`\\;,&|<>]{1,16384}+")
_LINE_BEGIN = re.compile(
    rb"[ \t]{0,40}(?:export |set |setx |declare -x |- |ENV |ARG |[+]|env )?[ ]*\Z"
)
_LINE_REST = re.compile(rb"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")


def env_detector() -> Detector:
    """The detector of such values."""

    def check(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = text.data
        if data.startswith(b"[redacted:", match.end()):
            return None
        begin = _name_begin(data, start)
        name = secret_name(data[begin : match.end("rest")].decode("ascii"))
        if name is None:
            return None
        if (
            data[begin - 1 : begin] == b":"
            and data[max(0, begin - 10) : begin].lower() == b"[redacted:"
        ):
            return None
        span = _quoted(text, match) if match["open"] else _unquoted(text, begin, match, name)
        if span is None or (name.weak and not is_random(data[span[0] : span[1]])):
            return None
        # A JSON number becomes a text.
        wrap = closing_quote(match["quote"]) if match["quote"] and not match["open"] else b""
        return Found(span[0], span[1], name.kind, "assignments", "likely", GENERIC, None, wrap)

    return Detector(
        "env-value",
        KEYWORDS,
        _ASSIGNMENT,
        check,
        from_end=True,
        guard=GUARD,
        behind=(QUOTES + b"]?:=+.-\t", b"?:=+\t"),
    )


def named_kind(name: str, value: str) -> str | None:
    """The kind of a value whose name is known (as in a JSON object); None: it is no secret."""
    known = secret_name(name)
    data = value.encode("utf-8", "surrogatepass")
    if known is None or is_placeholder(data) or (known.weak and not is_random(data)):
        return None
    return known.kind


def _name_begin(data: bytes, start: int) -> int:
    """Where the name that holds the keyword begins."""
    window = data[max(0, start - _NAME_LIMIT) : start]
    begin = start - len(window) + len(window.rstrip(_NAME_BYTES))
    if begin < start and data[begin - 1 : begin] == b"\\" and data[begin : begin + 1] in b"nrt":
        begin += 1  # the letter belongs to an escaped line break
    return begin


def _quoted(text: Text, match: re.Match[bytes]) -> tuple[int, int] | None:
    data = text.data
    begin = match.end()
    mark = match["open"]
    if match["quote"] != mark and _belongs_outside(data, match):
        return None
    end = _closing(data, begin, mark)
    if end is None:  # cut off: what there is of it
        value = _without_closers(data[begin : text.run_end(_CODE_RUN, begin)])
        end = begin + len(value)
    value = data[begin:end]
    if is_placeholder(value):
        return None
    if data[begin - len(mark) - 1 : begin - len(mark)] in (b"f", b"F") and b"{" in value:
        return None  # a formatted string names variables
    if b" " in value.strip() and _is_sentence(value):
        return None
    if b" " in value and mark.endswith(b"`"):
        return None  # a command, or a text that is put together
    return begin, end


def _belongs_outside(data: bytes, match: re.Match[bytes]) -> bool:
    """Reports whether the quote after the sign ends a text, as in `"token:", "x"`.

    After the end of a JSON text stands one of `_ENDS_TEXT`, so JSON is never taken apart.
    """
    named = match["quote"]
    if named and named.count(b"\\") != match["open"].count(b"\\"):
        return True
    after = data[match.end() : match.end() + 1]
    if after in _ENDS_TEXT:
        return True
    line = data[max(0, match.start() - 200) : match.start()].rpartition(b"\n")[2]
    return after in _JOINS_TEXT and line.count(match["open"]) % 2 == 1


def _closing(data: bytes, begin: int, mark: bytes) -> int | None:
    """Where the quote closes, or None. A value goes over lines only if it is a key block or in
    triple quotes, and never over the end of a text that it is itself inside of.
    """
    limit = min(len(data), begin + _VALUE_LIMIT)
    if mark.endswith(b"u0022"):
        at = data.find(mark, begin, limit)
        return None if at < 0 or b"\n" in data[begin:at] else at
    quote = mark.lstrip(b"\\")
    depth = len(mark) - len(quote)
    multiline = len(quote) == 3 or data.startswith(b"-----BEGIN", begin)
    at = begin
    while True:
        at = data.find(quote, at, limit)
        if at < 0 or (not multiline and b"\n" in data[begin:at]):
            return None
        escapes = 0
        while at - escapes > begin and data[at - escapes - 1] == 0x5C:
            escapes += 1
        if escapes == depth or (depth == 0 and escapes % 2 == 0):
            crossed = quote[:1] != b'"' and _TEXT_END.search(data, begin, at)
            return None if crossed else at - depth
        if escapes < depth or escapes % 2 == 0:
            return None
        at += 1


_TEXT_END = re.compile(rb"(?<!\\)\"\s*[:,}\]]")
_ENDS_TEXT = (b"", b" ", b"\t", b"\n", b"\r", b",", b"}", b"]", b")", b":")
_JOINS_TEXT = (b"+", b";", b"%", b".", b"&", b"|", b"?", b"/", b"<", b"\\")
_SENTENCE = re.compile(rb"(?:[A-Z][a-z']+|[a-z']+)(?:[ ,.:-]+[A-Za-z']+){2,}[ .!?:]*\Z")


def _is_sentence(value: bytes) -> bool:
    """Reports whether a quoted value is a label or a message about secrets."""
    return _SENTENCE.match(value) is not None and (
        re.search(rb"(?i)passw|token|secret|key|credential|your|must|please", value) is not None
    )


def _unquoted(
    text: Text, begin: int, match: re.Match[bytes], name: SecretName
) -> tuple[int, int] | None:
    data = text.data
    start = match.end()
    before, sign, after, quote, scheme = match.group("before", "sign", "after", "quote", "scheme")
    equals = sign == b"="
    spaced = bool(before) or (equals and bool(after))
    opens_line = not quote and _opens_line(data, begin)
    variable = name.upper and equals and not spaced
    config = not spaced and (
        data[begin : begin + 2] == b"--" or data[begin - 1 : begin] in (b"?", b"&")
    )
    if scheme:
        config = True  # "Bearer" and what follows is never code
    run = _SHELL_RUN if variable else _CODE_RUN
    if opens_line and not spaced:
        alone = _LINE_REST.match(data, text.run_end(_LINE_RUN, start)) is not None
        if variable or alone:
            config = True
            run = _LINE_RUN
    value = data[start : text.run_end(run, start)]
    trimmed = value.rstrip(b",;")
    ends_statement = trimmed != value
    if quote or not config:
        trimmed = _without_closers(trimmed)
    elif trimmed[-1:] in (b'"', b"'", b"`"):
        trimmed = trimmed[:-1]  # it closes what began before the name
    if not trimmed or is_placeholder(trimmed):
        return None
    if is_code(trimmed, upper=variable, config=config, ends_statement=ends_statement):
        return None
    if quote and not trimmed.isdigit():
        return None  # a name in quotes and a value without: only numbers are no code
    return start, start + len(trimmed)


def _opens_line(data: bytes, begin: int) -> bool:
    """Reports whether nothing but what begins an assignment stands before it in its line."""
    if begin and data[begin - 1] not in b"\n \t+":
        return False
    line = data[data.rfind(b"\n", max(0, begin - 80), begin) + 1 : begin]
    return not (begin > 80 and len(line) >= 80) and _LINE_BEGIN.match(line) is not None


def _without_closers(value: bytes) -> bytes:
    """The value without closing brackets at its end that it does not open."""
    pairs = {0x29: b"(", 0x5D: b"[", 0x7D: b"{"}
    while value and value[-1] in pairs:
        opener = pairs[value[-1]]
        if value.count(opener) >= value.count(value[-1:]):
            break
        value = value[:-1].rstrip(b",;")
    return value
