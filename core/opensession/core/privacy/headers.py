"""`Authorization` and cookies, in headers, in commands and in code."""

from __future__ import annotations

import re

from opensession.core.privacy.checks import pair_in_base64
from opensession.core.privacy.detector import PLACED, Detector, Found
from opensession.core.privacy.kinds.form import varied
from opensession.core.privacy.rules import Confidence
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_code, is_fake, is_placeholder

_AUTHORIZATION = re.compile(
    rb"(?:uthorization|UTHORIZATION)[ \"'`\]]{0,8}[:=,][ \"'`]{0,8}"
    rb"(?P<scheme>(?i:bearer|basic|token|apikey|api-key|negotiate|ntlm|bot|splunk|sso-key)[ ]{1,4})"
    rb"(?P<value>[A-Za-z0-9._~+/=|:%-]{6,8192}+)"
)
_BEARER = re.compile(rb"earer[ ]{1,4}(?P<value>[A-Za-z0-9._~+/|-]{16,8192}+={0,2})")
_BASIC = re.compile(rb"(?<![A-Za-z0-9])[Bb]asic[ ]{1,4}(?P<value>[A-Za-z0-9+/]{8,1024}+={0,2})")
_COOKIE = re.compile(
    rb"[Cc]ookie[\"'`\]]{0,4}[ ]{0,4}:[ \"'`]{0,6}"
    rb"(?P<pairs>[A-Za-z0-9_.-]{1,64}=[^\r\n\"'`<>{}()\\]{3,8192}+)"
)
_JAR = re.compile(
    rb"curl [^\r\n]{0,300}?(?:-b|--cookie)[ =]{0,2}[\"']{0,2}"
    rb"(?P<pairs>[A-Za-z0-9_.-]{1,64}=[^\r\n\"'`<>{}()\\]{3,8192}+)"
)
_PAIR = re.compile(rb"(?P<name>[A-Za-z0-9_.\[\]-]{1,64})=(?P<value>[^;,\s]{4,4096}+)")
_ATTRIBUTES = frozenset(
    (b"path", b"domain", b"expires", b"max-age", b"samesite", b"version", b"priority", b"comment")
)
_SESSION = re.compile(
    rb"(?i)sess|sid\b|_sid|token|auth|csrf|xsrf|jwt|login|remember|secret|cred|key|user"
)
_SIMPLE = re.compile(rb"[A-Za-z]{1,12}(?:[-_.][A-Za-z]{1,12}){0,3}\Z|[0-9.,:/-]{1,16}\Z")


def header_detectors() -> list[Detector]:
    """The detectors of header values."""

    def authorization(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        scheme, value = match["scheme"].strip().lower(), match["value"].rstrip(b".,")
        if is_placeholder(value) or (is_fake(value) and len(value) < 100):
            return None
        if not re.search(rb"[0-9]", value) and not (len(value) >= 16 and value.isalnum()):
            return None
        if is_code(value, upper=True, config=True, ends_statement=False):
            return None
        begin = match.start("value")
        if scheme == b"basic":
            sure = pair_in_base64(value)
            confidence: Confidence = "certain" if sure else "possible"
            return Found(begin, begin + len(value), "basic-auth", "headers", confidence, PLACED)
        return Found(begin, begin + len(value), "bearer-token", "headers", "likely", PLACED)

    def bearer(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        value = match["value"].rstrip(b".")
        if is_placeholder(value) or is_fake(value) or not re.search(rb"[0-9]", value):
            return None
        if not re.search(rb"[A-Za-z]", value) or re.fullmatch(rb"[a-z]+(?:[-_.][a-z0-9]+)+", value):
            return None
        begin = match.start("value")
        return Found(begin, begin + len(value), "bearer-token", "headers", "likely", PLACED)

    def basic(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if not pair_in_base64(match["value"]) or len(match["value"]) < 12:
            return None
        if not (varied(match["value"]) or match["value"].endswith(b"=")):
            return None
        return Found(*match.span("value"), "basic-auth", "headers", "certain", PLACED)

    def cookie(text: Text, start: int, match: re.Match[bytes]) -> list[Found]:
        found: list[Found] = []
        for pair in _PAIR.finditer(match.string, *match.span("pairs")):
            name, value = pair["name"], pair["value"]
            if name.lower() in _ATTRIBUTES or is_placeholder(value) or is_fake(value):
                continue
            telling = _SESSION.search(name) is not None
            if _SIMPLE.match(value) or not (telling or (len(value) >= 16 and varied(value))):
                continue
            confidence: Confidence = "likely" if telling else "possible"
            found.append(Found(*pair.span("value"), "cookie", "headers", confidence, PLACED))
        return found

    return [
        Detector("cookie-argument", (b"curl ",), _JAR, cookie, view=True, once=True),
        Detector(
            "authorization",
            (b"uthorization", b"UTHORIZATION"),
            _AUTHORIZATION,
            authorization,
            view=True,
        ),
        Detector("bearer-token", (b"earer ",), _BEARER, bearer, view=True),
        Detector("basic-auth", (b"Basic ", b"basic "), _BASIC, basic, view=True),
        Detector("cookie", (b"Cookie", b"cookie"), _COOKIE, cookie, view=True, once=True),
    ]
