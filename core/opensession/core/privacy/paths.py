"""Home folders: this user's becomes `~`, another's `/home/[user]` (DECISIONS §5).

The users of images (`/home/node`, `/home/runner`) name nobody and stay. A path counts where a path
can begin: `src/home/page.tsx` and `example.com/home/about` hold none.
"""

from __future__ import annotations

import re

from opensession.core.privacy.detector import PLAIN, Detector, Found
from opensession.core.privacy.text import Text

IMAGE_USERS = frozenset(
    (b"node", b"runner", b"ubuntu", b"vscode", b"user", b"app", b"root", b"circleci")
)

_OVER_NAMES = 500
"""A home folder ends in its user's name, which is looked for as well."""

_SHARED = frozenset((b"Shared", b"Public", b"Default", b"All Users"))
"""Folders beside the users' own, on macOS and Windows."""

# A name begins and ends with a letter, digit, underscore or a whole non-ASCII character.
_LETTER = rb"(?:[A-Za-z0-9_]|[\xc0-\xff][\x80-\xbf]{1,3})"
# Most are of plain letters: those are told first, for any other takes long.
_NAME = (
    rb"(?P<user>[A-Za-z0-9_]{1,65}+(?![.@+\x80-\xff-])|"
    + _LETTER
    + rb"(?:(?:[.@+-]|"
    + _LETTER
    + rb"){0,63}"
    + _LETTER
    + rb")?)"
)

# What may stand directly before a path: nothing of a word, or something that is no part of it
# (an escaped line break, the end of a colour sequence, a compiler's flag, a diff's a/ and b/),
# or folders that hold homes on some systems.
_BEGIN = (
    rb"(?<!\[user\])(?:(?<![A-Za-z0-9_.~\x80-\xff-])|(?<=\\[nrt])|(?<=[0-9\[]m)|(?<=-[ILF])|(?<=[\s\"'][ab])"
    rb"|(?<=/mnt/[a-z])|(?<=/var)|(?<=/usr)|(?<=/export)|(?<=/host)|(?<=wsl\+[Uu]buntu)|(?<=wsl\+[Dd]ebian)|(?<=/Ubuntu)|(?<=/Debian)|(?<=/Volumes/Data))"
)

_UNIX = re.compile(_BEGIN + rb"/(?P<root>home|Users)/" + _NAME)
_NAMES = re.compile(rb"/(?:home|Users)/[A-Za-z0-9_\xc0-\xff]")
"""Guards against what is replaced already: `/home/[user]`."""

_ENCODED = re.compile(rb"%2[Ff](?:home|Users)%2[Ff]" + _NAME)
_WINDOWS = re.compile(
    rb":(?P<separator>\\{1,4}|/)[Uu]sers(?P=separator)"
    rb"(?:(?P<spaced>[^\\/:*?\"<>|\r\n]{1,64})(?=(?P=separator))|" + _NAME + rb")"
)
_DASHED = re.compile(
    rb"(?<!\[user\])(?:(?<![A-Za-z0-9_.-])|(?<=\\[nrt]))-(?:home|Users)-(?P<user>[A-Za-z0-9]{1,64})"
    rb"(?=(?P<more>-)?)"
)
_DASHED_WINDOWS = re.compile(rb"--Users-(?P<user>[A-Za-z0-9]{1,64})(?=-|\b)")
_DRIVE = re.compile(rb"(?:(?<![A-Za-z0-9\\])|(?<=\\[nrt])|(?<=[?]\\))[A-Za-z]\Z")
_DRIVES = b"abcdefghijklmnopqrstuvwxyz"
_PAGE = re.compile(rb"\.(?:html?|php|[jt]sx?|css|vue|md|json|aspx?|svelte|png|svg)\Z")
_WORD = re.compile(rb"[A-Za-z0-9_\x80-\xff-]|\.[A-Za-z0-9_]")


def path_detectors(home: str) -> list[Detector]:
    """The detectors of home folders; `home` is this user's own (empty: none is ours)."""
    own = home.rstrip("/").encode("utf-8", "surrogateescape")
    if own.count(b"/") < 1 or not own.startswith(b"/"):
        own = b""
    dashed = re.sub(rb"[^A-Za-z0-9]", b"-", own)

    def unix(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = text.data
        if own and _is_own(data, start, own):
            return _found(start, start + len(own), "home", b"~")
        user = match["user"]
        if user in IMAGE_USERS or (user in _SHARED and match["root"] == b"Users"):
            return None
        if b"." in user and _PAGE.search(user) and data[match.end() : match.end() + 1] != b"/":
            return None
        if start >= 6 and data.startswith(b"/mnt/", start - 6) and data[start - 1] in _DRIVES:
            start -= 6
        return _found(start, match.end(), "user", b"/home/[user]")

    def own_home(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if not _is_own(text.data, start, own):
            return None
        return _found(start, start + len(own), "home", b"~")

    def encoded(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        if match["user"] in IMAGE_USERS | _SHARED:
            return None
        slash = text.data[start : start + 3]
        return _found(start, match.end(), "user", slash + b"home" + slash + b"[user]")

    def windows(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = text.data
        user = match["spaced"] or match["user"]
        if not _has_drive(data, start) or user.lower() in IMAGE_USERS or user in _SHARED:
            return None
        if user == b"[user]":
            return None
        return _found(start - 1, match.end(), "user", b"/home/[user]")

    def dashed_name(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = text.data
        if dashed and data.startswith(dashed, start):
            end = start + len(dashed)
            if not data[end : end + 1].isalnum():
                return _found(start, end, "user", b"-home-[user]")
        inside = data[start - 1 : start] == b"/"
        if match["user"] in IMAGE_USERS | _SHARED or not (match["more"] or inside):
            return None
        return _found(start, match.end(), "user", b"-home-[user]")

    def dashed_windows(text: Text, start: int, match: re.Match[bytes]) -> Found | None:
        data = text.data
        if not _has_drive(data, start):
            return None
        if match["user"] in IMAGE_USERS | _SHARED:
            return None
        return _found(start - 1, match.end(), "user", b"-home-[user]")

    detectors = [
        Detector("home-folder", (b"/home/", b"/Users/"), _UNIX, unix, guard=_NAMES),
        Detector(
            "home-folder-encoded",
            (b"%2Fhome%2F", b"%2FUsers%2F", b"%2fhome%2f", b"%2fUsers%2f"),
            _ENCODED,
            encoded,
        ),
        Detector(
            "home-folder-windows",
            tuple(
                b":" + separator + word + separator
                for word in (b"Users", b"users")
                for separator in (b"\\", b"\\\\", b"\\\\\\\\", b"/")
            ),
            _WINDOWS,
            windows,
        ),
        Detector("home-folder-name", (b"-home-", b"-Users-"), _DASHED, dashed_name),
        Detector("home-folder-name-windows", (b"--Users-",), _DASHED_WINDOWS, dashed_windows),
    ]
    if own and not own.startswith((b"/home/", b"/Users/")):
        pattern = re.compile(_BEGIN + re.escape(own))
        detectors.append(Detector("own-home", (own,), pattern, own_home))
    return detectors


def _found(start: int, end: int, kind: str, text: bytes) -> Found:
    return Found(start, end, kind, "paths", "certain", PLAIN + _OVER_NAMES, text)


def _is_own(data: bytes, start: int, own: bytes) -> bool:
    """Reports whether the path at `start` is this user's home, or lies in it."""
    return data.startswith(own, start) and not _WORD.match(data, start + len(own))


def _has_drive(data: bytes, start: int) -> bool:
    """Reports whether a drive's letter stands before `start`: no letter of a word or an escape."""
    return _DRIVE.search(data, max(0, start - 3), start) is not None
