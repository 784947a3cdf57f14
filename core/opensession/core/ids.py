"""Identity: session ids that fit, their keys and shorts (DECISIONS §2)."""

from __future__ import annotations

import hashlib
import re

_FITTING = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


def fit(agent: str, native_id: str) -> str:
    """The id to use for an agent's own id: itself where it fits, else `<agent>-<20 hex>`."""
    if _FITTING.match(native_id):
        return native_id
    return f"{agent}-{hashlib.sha256(native_id.encode(errors='replace')).hexdigest()[:20]}"


def fits(session_id: str) -> bool:
    """Reports whether a string can be a session id."""
    return _FITTING.match(session_id) is not None


def session_key(origin: str, agent: str, session_id: str) -> str:
    """The key of a session; `origin` is `local` or a hub account."""
    return f"{origin}/{agent}/{session_id}"


def short(key: str) -> str:
    """The 8 hex characters that people type for a session."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def content_id(event_type: str, time: str, content: bytes) -> str:
    """An event id for records without one: 16 hex of (type, time, content)."""
    digest = hashlib.sha256()
    digest.update(event_type.encode())
    digest.update(b"\0")
    digest.update(time.encode())
    digest.update(b"\0")
    digest.update(content)
    return digest.hexdigest()[:16]
