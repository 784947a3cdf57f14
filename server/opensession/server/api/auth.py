"""Accounts and logins."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from opensession.core.hub import Identity, Tokens
from opensession.core.timeparse import format_time
from opensession.server.access import Caller
from opensession.server.api.errors import ApiError
from opensession.server.api.route import Route
from opensession.server.auth import passwords, tokens
from opensession.server.auth.vault import Vault
from opensession.server.state import Hub
from opensession.server.storage import accounts
from opensession.server.storage.accounts import Account

Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Nickname = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Password = Annotated[str, msgspec.Meta(min_length=passwords.SHORTEST, max_length=passwords.LONGEST)]
Given = Annotated[str, msgspec.Meta(max_length=1024)]
"""A secret that somebody gives back to us."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A new account. `code` is what a hub without accounts prints when it starts."""

    email: Email
    password: Password
    nickname: Nickname
    code: Given = ""


class QuickRegistration(msgspec.Struct, frozen=True, kw_only=True):
    """An account that has a key and no password."""

    nickname: Nickname


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """The key is shown this once."""

    user_id: str
    nickname: str
    api_key: str


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Who, and the password."""

    email: Annotated[str, msgspec.Meta(max_length=254)]
    password: Given


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token of a login."""

    refresh_token: Given


class PasswordChange(msgspec.Struct, frozen=True, kw_only=True):
    """Both passwords: a stolen token is not enough to change it."""

    current_password: Given
    new_password: Password


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The account of the caller."""

    user_id: str
    nickname: str
    email: str | None
    role: str
    created_at: str
    avatar_url: str | None = None
    oauth_providers: list[str] = []


async def register(hub: Hub, caller: Caller, _request: web.Request, body: Registration) -> Tokens:
    """Makes an account and logs in."""
    vault = hub.vault
    first = bool(vault.code)
    check_registration(hub, caller, body.code)
    account = Account(
        id=tokens.new_id(),
        email=body.email.strip().lower(),
        nickname=checked_nickname(body.nickname),
        password=await vault.passwords.hashed(body.password),
        admin=first,
        created_us=vault.now(),
    )
    await _add(vault, account)
    return await vault.log_in(account)


async def register_quick(
    hub: Hub, caller: Caller, _request: web.Request, body: QuickRegistration
) -> Registered:
    """Makes an account that only a key leads to."""
    vault = hub.vault
    if vault.code:
        raise ApiError(
            "forbidden",
            "the first account has a password: it is the admin's",
            "POST /api/auth/register",
        )
    check_registration(hub, caller, "")
    account = Account(
        id=tokens.new_id(),
        email=None,
        nickname=checked_nickname(body.nickname),
        password=None,
        admin=False,
        created_us=vault.now(),
    )
    await _add(vault, account)
    key, _ = await vault.issue(account.id, "registration", ("read", "publish", "account"), None)
    return Registered(user_id=account.id, nickname=account.nickname, api_key=key)


async def login(hub: Hub, _caller: Caller, _request: web.Request, body: Login) -> Tokens:
    """Checks a password and logs in."""
    vault, email = hub.vault, body.email.strip().lower()
    hub.limits.check("password", email)
    account = await vault.database.read(lambda db: accounts.by_email(db, email))
    stored = account.password if account else None
    if not await vault.passwords.right(stored, body.password) or account is None or stored is None:
        hub.limits.count("password", email)
        raise ApiError("unauthorized", "the address or the password is wrong")
    if vault.passwords.outdated(stored):
        newer = await vault.passwords.hashed(body.password)
        await vault.database.write(lambda db: accounts.rehash(db, account.id, stored, newer))
    return await vault.log_in(account)


async def refresh(hub: Hub, _caller: Caller, _request: web.Request, body: RefreshToken) -> Tokens:
    """New tokens for a refresh token."""
    found = await hub.vault.refresh(body.refresh_token)
    if found is None:
        raise ApiError("unauthorized", "this refresh token is no good (any more)", "log in again")
    return found


async def logout(hub: Hub, _caller: Caller, _request: web.Request, body: RefreshToken) -> None:
    """Ends a login."""
    hashed, now = tokens.digest(body.refresh_token), hub.vault.now()
    await hub.vault.database.write(lambda db: accounts.end_login_of(db, hashed, now))


async def verify(_hub: Hub, caller: Caller, _request: web.Request) -> Identity:
    """Whose the credential is."""
    return Identity(user_id=caller.account, nickname=caller.nickname, scopes=sorted(caller.scopes))


async def me(hub: Hub, caller: Caller, _request: web.Request) -> Me:
    """The caller's account."""
    account = await _own(hub, caller)
    return Me(
        user_id=account.id,
        nickname=account.nickname,
        email=account.email,
        role="admin" if account.admin else "member",
        created_at=format_time(account.created_us),
    )


async def change_password(
    hub: Hub, caller: Caller, _request: web.Request, body: PasswordChange
) -> None:
    """Changes the password, and ends every other login."""
    vault = hub.vault
    hub.limits.check("password", caller.account)
    account = await _own(hub, caller)
    if not await vault.passwords.right(account.password, body.current_password):
        hub.limits.count("password", caller.account)
        raise ApiError("invalid", "the current password is wrong")
    hashed, now = await vault.passwords.hashed(body.new_password), vault.now()
    await vault.database.write(
        lambda db: accounts.set_password(db, account.id, hashed, caller.login, now)
    )


def check_registration(hub: Hub, caller: Caller, code: str) -> None:
    """Whether somebody may make an account here now. The first one is who sits at this machine, or
    knows the code; after that it is as configured, and an admin may invite by making the account.
    """
    if hub.vault.code:
        if code:
            if hub.vault.is_code(code):
                return
            raise ApiError("forbidden", "that is not the code", "it is in the hub's output")
        if caller.loopback or "admin" in caller.scopes:
            return
        raise ApiError(
            "forbidden",
            "the first account is made on the hub's own machine, or with its one-time code",
            'give "code": the hub prints it when it starts',
        )
    mode = hub.config.registration
    if mode == "open" or (mode == "invite" and "admin" in caller.scopes):
        return
    if mode == "invite" and caller.refused:
        raise ApiError("unauthorized", caller.refused)
    raise ApiError(
        "forbidden",
        "nobody can register here" if mode == "closed" else "an admin of this hub makes accounts",
        "OPENSESSION_REGISTRATION",
    )


def checked_nickname(text: str) -> str:
    """A name that can be shown in a line."""
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise ApiError("invalid", "a nickname is text of one line")
    return name


async def _add(vault: Vault, account: Account) -> None:
    if not await vault.add(account):
        raise ApiError("conflict", "there is an account with this address")


async def _own(hub: Hub, caller: Caller) -> Account:
    account = await hub.vault.database.read(lambda db: accounts.by_id(db, caller.account))
    if account is None:
        raise ApiError("unauthorized", "this account is gone")
    return account


ROUTES = (
    Route(
        method="POST",
        path="/api/auth/register",
        handler=register,
        action="account.enter",
        request=Registration,
        response=Tokens,
        status=201,
        also=(401, 403, 409),
        rate="enter",
        doc="Make an account. The first is the admin's: it is made on the hub's own machine, or"
        " with the code that the hub prints. After that it depends on `registration` (see"
        " `/api/capabilities`); where that is `invite`, an admin makes accounts for others.",
    ),
    Route(
        method="POST",
        path="/api/register",
        handler=register_quick,
        action="account.enter",
        request=QuickRegistration,
        response=Registered,
        status=201,
        also=(401, 403, 409),
        rate="enter",
        doc="Make an account with a key and no password. The same rules as for"
        " `/api/auth/register`, but it cannot be the first.",
    ),
    Route(
        method="POST",
        path="/api/auth/login",
        handler=login,
        action="account.enter",
        request=Login,
        response=Tokens,
        also=(401,),
        rate="enter",
        doc="Log in with a password. The access token is good for an hour, the refresh token once,"
        " for 7 days.",
    ),
    Route(
        method="POST",
        path="/api/auth/refresh",
        handler=refresh,
        action="account.enter",
        request=RefreshToken,
        response=Tokens,
        also=(401,),
        rate="enter",
        doc="New tokens for a refresh token, which is used up. A second use of one ends the login"
        " with all its tokens.",
    ),
    Route(
        method="POST",
        path="/api/auth/logout",
        handler=logout,
        action="account.enter",
        request=RefreshToken,
        status=204,
        rate="enter",
        doc="End the login of a refresh token. Its access tokens end too.",
    ),
    Route(
        method="POST",
        path="/api/auth/verify",
        handler=verify,
        action="account.look",
        response=Identity,
        doc="Whose a key or an access token is, and what it may do.",
    ),
    Route(
        method="GET",
        path="/api/auth/me",
        handler=me,
        action="account.look",
        response=Me,
        doc="The caller's account.",
    ),
    Route(
        method="PUT",
        path="/api/auth/password",
        handler=change_password,
        action="account.change",
        request=PasswordChange,
        status=204,
        rate="enter",
        doc="Change the password. Every other login ends; keys stay good.",
    ),
)
