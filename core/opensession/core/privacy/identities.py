"""This user's name and host name, where they stand for a person: `user@host`, git identities, and
parts of paths (DECISIONS §5). Names of fewer than four characters mean too much else.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from opensession.core.privacy.detector import PLAIN, Detector, Found
from opensession.core.privacy.paths import IMAGE_USERS
from opensession.core.privacy.text import Text

_LEAST = 4
_BELOW = 1000
_COMMON = frozenset(
    (b"home", b"data", b"work", b"admin", b"test", b"users", b"guest", b"demo", b"http", b"https",
     b"mail", b"main", b"code", b"build", b"jenkins", b"docker", b"localhost", b"github", b"gitlab",
     b"public", b"local", b"host", b"default", b"service", b"server", b"client", b"name", b"self")
)  # fmt: skip
_HOST = rb"(?P<host>[A-Za-z0-9][A-Za-z0-9.-]{0,63})"
_IDENTITY = re.compile(
    rb"(?i)(?:author|committer|co-authored-by|signed-off-by|reviewed-by|tagger|user\.name|user\.email)"
    rb"[ \t]{0,8}[:=]?[ \t\"'\\]{0,8}[^\r\n]{0,60}\Z"
)


_ENDS_PART = (b"/", b"\\", b"", b" ", b"\n", b'"', b"'", b":", b")")
"""What stands after a part of a path."""


def identity_detectors(home: str, host: str) -> list[Detector]:
    """The detectors of a user (the last part of the home folder) and a host name."""
    user = home.rstrip("/").rpartition("/")[2].encode("utf-8", "surrogateescape")
    machine = host.partition(".")[0].encode("utf-8", "surrogateescape")
    found: list[Detector] = []
    if _counts(user):
        found.append(_user(user))
    if _counts(machine):
        found.append(_machine(machine))
    return found


def _counts(name: bytes) -> bool:
    return len(name) >= _LEAST and name not in IMAGE_USERS and name.lower() not in _COMMON


def _user(user: bytes) -> Detector:
    pattern = re.compile(
        rb"(?:(?<![A-Za-z0-9_.-])|(?<=\\[nrt]))"  # the letter of an escape is none of a word
        + re.escape(user)
        + rb"(?:(?P<at>@"
        + _HOST
        + rb")|(?![A-Za-z0-9_-]))"
    )

    def check(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = text.data
        if match["at"]:
            host = match["host"].rstrip(b".")
            end = match.start("host") + len(host)
            if b"." in host and data[end : end + 1] not in (b":", b" ", b"$", b"#", b"~"):
                return _named(start, match.start("at"), b"[user]")  # a mail address's local part
            return _named(start, end, b"[user]@[host]")
        before, after = data[start - 1 : start], data[match.end() : match.end() + 1]
        if before in (b"/", b"\\") and after in _ENDS_PART:
            if data[start - 2 : start - 1] in (b"/", b":"):
                return None  # the host of an address
            return _named(start, match.end(), b"[user]")
        line = data[max(0, start - 90) : start].rpartition(b"\n")[2]
        if _IDENTITY.search(line):
            return _named(start, match.end(), b"[user]")
        return None

    return Detector("user-name", (user,), pattern, check)


def _machine(machine: bytes) -> Detector:
    pattern = re.compile(
        rb"(?:(?<=@)|(?P<slash>(?<=[^/:\\][/\\])|(?<=\A[/\\])))"
        + re.escape(machine)
        + rb"(?:\.[A-Za-z0-9.-]{1,60})?(?![A-Za-z0-9_-])"
    )

    def check(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if match["slash"] is not None:
            end = start + len(machine)
            if text.data[end : end + 1] not in _ENDS_PART:
                return None
            return _named(start, end, b"[host]")
        # Beside this user's name it is part of that finding.
        return replace(_named(start, match.end(), b"[host]"), rank=PLAIN - _BELOW)

    return Detector("host-name", (machine,), pattern, check)


def _named(start: int, end: int, text: bytes) -> Found:
    return Found(start, end, "user-name", "names", "likely", PLAIN, text)
