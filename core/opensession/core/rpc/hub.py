"""hub.*: the hub that this machine publishes to, and uploads that a person asks for."""

from __future__ import annotations

from typing import Literal

import msgspec

from opensession.core.rpc.envelope import Params

KeyPlace = Literal["none", "config", "environment", "keyring"]


class HubStatusParams(Params, frozen=True):
    """With `verify` the hub is asked whose the key is."""

    verify: bool = False


class HubStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`network` is `none` without a server. `reachable` and `error` are of the last contact (or of
    this call's, with `verify`); the rest is empty or None where it is not known.
    """

    server: str
    network: str
    key: KeyPlace
    reachable: bool | None = None
    error: str = ""
    hint: str = ""
    version: str = ""
    user_id: str = ""
    nickname: str = ""
    scopes: list[str] = []
    device: str = ""
    last_ok_at: str = ""
    pending: int = 0
    sent_sessions: int = 0
    refused: int = 0


class HubLoginParams(Params, frozen=True):
    """The client wrote server and key; `key` is given where it lies in the keyring, which a daemon
    may not reach. It stays in memory. `logout` forgets it.
    """

    key: str = ""
    logout: bool = False


class HubUploadParams(Params, frozen=True):
    """Sessions by reference, or `path` of a session's file, or `all` of them. Without `really` only
    the plan is made. `parents` are ids that the upload follows. `expires_seconds`: the hub deletes
    the publication so long after; 0 is never.
    """

    refs: list[str] = []
    path: str = ""
    all: bool = False
    scope: str = ""
    parents: list[str] = []
    team_id: str = ""
    expires_seconds: float = 0
    really: bool = False


class UploadRow(msgspec.Struct, frozen=True, kw_only=True):
    """One session of an upload. `state`: `new`, `grown` or `there` (nothing to send), or why it is
    kept here: `blocked`, `never`, `denied`. After sending: `sent` or `failed`, with `reason`.
    """

    id: str
    short: str
    tool: str
    title: str
    state: str
    events: int
    bytes: int
    url: str = ""
    reason: str = ""


class HubUploadResult(msgspec.Struct, frozen=True, kw_only=True):
    """The plan: `events` and `bytes` (uncompressed) are of what would be sent. With `really`, `job`
    is the job that sends (`jobs.progress`, at its end `{"sessions": [UploadRow…]}`).
    """

    server: str
    sessions: list[UploadRow]
    events: int
    bytes: int
    children: int = 0
    job: str = ""
