"""Passwords in addresses, of any scheme, and in connection strings."""

from __future__ import annotations

import re

from opensession.core.privacy.detector import PLACED, Detector, Found
from opensession.core.privacy.kinds.form import varied
from opensession.core.privacy.rules import Confidence
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_fake, is_placeholder

_USER = re.compile(
    rb":(?: ?/){2}(?P<user>[^\s/?#\"'<>`\\@:]{0,128}):(?P<password>[^\s\"'<>`/?#\\]{1,256})"
    rb"@(?=[A-Za-z0-9_\[$%{.*-])"
)
# Database programs take passwords with slashes as they are.
_SLASHED = re.compile(
    rb":(?: ?/){2}(?P<user>[^\s/?#\"'<>`\\@:]{1,128}):(?P<password>[^\s\"'<>`\\]{1,128})"
    rb"@(?=[A-Za-z0-9_.-]{1,200}(?::[0-9]{2,5})?(?:/|\s|\"|'|\Z))"
)
_TOKEN = re.compile(rb":(?: ?/){2}(?P<token>[A-Za-z0-9_-]{20,256}+)(?::x-oauth-basic|:)?@")
_DATABASE = re.compile(
    rb"(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver|clickhouse"
    rb"|cockroachdb)(?:\+[a-z0-9]+)?\Z"
)
_PARAMETER = re.compile(
    rb"[?&](?:amp;)?(?:key|auth|pass|pwd?|sig|signature|hmac|sid|session(?:_?id)?|code|jwt|ticket)="
    rb"(?P<value>[A-Za-z0-9._~%+/-]{4,512}+=?=?)"
)
_SHORT = re.compile(rb"[?&](?:amp;)?(?:pass|pwd?)=")
_WORDS = (
    b"key auth pass pwd pw sig signature hmac sid session sessionid session_id code jwt ticket"
).split()
_FIELD = re.compile(
    rb"(?:[Pp]assword|PASSWORD|[Pp]wd|PWD)[ ]{0,4}=[ ]{0,4}"
    rb"(?:'(?P<single>[^'\r\n]{1,256})'|\"(?P<double>[^\"\r\n]{1,256})\""
    rb"|(?P<plain>[^\s;\"'&,)\\]{1,256}))"
)
_BESIDE = re.compile(
    rb"(?i)(?:^|[;\s\"'(?])(?:server|data source|host|hostaddr|user ?id|uid|user|username|database"
    rb"|dbname|initial catalog|addr|address|driver|endpoint|network|port|provider)[ ]{0,4}="
    rb"[^=\r\n]{0,128}[; ]"
)
_BESIDE_WORDS = re.compile(
    rb"(?i)server|source|host|user|uid|database|dbname|catalog|addr|driver|endpoint|network|port"
    rb"|provider|encrypt|trusted_connection|sslmode"
)
_AFTER = re.compile(
    rb"(?i)[\"']?[; ][^\r\n]{0,100}?(?:server|data source|host|user ?id|uid|user|database|dbname"
    rb"|initial catalog|encrypt|trusted_connection|sslmode|port)[ ]{0,4}="
)
_ORACLE = re.compile(
    rb"jdbc:oracle:(?:thin|oci):[A-Za-z0-9_$#]{1,64}/(?P<value>[^\s\"'@/]{1,128})@"
)
_PGPASS = re.compile(rb":5432:[^\s:]{1,64}:[^\s:]{1,64}:(?P<value>[^\s:]{1,128})(?=\s|\Z)")


def url_detectors() -> list[Detector]:
    """The detectors of passwords in addresses."""

    def login(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        user, password = match["user"], match["password"]
        if password == user or _no_password(password):
            return None
        begin, end = match.span("password")
        confidence: Confidence = "likely" if len(password) >= 6 else "possible"
        return Found(begin, end, "url-password", "urls", confidence, PLACED)

    def slashed(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if b"/" not in match["password"] or match["password"][:4].isdigit():
            return None
        if not _DATABASE.search(match.string, max(0, start - 24), start):
            return None
        return login(text, start, match)

    def token(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if varied(match["token"]) is None or is_fake(match["token"]):
            return None
        return Found(*match.span("token"), "url-token", "urls", "possible", PLACED)

    def parameter(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        value = match["value"]
        short = _SHORT.match(match[0]) is not None
        if is_placeholder(value) or is_fake(value):
            return None
        if not short and (len(value) < 20 or not _opaque(value)):
            return None
        return Found(*match.span("value"), "url-parameter", "urls", "possible", PLACED)

    def field(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        name = match.lastgroup or "plain"
        value = match[name].rstrip(b" \\")  # the escape of the closing quote is before it
        if _no_password(value):
            return None
        if not text.holds(_BESIDE_WORDS, max(0, start - 200), match.end() + 160):
            return None
        before = match.string[max(0, start - 200) : start].rpartition(b"\n")[2]
        if not _BESIDE.search(before) and not _AFTER.match(match.string, match.end()):
            return None
        begin = match.start(name)
        end = begin + len(value)
        return Found(begin, end, "connection-password", "urls", "likely", PLACED)

    def plain(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if _no_password(match["value"]):
            return None
        return Found(*match.span("value"), "connection-password", "urls", "likely", PLACED)

    return [
        Detector("url-password", (b"://", b":\\/\\/"), _USER, login, view=True, near=True),
        Detector("url-password-slashed", (b"://",), _SLASHED, slashed, view=True, near=True),
        Detector("url-token", (b"://", b":\\/\\/"), _TOKEN, token, view=True, near=True),
        Detector(
            "url-parameter",
            tuple(mark + word + b"=" for word in _WORDS for mark in (b"?", b"&")),
            _PARAMETER,
            parameter,
        ),
        Detector(
            "connection-password",
            (b"Password", b"password", b"PASSWORD", b"Pwd", b"pwd=", b"PWD="),
            _FIELD,
            field,
            view=True,
            near=True,
        ),
        Detector("connection-oracle", (b"jdbc:oracle:",), _ORACLE, plain),
        Detector("connection-pgpass", (b":5432:",), _PGPASS, plain),
    ]


_STAND_INS = frozenset(
    b"""password pass passwd pwd pw secret user username postgres root admin guest test changeme
    mypassword yourpassword your_password pass123 password123 mysecretpassword example foo bar
    token port""".split()
)


def _no_password(value: bytes) -> bool:
    return value.lower() in _STAND_INS or is_placeholder(value) or is_fake(value)


def _opaque(value: bytes) -> bool:
    return re.search(rb"[0-9]", value) is not None and re.search(rb"[A-Za-z]", value) is not None
