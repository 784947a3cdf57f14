"""What daemon and hub say to each other over HTTP (DECISIONS §9 and §10).

A session is sent with `PUT /api/sessions/{id}/events`: one line with its header, then events as
canonical HAIL lines, stripped of all that must not leave. The query is `Position`'s fields. The
hub keeps the received bytes as they are, and the chain after every event:

    chain(0) = sha256(hub session key || generation)     chain(n) = sha256(chain(n-1) || line n)

(generation, rewind) only ever grows. Within one such pair nothing that was sent changes: events
that the hub has already are dropped as repeats, and a gap is refused with what the hub has. A
higher rewind replaces events from `from_seq` on, a higher generation everything. What comes with a
lower pair was overtaken on its way and changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from opensession.core.hail_lines import chain, chain_start

MAX_BATCH_EVENTS = 2_000
MAX_BATCH_BYTES = 4 << 20
"""A batch of events is cut at the first of both; one larger event goes alone."""

MAX_LINE_BYTES = 64 << 20
"""The hub refuses a line that is longer than this, decoded."""

DEVICE_HEADER = "X-OpenSession-Device"

_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,63}\Z")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where the events of a request belong: `from_seq` is the seq of the first, `chain` the chain
    before it (hex). `device` and `agent` are part of the session's key.
    """

    generation: int
    rewind: int
    from_seq: int = msgspec.field(name="from")
    chain: str
    device: str
    agent: str


class Have(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub has of a session; all 0 and empty where it has nothing of it.

    `gone` says that it was taken back, or expired: only a higher generation brings it again.
    """

    generation: int = 0
    rewind: int = 0
    seq: int = 0
    chain: str = ""
    gone: bool = False


class DoorFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Secrets of a kind that the hub found in an event it was sent; never the value."""

    seq: int
    kind: str
    confidence: str
    count: int = 1


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub has on disk after a request; `findings` are of this request's events."""

    id: str
    url: str
    generation: int
    rewind: int
    seq: int
    chain: str
    session_score: int = 0
    score_plugin: str = ""
    findings: list[DoorFinding] = []
    expires_at: str | None = None


class HubError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every answer of the hub that is not a success. `have` comes with `conflict` and `gone` of a
    session; `retry_after` (seconds) with `rate_limited` and `unavailable`.
    """

    code: str
    message: str
    hint: str = ""
    have: Have | None = None
    retry_after: int | None = None


class HubHealth(msgspec.Struct, frozen=True, kw_only=True):
    """GET /api/health."""

    status: str
    version: str


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """GET /api/capabilities: what a hub offers. `register_targets` and `share_modes` are names."""

    auth_enabled: bool
    upload_enabled: bool
    parse_preview_enabled: bool
    register_targets: list[str]
    share_modes: list[str]
    protocol: int = 1
    registration: str = "open"
    public_feed: bool = False
    encodings: list[str] = []
    max_body_bytes: int = 0
    score_plugins: list[str] = []


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a login, a registration and a refresh; `expires_in` is seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    user_id: str
    nickname: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """POST /api/auth/verify: whose key or token it is."""

    user_id: str
    nickname: str
    scopes: list[str] = []


class SessionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A session in the hub's lists. `owner` is an account's id, `tool` the agent; times are RFC
    3339 in UTC; tokens are uncached.
    """

    id: str
    owner: str
    nickname: str
    device: str
    tool: str
    role: str
    url: str
    title: str = ""
    description: str = ""
    agent_provider: str = ""
    agent_model: str = ""
    tags: list[str] = []
    created_at: str
    updated_at: str
    uploaded_at: str
    expires_at: str | None = None
    parent_session_id: str = ""
    event_count: int = 0
    message_count: int = 0
    user_message_count: int = 0
    tool_call_count: int = 0
    task_count: int = 0
    duration_seconds: int = 0
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    has_errors: bool = False
    git_remote: str = ""
    git_branch: str = ""
    git_commit: str = ""
    git_repo_name: str = ""
    working_directory: str = ""
    body_url: str | None = None
    session_score: int = 0
    score_plugin: str = ""
    generation: int = 1
    bytes: int = 0


def is_device(name: str) -> bool:
    """Reports whether a string can be a device's id."""
    return _DEVICE.match(name) is not None


def hub_session_key(owner: str, device: str, agent: str, session_id: str) -> str:
    """What a session is on a hub, and what its chain begins with."""
    return f"{owner}/{device}/{agent}/{session_id}"


def chain_of(start: bytes, lines: Iterable[bytes]) -> bytes:
    """The chain after lines, each without its line feed."""
    now = start
    for line in lines:
        now = chain(now, line)
    return now


__all__ = [
    "DEVICE_HEADER",
    "MAX_BATCH_BYTES",
    "MAX_BATCH_EVENTS",
    "MAX_LINE_BYTES",
    "Capabilities",
    "DoorFinding",
    "Have",
    "HubError",
    "HubHealth",
    "Identity",
    "Position",
    "Receipt",
    "SessionSummary",
    "Tokens",
    "chain_of",
    "chain_start",
    "hub_session_key",
    "is_device",
]
