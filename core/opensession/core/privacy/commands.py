"""Secrets as arguments of commands, and after a name and a blank: netrc, Dockerfile, SQL, prose."""

from __future__ import annotations

import re

from opensession.core.privacy.detector import PLACED, Detector, Found
from opensession.core.privacy.names import GUARD, LETTERS, QUOTES, VALUES, secret_name
from opensession.core.privacy.rules import Confidence
from opensession.core.privacy.short_names import short_name_detectors
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_code, is_fake, is_placeholder, is_random

_VALUE = (
    rb"(?:\"(?P<double>[^\"\r\n:,}\] ][^\"\r\n]{2,511})\""
    rb"|'(?P<single>[^'\r\n:,}\] ][^'\r\n]{2,511})'"
    rb"|(?P<plain>[^\s\"'`|;&<>()\\]{3,512}))"
)
_ATTACHED = rb"(?P<plain>[^\s\"'`|;&<>()\\]{3,256})"
_LINE = rb"[^\r\n|;&]{0,200}?[ ]"

# Programs, and the flags after which they take a password.
_PROGRAMS: tuple[tuple[bytes, bytes], ...] = (
    (b"mysql", rb"(?:dump|admin|import|show|check|sh)?" + _LINE + rb"-p(?=[^\s])" + _ATTACHED),
    (b"mariadb", rb"(?:-dump)?" + _LINE + rb"-p(?=[^\s])" + _ATTACHED),
    (b"sshpass", rb"[ ]{1,4}-p[ ]{0,4}" + _VALUE),
    (b"docker login", _LINE[:-3] + rb"[ ]-p[ ]{1,4}" + _VALUE),
    (b"podman login", _LINE[:-3] + rb"[ ]-p[ ]{1,4}" + _VALUE),
    (b"registry login", _LINE[:-3] + rb"[ ]-p[ ]{1,4}" + _VALUE),
    (b"redis-cli", _LINE + rb"-a[ ]{1,4}" + _VALUE),
    (b"mongo", rb"(?:sh|dump|restore|import|export)?" + _LINE + rb"-p[ ]{1,4}" + _VALUE),
    (b"sqlcmd", _LINE + rb"-P[ ]{0,4}" + _VALUE),
    (b"ldapsearch", _LINE + rb"-w[ ]{0,4}" + _VALUE),
    (b"mosquitto_", rb"(?:pub|sub|rr)" + _LINE + rb"-P[ ]{1,4}" + _VALUE),
    (b"az login", _LINE[:-3] + rb"[ ]-p[ ]{1,4}" + _VALUE),
    (b"zip -P", rb"[ ]{0,4}" + _VALUE),
    (b"7z ", rb"[ax][^\r\n|;&]{0,200}?[ ]-p" + _ATTACHED),
    (b"htpasswd -", rb"[a-zA-Z]{0,6}b[a-zA-Z]{0,6}[ ][^\s]{1,200}[ ][^\s]{1,64}[ ]{1,4}" + _VALUE),
    (b"vault login", rb"[ ]{1,4}" + _VALUE),
    (b"-storepass", rb"[ ]{1,4}" + _VALUE),
    (b"-keypass", rb"[ ]{1,4}" + _VALUE),
    (b"requirepass", rb"[ ]{1,4}" + _VALUE),
    (b"masterauth", rb"[ ]{1,4}" + _VALUE),
    (b"-passin", rb"[ ]{1,4}pass:" + _VALUE),
    (b"-passout", rb"[ ]{1,4}pass:" + _VALUE),
    (b"-pass pass:", _VALUE),
    (b"rabbitmqctl ", rb"(?:add_user|change_password)[ ]{1,4}[^\s]{1,64}[ ]{1,4}" + _VALUE),
    (b"smbclient ", _LINE + rb"-U[ ]?[\"']?[^%\s\"']{1,64}%(?P<plain>[^\s\"'`|;&<>\\]{3,256})"),
    (b"openssl enc", _LINE + rb"-[kK][ ]{1,4}" + _VALUE),
    (b"openssl aes", _LINE + rb"-[kK][ ]{1,4}" + _VALUE),
    (
        b"nmcli ",
        _LINE + rb"(?:password|(?:802-11-wireless-security|wifi-sec)\.psk)[ ]{1,4}" + _VALUE,
    ),
    (b"net user ", rb"\"?[^\s/\"]{1,64}\"?[ ]{1,4}(?![/*])" + _VALUE + rb"(?=[ ]{1,4}/[a-zA-Z])"),
    (b"net use ", _LINE[:-3] + rb"/user:[^\s]{1,64}[ ]{1,4}" + _VALUE),
    (
        b"net use ",
        rb"(?:[A-Za-z*]:?[ ]{1,4})?[\\ ]{1,8}[A-Za-z0-9_.$\\ -]{3,80}?[ ]{1,4}"
        + _VALUE
        + rb"[ ]{1,4}/user",
    ),
    (b"IDENTIFIED BY ", rb"(?:PASSWORD[ ])?'(?P<single>[^'\r\n]{3,256})'"),
    (b"identified by ", rb"(?:password[ ])?'(?P<single>[^'\r\n]{3,256})'"),
)
_CURL = re.compile(
    rb"(?:curl|http|https|wget)[ ](?:[^\r\n|;&]{0,400}?[ ])?"
    rb"(?:-u|--user|-U|--proxy-user|-a|--auth)[ =]?[\"']?"
    rb"[^\s:\"']{1,128}:(?:(?P<plain>[^\s\"'|;&<>\\]{3,256}))"
)
_SUDO = re.compile(rb"echo[ ]{1,2}[\"']?(?P<plain>[^\s\"'|\\$]{4,128})[\"']?[ ]{0,2}\| sudo -")
_CHPASSWD = re.compile(
    rb"echo[ ]{1,2}[\"']?[A-Za-z0-9_.-]{1,32}:(?P<plain>[^\s\"'|\\$]{4,128})"
    rb"[\"']?[ ]{0,2}\| chpasswd"
)
# What a test types into the field of a password, and the arguments of a login.
_FILLED = re.compile(
    rb"[\"'\])]{1,6}(?:,[ ]{0,4}|\)?\.(?:type|fill|sendKeys|send_keys|setValue)\([ ]{0,4})"
    rb"(?:\"(?P<double>[^\"\r\n ]{4,256})\"|'(?P<single>[^'\r\n ]{4,256})')[ ]{0,4}\)"
)
_FILLED_GUARD = re.compile(rb"[\"'\])\\\x1b]")
_LOGIN_OF = re.compile(
    rb"(?:[ ]{0,4}[\"'][^\"'\r\n]{1,128}[\"'][ ]{0,4},){1,2}[ ]{0,4}"
    rb"(?:\"(?P<double>[^\"\r\n ]{4,256})\"|'(?P<single>[^'\r\n ]{4,256})')[ ]{0,4}[,)]"
)
_FLAG = re.compile(rb"[A-Za-z0-9-]{0,24}(?:[ ]{1,4}|[\"'`],[ \r\n]{0,60}[\"'`])" + _VALUE)
_FLAG_NAME = re.compile(rb"(?:\A|[\s\"'`\[(,=])--?(?P<name>[A-Za-z][A-Za-z0-9_-]{0,40})?\Z")
_SPOKEN = re.compile(
    rb"(?P<rest>[A-Za-z0-9_]{0,40})[ \t]{1,4}(?:(?P<verb>(?:is|was):?|as|to|be|of)[ \t]{1,4}"
    rb"(?:set to )?)?(?:now )?"
    rb"(?:`(?P<tick>[^`\r\n]{4,256})`|" + _VALUE + rb")"
)
_SETTER = re.compile(
    rb"(?:\b(?:ENV|ARG|setx|setenv|export)|\bset(?: -[a-zA-Z]{1,4}){1,3}|\bconfig(?:ure)? set"
    rb"|config:set|\bsecrets? (?:set|put))[ ]{1,4}(?P<name>[A-Za-z0-9_.:/@-]{0,128})\Z"
)
_SETS = (b"ENV", b"ARG", b"setx", b"setenv", b"export", b"set", b"put")
_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/@-"
_NETRC = re.compile(rb"(?:login|user|account)[ \t]{1,8}[^\s]{1,128}[ \t\r\n]{1,16}\Z")
_CREATE = re.compile(rb"(?i)(?:role|user|login)\b[^\r\n;]{1,160}\Z")
_USING = re.compile(rb"(?i)\b(?:using|with)[ ]\Z")
_OPAQUE = re.compile(rb"(?=[^\s]*[0-9])(?=[^\s]*[A-Za-z])[^\s]{6,512}\Z")
_WEAK: Confidence = "possible"
_STEMS = (b"token", b"secret", b"password", b"passwd", b"passphrase", b"key", b"credential")


def command_detectors() -> list[Detector]:
    """The detectors of arguments, and of values after a blank."""

    def argument(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        begin, value = _value(match)
        if _no_secret(value) or value.startswith(b"-"):
            return None
        return Found(begin, begin + len(value), "argument", "assignments", "likely", PLACED)

    def called(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        return None if _is_word(_value(match)[1]) else argument(text, start, match)

    def flag(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = match.string
        before = _FLAG_NAME.search(data[max(0, start - 48) : start])
        if before is None:
            return None
        name = (before["name"] or b"") + data[start : match.end()].split(b" ")[0].split(b'"')[
            0
        ].split(b"'")[0]
        known = secret_name(name.decode("ascii", "replace"))
        begin, value = _value(match)
        if known is None or _no_secret(value) or value.startswith(b"-"):
            return None
        if known.weak and not is_random(value):
            return None
        if is_code(value, upper=True, config=True, ends_statement=False) or b"/" in value[:2]:
            return None
        return Found(begin, begin + len(value), known.kind, "assignments", "likely", PLACED)

    def spoken(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = match.string
        before = data[max(0, start - 200) : start]
        begin, value = _value(match)
        value = value.rstrip(b".,:!?") if match["verb"] else value
        line = before.rpartition(b"\n")[2]
        setter = _SETTER.search(line) if _may_set(line) else None
        stem = data[start : match.end("rest")]
        plain = match["plain"] is not None and not match["verb"]
        login = stem.lower().startswith(b"password")
        if plain and setter is None and not login and not is_random(value):
            return None
        if _no_secret(value):
            return None
        if setter is not None and not match["verb"]:
            known = secret_name((setter["name"] + stem).decode("ascii", "replace"))
            if known is None or match["tick"] or value.startswith(b"-"):
                return None
            if known.weak and not is_random(value):
                return None
            return Found(begin, begin + len(value), known.kind, "assignments", "likely", PLACED)
        if match["rest"]:
            return None
        if login and _NETRC.search(before) and not match["verb"]:
            return Found(begin, begin + len(value), "password", "assignments", "likely", PLACED)
        if match["single"] and stem.lower() == b"password" and _CREATE.search(line):
            return Found(begin, begin + len(value), "password", "assignments", "likely", PLACED)
        quoted = match["tick"] is not None
        if login and (match["double"] or match["single"]) and _USING.search(before):
            quoted = True
        if not (match["verb"] or quoted):
            if match["plain"] is None or not is_random(value):
                return None
            return Found(begin, begin + len(value), _kind_of(stem), "assignments", _WEAK, PLACED)
        if not _OPAQUE.match(value):
            return None
        variable = stem.isupper() and before.endswith(b"_") and len(value) >= 16
        if _is_word(value) and not variable:
            return None
        return Found(begin, begin + len(value), _kind_of(stem), "assignments", "possible", PLACED)

    found = [
        Detector(
            "argument", (program,), re.compile(after), argument, from_end=True, view=True, near=True
        )
        for program, after in _PROGRAMS
    ]
    forms = tuple(form for stem in _STEMS for form in (stem, stem.capitalize(), stem.upper()))
    return [
        *found,
        Detector("sudo", (b"| sudo -",), _SUDO, argument, back=160, spread=159),
        Detector("chpasswd", (b"| chpasswd",), _CHPASSWD, argument, back=160, spread=159),
        Detector(
            "filled",
            (b"assword",),
            _FILLED,
            called,
            from_end=True,
            view=True,
            near=True,
            guard=_FILLED_GUARD,
        ),
        Detector(
            "login-of",
            (b"NetworkCredential(", b"DirectoryEntry(", b"basic_auth(", b"BasicAuth(", b"auth=("),
            _LOGIN_OF,
            called,
            from_end=True,
            view=True,
            near=True,
        ),
        *short_name_detectors(),
        Detector(
            "curl-login",
            (b"curl ", b"http -", b"https -", b"wget "),
            _CURL,
            argument,
            view=True,
            near=True,
        ),
        Detector(
            "flag",
            forms,
            _FLAG,
            flag,
            view=True,
            near=True,
            from_end=True,
            guard=GUARD,
            behind=(b"-" + QUOTES + b"\x1b", VALUES),
            led=LETTERS + b"-",
        ),
        Detector(
            "spoken",
            forms,
            _SPOKEN,
            spoken,
            view=True,
            near=True,
            from_end=True,
            guard=GUARD,
            behind=(b"\\\x1b\t", VALUES + b"\t"),
        ),
    ]


def _value(match: re.Match[bytes]) -> tuple[int, bytes]:
    for name in ("double", "single", "plain", "tick"):
        if name in match.re.groupindex and match[name] is not None:
            # The view has the escape of the closing quote before it, as a blank.
            return match.start(name), match[name].rstrip(b" \\")
    return match.end(), b""


def _kind_of(stem: bytes) -> str:
    word = stem.lower().decode("ascii", "replace")
    return {"passwd": "password", "passphrase": "password"}.get(word, word)


def _may_set(line: bytes) -> bool:
    """Reports whether a line ends as that of a setter may; cheap, as hardly one does."""
    before = line.rstrip(_NAME_BYTES)
    words = before.rstrip(b" ")
    return words != before and (words.endswith(_SETS) or b"-" in words[-5:])


def _no_secret(value: bytes) -> bool:
    return (
        is_placeholder(value) or is_fake(value) or value.startswith((b"$", b"<", b"{", b"%", b"@"))
    )


def _is_word(value: bytes) -> bool:
    """Reports whether a value is a name, a version, a date, a path: no secret that is spoken of."""
    return (
        re.fullmatch(
            rb"[a-z]+[0-9]{0,2}|[A-Za-z]+(?:[-_.][A-Za-z0-9]+){1,6}|v?[0-9][0-9.,:/-]*[a-z]{0,3}"
            rb"|[^\s]*[/\\(){}<>=][^\s]*|[A-Z]?[a-z]+(?:[A-Z][a-z]+){0,6}[0-9]{0,2}"
            rb"|[0-9]+[a-z]{1,12}|[0-9a-f]{7,12}|[0-9a-f]{40}|[0-9a-f]{64}"
            rb"|[A-Z_]+[0-9]{0,3}",
            value,
        )
        is not None
    )
