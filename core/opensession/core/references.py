"""What a REF says, by its form alone (DECISIONS §2, §11); what it names, the daemon knows.

    HEAD  HEAD~3  HEAD^2     the newest, the 3 newest, the third newest of what `log` lists
    7f3a9c1e  0442a060-edc3  a short or an id, or the beginning of one
    codex:0442a060           the same, of one agent
    ~/x/y.jsonl              the file that a session comes from
    os://src/local/<sha256>  an object; see `ObjectRef`

Each but the last may end in `#<seq>`, which names an event.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
from typing import Literal

import msgspec

from opensession.core.errors import UsageError

MIN_PREFIX = 4
"""Characters that the beginning of a short or an id must have at least."""

_SEQ = re.compile(r"(.+)#(\d{1,8})\Z", re.DOTALL)
_HEAD = re.compile(r"HEAD(?:([~^])(\d{1,6})?)?\Z")
_AGENT = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):([A-Za-z0-9][A-Za-z0-9._-]*)\Z")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_OWNER = re.compile(r"[A-Za-z0-9._-]{1,200}\Z")


class Ref(msgspec.Struct, frozen=True, kw_only=True):
    """A reference to sessions. `count` is the N of `HEAD~N` (1 for `HEAD`), `place` that of
    `HEAD^N` (from 0, the newest). `agent` has hyphens. `path` is as it was given.
    """

    kind: Literal["newest", "place", "id", "path", "object"]
    count: int = 1
    place: int = 0
    agent: str = ""
    id: str = ""
    path: str = ""
    seq: int | None = None
    object: ObjectRef | None = None


class ObjectRef(msgspec.Struct, frozen=True, kw_only=True):
    """An `os://` address. `store` is local, gh, gl, git or artifact; `sha256` for local objects and
    artifacts; else a remote (`owner/repo`, a project's path or an address), a ref and a path.
    """

    store: Literal["local", "gh", "gl", "git", "artifact"]
    sha256: str = ""
    remote: str = ""
    ref: str = ""
    path: str = ""


def parse_ref(text: str) -> Ref:
    """The form of a reference. Raises UsageError for one that can name nothing."""
    given = text.strip()
    if given.startswith("os://"):
        return Ref(kind="object", object=parse_object(given))
    numbered = _SEQ.match(given)
    seq = int(numbered[2]) if numbered else None
    name = numbered[1] if numbered else given
    if seq == 0:
        raise UsageError(f"{text}: events count from 1", f"opensession show {name}#1")
    head = _HEAD.match(name)
    if head is not None:
        return _head(text, head, seq)
    if "/" in name or name.startswith("~") or name.endswith((".jsonl", ".json", ".zst")):
        return Ref(kind="path", path=name, seq=seq)
    owned = _AGENT.match(name)
    agent = owned[1].lower().replace("_", "-") if owned else ""
    wanted = owned[2] if owned else name
    if _ID.match(wanted) is None:
        raise UsageError(f"{text!r} is not a reference to a session", "opensession log")
    if len(wanted) < MIN_PREFIX and not owned:
        raise UsageError(
            f"{text} is too short: at least {MIN_PREFIX} characters", "opensession log"
        )
    return Ref(kind="id", agent=agent, id=wanted, seq=seq)


def _head(text: str, head: re.Match[str], seq: int | None) -> Ref:
    sign, number = head[1], head[2]
    if sign == "^":
        return Ref(kind="place", place=int(number or 1), seq=seq)
    count = int(number or 1)
    if count == 0:
        raise UsageError(f"{text} names no session", "opensession show HEAD")
    if seq is not None and count > 1:
        raise UsageError(f"{text} names an event of several sessions", f"HEAD^{count - 1}#{seq}")
    return Ref(kind="newest", count=count, seq=seq)


def parse_object(text: str) -> ObjectRef:
    """The parts of an `os://` address. Raises UsageError for any other form."""
    parts = text.removeprefix("os://").split("/")
    if parts[0] == "artifact" and len(parts) == 2 and _SHA256.match(parts[1]):
        return ObjectRef(store="artifact", sha256=parts[1])
    if parts[:2] == ["src", "local"] and len(parts) == 3 and _SHA256.match(parts[2]):
        return ObjectRef(store="local", sha256=parts[2])
    if parts[:2] == ["src", "gh"] and len(parts) >= 8 and all(map(_OWNER.match, parts[2:4])):
        return _remote(text, "gh", "/".join(parts[2:4]), parts[4:])
    if parts[0] == "src" and parts[1:2] in (["gl"], ["git"]) and len(parts) >= 7:
        store: Literal["gl", "git"] = "gl" if parts[1] == "gl" else "git"
        return _remote(text, store, _base64(text, parts[2]), parts[3:])
    raise _no_object(text)


def _remote(
    text: str, store: Literal["gh", "gl", "git"], remote: str, rest: list[str]
) -> ObjectRef:
    """The part after the remote: `ref/<ref>/path/<path…>`, each segment percent-encoded."""
    if rest[0] != "ref" or rest[2] != "path":
        raise _no_object(text)
    segments = [urllib.parse.unquote(segment) for segment in rest[3:]]
    bad = any(part in ("", ".", "..") or "\\" in part or "/" in part for part in segments)
    ref = urllib.parse.unquote(rest[1])
    if bad or not ref:
        raise _no_object(text)
    return ObjectRef(store=store, remote=remote, ref=ref, path="/".join(segments))


def _base64(text: str, segment: str) -> str:
    try:
        found = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
        decoded = found.decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _no_object(text) from None
    if not decoded or "=" in segment:
        raise _no_object(text)
    return decoded


def _no_object(text: str) -> UsageError:
    return UsageError(f"{text} is not an address of an object", "os://src/local/<sha256>")
