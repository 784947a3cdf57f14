"""Which agent wrote a file: by its name and folder, and by how it begins."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

import msgspec

from opensession.parsers.agent import Agent, Root

HEAD_BYTES = 64 << 10
"""So much of a file's beginning is enough to tell."""

LEVELS = 8
"""So many folders above a file are tried as the root that an agent would find it below."""

_BY_NAME = 0.6
_BY_ANY_NAME = 0.2


class Detected(msgspec.Struct, frozen=True):
    """An agent that may have written a file; `confidence` is above 0 and at most 1."""

    agent: str
    confidence: float
    reason: str


def detect(path: str, head: bytes, agents: Sequence[Agent]) -> list[Detected]:
    """The agents that may have written a file, the likeliest first, then by name.

    `head` are its first bytes (`HEAD_BYTES` are plenty). An agent that would take a file of any
    name in that folder is less likely by its name.
    """
    found = []
    for agent in agents:
        content = min(1.0, max(0.0, agent.recognises(path, head)))
        named = _by_name(agent, path)
        confidence = 1 - (1 - content) * (1 - named)
        if confidence > 0:
            reasons = ["how it begins"] * (content > 0) + ["its name and folder"] * (named > 0)
            found.append(Detected(agent.name, round(confidence, 3), " and ".join(reasons)))
    return sorted(found, key=lambda each: (-each.confidence, each.agent))


def begins_with_keys(head: bytes, *keys: str) -> bool:
    """Whether the first JSON object of a file has all these keys, as far as its head shows.

    For files whose first object may be longer than the head: the keys are looked for as text.
    """
    line = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0] or head
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return head.lstrip(b"\xef\xbb\xbf \t\r\n[").startswith(b"{") and all(
            f'"{key}"'.encode() in head for key in keys
        )
    if isinstance(value, list):
        value = value[0] if value else None
    return isinstance(value, dict) and all(key in value for key in keys)


def _by_name(agent: Agent, path: str) -> float:
    folder = posixpath.dirname(path)
    for _ in range(LEVELS):
        root = Root(agent.name, folder)
        if agent.source_of(root, path) is not None:
            other = f"{posixpath.dirname(path)}/any{posixpath.splitext(path)[1]}"
            takes_any = agent.source_of(root, other) is not None
            return _BY_ANY_NAME if takes_any else _BY_NAME
        if folder in ("/", ""):
            break
        folder = posixpath.dirname(folder)
    return 0.0
