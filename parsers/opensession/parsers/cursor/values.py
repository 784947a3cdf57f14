"""Values out of Cursor's JSON, in which any field may have another type or be missing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from opensession.parsers.decoding import decode_any
from opensession.parsers.times import parse_stamp

EARLIEST_MS = 1_000_000_000_000
"""2001: smaller numbers are no times of day (some builds count from their own start)."""

_LATEST_MS = 253_402_300_800_000
_DRIVE = re.compile(r"/?([A-Za-z])(?::|%3[Aa])(/.*|)\Z")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decoded(value: Any) -> Any:
    """Any JSON value, decoded; None for what is none. Strings hold JSON, as Cursor nests it."""
    if isinstance(value, (str, bytes, msgspec.Raw)):
        try:
            return decode_any(value if isinstance(value, str) else bytes(value))
        except ValueError:
            return None
    return value


def fields(data: bytes | str) -> dict[str, msgspec.Raw] | None:
    """The fields of a JSON object, not decoded; None where there is no object."""
    try:
        return _fields.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        value = decode_any(data)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    return {key: msgspec.Raw(msgspec.json.encode(item)) for key, item in value.items()}


def mapping(value: Any) -> dict[str, Any]:
    """The object itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The list itself, or an empty one."""
    return value if isinstance(value, list) else []


def words(value: Any) -> str:
    """The string itself, or an empty one."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int:
    """A count: a number that is not negative, else 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0
    return int(value) if 0 < value < 1 << 62 else 0


def time_us(value: Any) -> int | None:
    """A time as Cursor writes it: milliseconds (a number, or digits) or RFC 3339 text."""
    if isinstance(value, str):
        if value.isdecimal() and len(value) < 20:
            value = int(value)
        else:
            return parse_stamp(value) if len(value) < 64 else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not EARLIEST_MS <= value < _LATEST_MS:
        return None
    return round(value * 1000)


def folder_of(value: Any) -> tuple[str, str]:
    """The folder that a URI names, and the machine it is on where that is another.

    Cursor writes a path, `file:///home/dev/x`, `file:///c%3A/x`,
    `vscode-remote://wsl%2Bubuntu/home/dev/x` or an object `{fsPath, path, scheme, authority}`.
    """
    if isinstance(value, dict):
        path = words(value.get("fsPath")) or words(value.get("path"))
        external = words(value.get("external"))
        if not path and external:
            return folder_of(external)
        authority = words(value.get("authority"))
        scheme = words(value.get("scheme"))
        if scheme not in ("", "file", "vscode-remote"):
            return "", ""
        if scheme == "vscode-remote":
            path = words(value.get("path")) or path
        return _local(path), authority if scheme == "vscode-remote" else ""
    uri = words(value)
    if not uri or len(uri) > 4096:
        return "", ""
    if uri.startswith("/") or _DRIVE.match(uri.replace("\\", "/")):
        return _local(uri), ""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "", ""
    if parts.scheme == "vscode-remote":
        return _local(unquote(parts.path)), unquote(parts.netloc)
    if parts.scheme != "file":
        return "", ""
    host = unquote(parts.netloc).lower()
    path = unquote(parts.path)
    if host in ("wsl.localhost", "wsl$"):
        return "/" + path.lstrip("/").partition("/")[2], ""
    return _local(path), ""


def _local(path: str) -> str:
    """A path without a slash at its end; that of a drive as Windows writes it."""
    drive = _DRIVE.match(path.replace("\\", "/"))
    if drive is not None:
        rest = drive[2].rstrip("/").replace("/", "\\")
        return f"{drive[1]}:{rest or chr(92)}"
    return path.rstrip("/") or path
