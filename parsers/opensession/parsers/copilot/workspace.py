"""`workspace.yaml` beside a session's events: its title, and where it runs.

    id: cdf7feae-26cf-4050-b3d9-907abeb87823
    cwd: /home/dev/acme-api
    branch: master
    name: 'It''s the session''s title'

It is written anew whenever one of these changes, so it is a part of the source for the watch; it is
not archived, and a session is read without it where it is gone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import msgspec

from opensession.core.hail import SessionInfo
from opensession.parsers.agent import (
    Cursor,
    Delta,
    SessionDelta,
    Source,
    SourceGone,
    SourceRefused,
)
from opensession.parsers.copilot.feed import EVENTS, feed
from opensession.parsers.decoding import mend_text
from opensession.parsers.jsonl import read_lines
from opensession.parsers.opening import opened
from opensession.parsers.stamps import stamp_of
from opensession.parsers.timeline import PATH_CHARACTERS, one_line

FILE = "workspace.yaml"

_BYTES = 64 << 10
_KEY = re.compile(r"([A-Za-z_]{1,64}):(?:[ \t]+(.*))?\Z")
_PLAIN = {"", "~", "null", "Null", "NULL"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "e": "\x1b"}


class _Place(msgspec.Struct, array_like=True):
    """A cursor of the events inside that of the source, and what was last told of the session."""

    dev: int = 0
    ino: int = 0
    size: int = 0
    mtime_ns: int = 0
    state: bytes = b""
    values: dict[str, str] = {}
    info: SessionInfo | None = None
    count: int = 0


_decoder = msgspec.msgpack.Decoder(_Place)


def files_of(source: Source) -> tuple[str, ...]:
    """The files whose change is a change of a session's events."""
    folder, _, name = source.path.rpartition("/")
    return (source.path, f"{folder}/{FILE}") if name == EVENTS else (source.path,)


def read_session(source: Source, cursor: Cursor | None) -> Delta:
    """Reads on in a session's events, and takes title and folder from the file beside them.

    A change of that file alone gives the session again, without events.
    """
    stamp = None if source.read_from else stamp_of(files_of(source))
    place = _decoder.decode(cursor.state) if cursor is not None and cursor.state else _Place()
    inner = None
    if cursor is not None:
        inner = Cursor(
            offset=cursor.offset,
            dev=place.dev,
            ino=place.ino,
            size=place.size,
            mtime_ns=place.mtime_ns,
            tail=cursor.tail,
            state=place.state,
        )
    delta = read_lines(source, inner, feed)
    values = _values_of(source) or place.values
    sessions = list(delta.sessions)
    known, count = (None, 0) if delta.restarted else (place.info, place.count)
    if sessions:
        known, count = sessions[0].info, sessions[0].keep + len(sessions[0].events)
    if known is not None and not sessions and values != place.values:
        sessions = [SessionDelta(info=known, keep=count, events=[])]
    if sessions:
        told = msgspec.structs.replace(sessions[0], info=_with(sessions[0].info, values))
        sessions[0] = told
    read = delta.cursor
    after = _Place(read.dev, read.ino, read.size, read.mtime_ns, read.state, values, known, count)
    return msgspec.structs.replace(
        delta,
        sessions=sessions,
        cursor=Cursor(
            offset=read.offset,
            dev=read.dev,
            ino=stamp.ino if stamp else read.ino,
            size=stamp.size if stamp else read.size,
            mtime_ns=stamp.mtime_ns if stamp else read.mtime_ns,
            tail=read.tail,
            state=msgspec.msgpack.encode(after),
        ),
    )


def parse(content: str) -> dict[str, str]:
    """The flat keys of a YAML file with their values as text; what is not flat is left out.

    Plain, quoted and block values are understood, with lines that continue them.
    """
    values: dict[str, str] = {}
    lines = content.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        found = _KEY.match(lines[at])
        at += 1
        if not found:
            continue
        more = []
        while at < len(lines) and (not lines[at].strip() or lines[at][0] in " \t"):
            more.append(lines[at].strip())
            at += 1
        values[found[1]] = _scalar((found[2] or "").strip(), more)
    return values


def _scalar(value: str, more: list[str]) -> str:
    while more and not more[-1]:
        more.pop()
    if value[:1] in ("|", ">"):
        return ("\n" if value[0] == "|" else " ").join(more)
    whole = " ".join([value, *more]).strip()
    if whole[:1] == "'":
        end = re.match(r"'((?:[^']|'')*)'", whole)
        return end[1].replace("''", "'") if end else whole[1:]
    if whole[:1] == '"':
        end = re.match(r'"((?:[^"\\]|\\.)*)"', whole, re.S)
        return _ESCAPE.sub(_unescaped, end[1] if end else whole[1:])
    if whole[:1] in ("[", "{", "&", "*", "!") or (not value and more):
        return ""
    whole = whole.split(" #", 1)[0].rstrip() if " #" in whole else whole
    return "" if whole in _PLAIN else whole


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "xuU" and len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    return _ESCAPES.get(code, code)


def _values_of(source: Source) -> dict[str, str]:
    """What the file beside the events says; empty where it is not there or is none of ours."""
    files = files_of(source)
    if len(files) == 1:
        return {}
    beside = Source(source.agent, source.root, files[1])
    try:
        with opened(beside) as (descriptor, _):
            content = os.read(descriptor, _BYTES)
    except (SourceGone, SourceRefused, OSError, ValueError):
        return {}
    values = parse(content.decode("utf-8", "replace"))
    return {key: mend_text(values[key])[:PATH_CHARACTERS] for key in _USED if values.get(key)}


_USED = ("name", "summary", "cwd", "branch")


def _with(info: SessionInfo, values: Mapping[str, str]) -> SessionInfo:
    """What is known of a session, with what its events do not say."""
    cwd = values.get("cwd", "")
    return msgspec.structs.replace(
        info,
        title=one_line(values.get("name") or values.get("summary") or "") or info.title,
        cwd=info.cwd or cwd,
        last_cwd=info.last_cwd or cwd,
        git_branch=info.git_branch or values.get("branch", ""),
    )
