"""Everybody who may come to a hub, each with what they come with."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from tests.helpers.hub import ADMIN_KEY, JWT_SECRET, PASSWORD, Account, Hub

COLUMNS = (
    "nobody",
    "owner",
    "other",
    "admin",
    "admin key",
    "read key",
    "publish key",
    "account key",
    "bad",
)
"""Callers as tables name them. The keys are the owner's, with that scope alone."""

BAD = ("expired key", "revoked key", "expired token", "ended login", "forged token", "no key")
"""Those whose credential is no good; the column `bad` is for all of them."""


class People:
    """The callers on one hub: `headers` says what somebody sends."""

    def __init__(self, hub: Hub, newcomer: Callable[[], Account]) -> None:
        self.hub = hub
        self.owner, self.other = newcomer(), newcomer()
        login = {"email": "admin@example.org", "password": PASSWORD}
        admin = hub.call("POST", "/api/auth/login", login).json
        bearers = {
            "owner": self.owner.access,
            "other": self.other.access,
            "admin": admin["access_token"],
            "read key": hub.key(self.owner, "read"),
            "publish key": hub.key(self.owner, "publish"),
            "account key": hub.key(self.owner, "account"),
            "expired key": expired_key(hub, self.owner),
            "revoked key": self._revoked_key(),
            "expired token": expired_token(self.owner),
            "ended login": self._ended_login(),
            "forged token": forged_token(self.owner),
            "no key": "osk_" + "0" * 32,
        }
        self.headers: dict[str, Mapping[str, str]] = {
            "nobody": {},
            "admin key": {"X-OpenSession-Admin-Key": ADMIN_KEY},
            **{name: {"Authorization": f"Bearer {word}"} for name, word in bearers.items()},
        }

    def _revoked_key(self) -> str:
        key = self.hub.key(self.owner, "read")
        done = self.hub.call("DELETE", "/api/auth/api-keys/current", bearer=key)
        assert done.status == 204
        return key

    def _ended_login(self) -> str:
        login = {"email": self.owner.email, "password": PASSWORD}
        got = self.hub.call("POST", "/api/auth/login", login).json
        sent = {"refresh_token": got["refresh_token"]}
        assert self.hub.call("POST", "/api/auth/logout", sent).status == 204
        return str(got["access_token"])


def change(hub: Hub, sql: str, *values: object) -> None:
    """Change a hub's database from outside, as time would."""
    with contextlib.closing(sqlite3.connect(hub.database, timeout=60)) as db, db:
        db.execute(sql, values)


def expired_key(hub: Hub, account: Account) -> str:
    """A key with every scope whose time is over."""
    key = hub.key(account, "read", "publish", "account", expires_in_days=1)
    change(hub, "UPDATE api_key SET expires_us = 1 WHERE prefix = ?", key[:12])
    return key


def expired_token(account: Account) -> str:
    """An access token of a login that is still good, an hour and a second old."""
    now = int(time.time())
    return signed(account, JWT_SECRET, iat=now - 3601, exp=now - 1)


def forged_token(account: Account) -> str:
    """An access token that somebody else signed."""
    return signed(account, "a secret that the hub does not know at all")


def signed(account: Account, secret: str, **claims: Any) -> str:
    """What an access token says, changed and signed."""
    said = jwt.decode(account.access, options={"verify_signature": False})
    return jwt.encode({**said, **claims}, secret, algorithm="HS256")
