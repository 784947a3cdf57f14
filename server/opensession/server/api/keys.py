"""API keys: what programs come with."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from aiohttp import web

from opensession.core.timeparse import format_time
from opensession.server.access import KEY_SCOPES, Caller, Scope
from opensession.server.api.errors import ApiError
from opensession.server.api.route import Answer, Route
from opensession.server.auth.tokens import GRACE_SECONDS
from opensession.server.auth.vault import ended
from opensession.server.state import Hub
from opensession.server.storage import accounts
from opensession.server.storage.accounts import Key

CURRENT = "current"
"""In place of a key's id: the key that the request comes with."""

KeyScope = Literal["read", "publish", "account"]


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A key to be made. With `replaces`, the id of another, that one is good for 7 more days.
    Without `expires_in_days` it is good until it is revoked.
    """

    label: Annotated[str, msgspec.Meta(max_length=128)] = ""
    scopes: Annotated[tuple[KeyScope, ...], msgspec.Meta(min_length=1, max_length=3)] = (
        "read",
        "publish",
    )
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    replaces: Annotated[str, msgspec.Meta(max_length=64)] = ""


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key. `api_key` is shown this once."""

    api_key: str
    id: str
    prefix: str
    scopes: list[str]
    expires_at: str | None


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A key as lists show it. `state`: `active`, `grace` (good until `grace_until`), `expired` or
    `revoked`. `last_used_at` is exact to ten minutes.
    """

    id: str
    prefix: str
    label: str
    scopes: list[str]
    state: str
    created_at: str
    expires_at: str | None
    grace_until: str | None
    last_used_at: str | None


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of an account, newest first."""

    keys: list[KeyInfo]


async def issue_key(hub: Hub, caller: Caller, _request: web.Request, body: KeyRequest) -> IssuedKey:
    """Makes a key."""
    vault, now = hub.vault, hub.vault.now()
    _narrower(caller, body.scopes)
    if body.replaces and not await vault.database.write(
        lambda db: accounts.replace_keys(db, caller.account, body.replaces, now)
    ):
        raise ApiError("not_found", "there is no such key to be replaced")
    days = body.expires_in_days
    expires = None if days is None else now + days * 86_400_000_000
    secret, key = await vault.issue(caller.account, body.label, _once(body.scopes), expires)
    return _issued(secret, key)


async def regenerate_key(hub: Hub, caller: Caller, _request: web.Request) -> IssuedKey:
    """A new key in place of all others."""
    vault, now = hub.vault, hub.vault.now()
    _narrower(caller, KEY_SCOPES)
    await vault.database.write(lambda db: accounts.replace_keys(db, caller.account, "", now))
    secret, key = await vault.issue(caller.account, "", KEY_SCOPES, None)
    return _issued(secret, key)


async def list_keys(hub: Hub, caller: Caller, _request: web.Request) -> KeyList:
    """The caller's keys."""
    found = await hub.vault.database.read(lambda db: accounts.keys(db, caller.account))
    now = hub.vault.now()
    return KeyList(keys=[_info(key, now) for key in found])


async def revoke_key(hub: Hub, caller: Caller, request: web.Request) -> Answer:
    """Ends a key at once."""
    named = request.match_info["id"]
    key = caller.key if named == CURRENT else named
    if key != caller.key and "account" not in caller.scopes:
        raise ApiError("forbidden", "this needs the scope account, or to be the key's own request")
    now = hub.vault.now()
    if not key or not await hub.vault.database.write(
        lambda db: accounts.revoke_key(db, caller.account, key, now)
    ):
        raise ApiError("not_found", "there is no such key")
    return Answer(None, 204)


def _narrower(caller: Caller, scopes: tuple[Scope, ...]) -> None:
    """A key makes no key that can do more than itself."""
    more = [scope for scope in scopes if scope not in caller.scopes]
    if more:
        raise ApiError("forbidden", f"this credential has no scope {more[0]} to pass on")


def _once(scopes: tuple[KeyScope, ...]) -> tuple[Scope, ...]:
    return tuple(dict.fromkeys(scopes))


def _issued(secret: str, key: Key) -> IssuedKey:
    return IssuedKey(
        api_key=secret,
        id=key.id,
        prefix=key.prefix,
        scopes=key.scopes.split(),
        expires_at=_time(key.expires_us),
    )


def _info(key: Key, now: int) -> KeyInfo:
    why = ended(key, now)
    state = "active" if key.replaced_us is None else "grace"
    if why:
        state = "revoked" if key.revoked_us is not None else "expired"
    return KeyInfo(
        id=key.id,
        prefix=key.prefix,
        label=key.label,
        scopes=key.scopes.split(),
        state=state,
        created_at=format_time(key.created_us),
        expires_at=_time(key.expires_us),
        grace_until=_time(
            None if key.replaced_us is None else key.replaced_us + GRACE_SECONDS * 1_000_000
        ),
        last_used_at=_time(key.used_us),
    )


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else format_time(time_us)


ROUTES = (
    Route(
        method="POST",
        path="/api/auth/api-keys/issue",
        handler=issue_key,
        action="keys.change",
        request=KeyRequest,
        response=IssuedKey,
        status=201,
        also=(404,),
        rate="keys",
        doc="Make a key. It is shown this once. A key makes no key that can do more than itself.",
    ),
    Route(
        method="GET",
        path="/api/auth/api-keys",
        handler=list_keys,
        action="keys.look",
        response=KeyList,
        doc="The caller's keys, without the keys.",
    ),
    Route(
        method="DELETE",
        path="/api/auth/api-keys/{id}",
        handler=revoke_key,
        action="keys.end",
        status=204,
        also=(404,),
        doc="End a key at once. `current` is the key that the request comes with, which needs no"
        " scope.",
    ),
    Route(
        method="POST",
        path="/api/auth/regenerate-key",
        handler=regenerate_key,
        action="keys.change",
        response=IssuedKey,
        rate="keys",
        doc="A new key with every scope; all other keys of the account are good for 7 more days.",
    ),
)
