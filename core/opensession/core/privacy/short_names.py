"""Passwords after short names, and after the word in other languages: `PASS=x`, `pw: x`,
`Passwort: x`, `mot de passe : x`, `| API_KEY | x |`.
"""

from __future__ import annotations

import functools
import re

from opensession.core.privacy.detector import PLACED, Detector, Found
from opensession.core.privacy.names import GUARD, KEYWORDS, secret_name
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_fake, is_placeholder, is_random, is_scrambled

_SHORT = ("pass", "PASS", "Pass", "psk", "PSK", "pw", "PW")
_SIGNS = ("=", ":", " =", " :", '"', "'")
_WORDS = (
    "asswort", "ASSWORT", "ennwort", "de passe", "ontraseña", "ontrasena", "ONTRASEÑA", "senha",
    "Senha", "achtwoord", "пароль", "Пароль", "密码", "密碼", "パスワード", "비밀번호", "lösenord",
)  # fmt: skip

_QUOTED = rb"\\{0,7}(?P<mark>[\"'])(?P<quoted>[^\"'\\\r\n ]{4,256})\\{0,7}(?P=mark)"
_PLAIN = rb"(?P<plain>[^\s\"'`\\;,<>(){}\x1b]{5,256})"
_SIGN = rb"[ \t]{0,2}(?:=>|:=|[:=]|\xef\xbc\x9a)[ \t]{0,4}"
_AFTER_SHORT = re.compile(
    rb"(?:\\{0,7}[\"'])?\]?(?:" + _SIGN + rb")?(?:" + _QUOTED + rb"|" + _PLAIN + rb")"
)
_AFTER_WORD = re.compile(
    rb"(?:\\{0,7}[\"'])?(?:\xc2\xa0)?(?:"
    + _SIGN
    + rb"|[ ]{1,2}(?:ist|lautet|war|est|es|is|\xc3\xa9|\xc3\xa4r)[ ]?(?:[:=][ ]|(?<=[ ]))"
    rb")(?:" + _QUOTED + rb"|" + _PLAIN + rb")"
)
# A word of its own; a letter of an escape or of a colour is none before it.
_SHORT_GUARD = re.compile(
    rb"(?<![A-Za-z0-9])|(?<=[a-z])P|(?<=\\[A-Za-z])|(?<=[0-9;?\[][A-Za-z])|(?<=u00[0-9a-fA-F]{2})"
)
_WORD_GUARD = re.compile(rb"[ \t:=\\\"'\xc2\xef\x1b]")
_CELL = re.compile(
    rb"[A-Za-z0-9_]{0,64}+`?[ \t]{0,20}\|[ \t]{0,20}`?(?P<value>[A-Za-z0-9_+/=.-]{16,512})`?"
    rb"[ \t]{0,20}\|"
)
_CELL_NAME = re.compile(rb"\|[ \t]{0,20}`?(?P<name>[A-Za-z0-9_.-]{0,64})\Z")
_BLANK_LINE = re.compile(rb"[ \t]{0,8}(?:\r?\n|\Z)")
_TITLE = re.compile(
    rb"[A-Z]?[a-z]+(?:[-_. ]?[A-Z]?[a-z]+){0,6}[0-9]{0,2}\Z|[0-9.,:/x%-]+[a-z]{0,3}\Z|0x[0-9a-f]+\Z"
    rb"|[0-9a-f]{7,12}\Z|[0-9a-f]{40}\Z|[A-Z_]+[0-9]{0,3}\Z|[A-Za-z_]\w*[.(\[]|[$%&*!@#/~]"
    rb"|[A-Za-z]+(?:[-_.:/][A-Za-z0-9]+){1,8}\Z"
)


def short_name_detectors() -> list[Detector]:
    """The detectors of such values."""
    short = tuple((name + sign).encode() for name in _SHORT for sign in _SIGNS)

    def after_short(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = match.string
        before = data[start - 1 : start]
        if before.isalnum() and not (before.islower() and data[start : start + 1] == b"P"):
            return None
        sign = data[start : match.start(match.lastgroup or 0)]
        if b"=" not in sign and b":" not in sign:
            return None
        if match["plain"] and is_scrambled(match["plain"]) and _stands_alone(match, start):
            return Found(*match.span("plain"), "password", "assignments", "likely", PLACED)
        return _found(match)

    def after_word(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        return _found(match)

    def cell(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        head = _CELL_NAME.search(text.data, max(0, start - 100), start)
        if head is None:
            return None
        stem = re.match(rb"[A-Za-z0-9_]*", text.data[start : match.start("value")])
        name = (head["name"] + (stem[0] if stem else b"")).decode()
        value = match["value"]
        if secret_name(name) is None or is_placeholder(value) or is_fake(value):
            return None
        if not is_random(value) and not re.fullmatch(rb"[0-9a-f]{32,}", value):
            return None
        return Found(*match.span("value"), "token", "assignments", "likely", PLACED)

    words = tuple(word.encode() for word in _WORDS)
    return [
        Detector(
            "short-name",
            short,
            _backed(_AFTER_SHORT),
            after_short,
            view=True,
            near=True,
            guard=_SHORT_GUARD,
        ),
        Detector(
            "localized",
            words,
            _AFTER_WORD,
            after_word,
            from_end=True,
            view=True,
            near=True,
            guard=_WORD_GUARD,
        ),
        Detector(
            "cell", KEYWORDS, _CELL, cell, from_end=True, guard=GUARD, behind=(b"`|\t", b"|\t")
        ),
    ]


def _backed(after: re.Pattern[bytes]) -> re.Pattern[bytes]:
    """The pattern from a short name's beginning: its keyword holds the sign already."""
    names = b"|".join(name.encode() for name in _SHORT)
    return re.compile(rb"(?:" + names + rb")" + after.pattern)


def _stands_alone(match: re.Match[bytes], start: int) -> bool:
    """Reports whether an assignment is a line of its own, as in an INI file."""
    data = match.string
    return _BLANK_LINE.match(data, match.end()) is not None and (
        start == 0 or data[start - 1 : start] == b"\n"
    )


def _found(match: re.Match[bytes]) -> Found | None:
    group = "quoted" if match["quoted"] is not None else "plain"
    if not is_password(match[group], group == "plain"):
        return None
    return Found(*match.span(group), "password", "assignments", "likely", PLACED)


@functools.lru_cache(maxsize=1024)
def is_password(value: bytes, plain: bool) -> bool:
    """Reports whether a value can be a password and is no word, name or expression; `plain`: it
    stands without quotes, and needs a letter and a digit.
    """
    if is_placeholder(value) or is_fake(value) or _TITLE.match(value):
        return False
    if plain and not (re.search(rb"[0-9]", value) and re.search(rb"[A-Za-z]", value)):
        return False
    return re.search(rb"[^A-Za-z]", value) is not None or len(value) >= 12
