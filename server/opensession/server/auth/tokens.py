"""Tokens and keys: what they look like, and how they are made and read.

    access    JWT (HS256), an hour, names account and login; good while the login is
    refresh   32 random bytes in hex, 7 days, good once
    key       osk_ and 32 hex digits; good until it expires or is revoked

Of refresh tokens and keys only the SHA-256 is stored: they are random, so a slow hash adds nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

import jwt

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 7 * 86_400
GRACE_SECONDS = 7 * 86_400
"""How long a key is good after it was replaced."""

KEY_PREFIX = "osk_"
SHOWN = 12
"""Characters of a key that lists show."""

CODE_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


class Access(NamedTuple):
    """What an access token says."""

    account: str
    login: str


def access_token(secret: bytes, access: Access, now: int) -> str:
    """A signed token; `now` is in seconds."""
    claims = {"sub": access.account, "sid": access.login, "iat": now, "exp": now + ACCESS_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")


def read_access(secret: bytes, token: str) -> Access | str:
    """What a token says, or why it is no good. Whether the login still is, it cannot know."""
    try:
        claims = jwt.decode(
            token, secret, algorithms=["HS256"], options={"require": ["sub", "sid", "iat", "exp"]}
        )
    except jwt.ExpiredSignatureError:
        return "this login has expired"
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return "this is no token of this hub"
    return Access(str(claims["sub"]), str(claims["sid"]))


def new_id() -> str:
    """An id of an account, a login or a key."""
    return secrets.token_hex(8)


def new_refresh() -> str:
    """A refresh token."""
    return secrets.token_hex(32)


def new_key() -> str:
    """An API key."""
    return KEY_PREFIX + secrets.token_hex(16)


def new_code() -> str:
    """A code that a person types once: 60 bits, without letters that look alike."""
    text = "".join(secrets.choice(CODE_ALPHABET) for _ in range(12))
    return "-".join(text[i : i + 4] for i in (0, 4, 8))


def digest(token: str) -> bytes:
    """What is stored of a refresh token or a key."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
