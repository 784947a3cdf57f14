"""Who is who: what the routes of accounts ask, and every request's credential.

It knows accounts, logins and keys by the database, signs access tokens, and decides whether a
credential is good now.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

import apsw
import msgspec

from opensession.core.hub import Tokens
from opensession.core.privacy import load_key
from opensession.server.access import KEY_SCOPES, Caller, Scope
from opensession.server.auth import tokens
from opensession.server.auth.passwords import Passwords
from opensession.server.config import Config
from opensession.server.storage import accounts
from opensession.server.storage.accounts import Account, Key
from opensession.server.storage.database import Database

SIGNING_FILE = "jwt.key"

T = TypeVar("T")

_SEEN_SECONDS = 1.0
_SEEN_MOST = 4096


class _Seen(NamedTuple):
    """What was found when `writes` were written, at a time of the monotonic clock."""

    writes: int
    at: float
    found: object


def now_us() -> int:
    """Microseconds UTC."""
    return time.time_ns() // 1000


class Vault:
    """Accounts, and the credentials that lead to them. `code` lets the first person in who is not
    at this machine; it is "" once there is an account.
    """

    def __init__(
        self, database: Database, secret: bytes, clock: Callable[[], int] = now_us
    ) -> None:
        self.database = database
        self.passwords = Passwords()
        self.code = ""
        self.now = clock
        self._secret = secret
        self._seen: dict[bytes | str, _Seen] = {}

    async def prepare(self) -> None:
        """Makes the code if nobody is here yet."""
        if await self.database.read(accounts.count) == 0:
            self.code = tokens.new_code()

    def is_code(self, given: str) -> bool:
        """Whether it is the code, in any case and with or without its dashes."""
        plain = given.upper().replace("-", "").replace(" ", "")
        right = self.code.replace("-", "")
        return bool(right) and hmac.compare_digest(plain.encode("utf-8", "replace"), right.encode())

    async def add(self, account: Account) -> bool:
        """Stores an account, as the first if there is a code; see `accounts.add`."""
        first = bool(self.code)
        added = await self.database.write(lambda db: accounts.add(db, account, first=first))
        if added:
            self.code = ""
        return added

    async def log_in(self, account: Account) -> Tokens:
        """A new login of an account whose password was right."""
        login, refresh, now = tokens.new_id(), tokens.new_refresh(), self.now()
        expires = now + tokens.REFRESH_SECONDS * 1_000_000
        hashed = tokens.digest(refresh)
        await self.database.write(
            lambda db: accounts.log_in(db, account.id, login, hashed, expires, now)
        )
        return self._tokens(account, login, refresh)

    async def refresh(self, token: str) -> Tokens | None:
        """New tokens for a refresh token; None if it is no good. One that was used before ends its
        whole login: somebody else has it too.
        """
        fresh, now = tokens.new_refresh(), self.now()
        expires = now + tokens.REFRESH_SECONDS * 1_000_000
        old, new = tokens.digest(token), tokens.digest(fresh)
        found = await self.database.write(lambda db: accounts.rotate(db, old, new, expires, now))
        if found is None or found.used or found.revoked or found.expires_us <= now:
            return None
        account = await self.database.read(lambda db: accounts.by_id(db, found.account))
        return None if account is None else self._tokens(account, found.login, fresh)

    async def bearer(self, credential: str, nobody: Caller) -> Caller:
        """Whose a key or an access token is; `refused` says why it is no good."""
        if credential.startswith(tokens.KEY_PREFIX):
            return await self._by_key(credential, nobody)
        return await self._by_token(credential, nobody)

    async def issue(
        self, account: str, label: str, scopes: tuple[Scope, ...], expires_us: int | None
    ) -> tuple[str, Key]:
        """A new key, and what is stored of it."""
        secret = tokens.new_key()
        key = Key(
            id=tokens.new_id(),
            account=account,
            prefix=secret[: tokens.SHOWN],
            label=label,
            scopes=" ".join(scopes),
            created_us=self.now(),
            expires_us=expires_us,
            replaced_us=None,
            revoked_us=None,
            used_us=None,
        )
        hashed = tokens.digest(secret)
        await self.database.write(lambda db: accounts.add_key(db, key, hashed))
        return secret, key

    async def _by_key(self, credential: str, nobody: Caller) -> Caller:
        hashed = tokens.digest(credential)
        found = await self._known(hashed, lambda db: accounts.by_key(db, hashed))
        if found is None:
            return msgspec.structs.replace(nobody, refused="this key is not known here")
        key, account = found
        now = self.now()
        why = ended(key, now)
        if why:
            return msgspec.structs.replace(nobody, refused=f"this key {why}")
        if key.used_us is None or now - key.used_us > accounts.USED_STEP_US:
            await self.database.write(lambda db: accounts.key_used(db, key.id, now))
        return msgspec.structs.replace(
            nobody,
            account=account.id,
            nickname=account.nickname,
            scopes=frozenset(scope for scope in KEY_SCOPES if scope in key.scopes.split()),
            key=key.id,
        )

    async def _by_token(self, credential: str, nobody: Caller) -> Caller:
        said = tokens.read_access(self._secret, credential)
        if isinstance(said, str):
            return msgspec.structs.replace(nobody, refused=said)
        login = said.login
        account = await self._known(login, lambda db: accounts.of_login(db, login))
        if account is None or account.id != said.account:
            return msgspec.structs.replace(nobody, refused="this login has ended")
        scopes: frozenset[Scope] = frozenset(KEY_SCOPES)
        return msgspec.structs.replace(
            nobody,
            account=account.id,
            nickname=account.nickname,
            scopes=scopes | {"admin"} if account.admin else scopes,
            login=login,
        )

    async def _known(self, of: bytes | str, ask: Callable[[apsw.Connection], T]) -> T:
        """What was read a moment ago, unless something of accounts was written since."""
        writes, now = self.database.writes, time.monotonic()
        seen = self._seen.get(of)
        if seen is not None and seen.writes == writes and now - seen.at < _SEEN_SECONDS:
            return cast("T", seen.found)
        found = await self.database.read(ask)
        if found is not None:
            if len(self._seen) >= _SEEN_MOST:
                self._seen.clear()
            self._seen[of] = _Seen(writes, now, found)
        return found

    def _tokens(self, account: Account, login: str, refresh: str) -> Tokens:
        access = tokens.Access(account.id, login)
        return Tokens(
            access_token=tokens.access_token(self._secret, access, self.now() // 1_000_000),
            refresh_token=refresh,
            expires_in=tokens.ACCESS_SECONDS,
            user_id=account.id,
            nickname=account.nickname,
        )


def ended(key: Key, now: int) -> str:
    """Why a key is no good any more; empty if it is."""
    if key.revoked_us is not None:
        return "was revoked"
    if key.expires_us is not None and key.expires_us <= now:
        return "has expired"
    if key.replaced_us is not None and key.replaced_us + tokens.GRACE_SECONDS * 1_000_000 <= now:
        return "was replaced"
    return ""


def signing_secret(config: Config) -> bytes:
    """What access tokens are signed with: `JWT_SECRET`, else a key made once (0600)."""
    if config.jwt_secret:
        return config.jwt_secret.encode()
    return load_key(Path(config.data_dir) / SIGNING_FILE)
