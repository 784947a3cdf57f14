"""Accounts, logins and keys in the hub's database: each function is one transaction's work.

Secrets come here as hashes only. Times are microseconds UTC.
"""

from __future__ import annotations

import apsw
import msgspec

USED_STEP_US = 600_000_000
"""`used_us` of a key is written at most once in so long: it is for people to look at."""

_KEY = (
    "id, account, prefix, label, scopes, created_us, expires_us, replaced_us, revoked_us, used_us"
)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody. Without `email` and `password` only keys lead to it."""

    id: str
    email: str | None
    nickname: str
    password: str | None
    admin: bool
    created_us: int

    def __repr__(self) -> str:
        return f"Account({self.id})"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without the key. It ends at `expires_us`, `revoked_us`, or when the grace after
    `replaced_us` is over.
    """

    id: str
    account: str
    prefix: str
    label: str
    scopes: str
    created_us: int
    expires_us: int | None
    replaced_us: int | None
    revoked_us: int | None
    used_us: int | None


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token as it was before it was asked for."""

    login: str
    account: str
    expires_us: int
    used: bool
    revoked: bool


def count(db: apsw.Connection) -> int:
    """How many accounts there are."""
    return int(str(db.execute("SELECT count(*) FROM account").get))


def add(db: apsw.Connection, account: Account, *, first: bool) -> bool:
    """Stores a new account. False where its address is taken, or where it was to be the `first`
    and is not (two may register at once).
    """
    if first and count(db):
        return False
    taken = account.email and by_email(db, account.email)
    if taken:
        return False
    db.execute(
        "INSERT INTO account (id, email, nickname, password, admin, created_us)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            account.id,
            account.email,
            account.nickname,
            account.password,
            int(account.admin),
            account.created_us,
        ),
    )
    return True


def by_email(db: apsw.Connection, email: str) -> Account | None:
    """The account with this address, which is in lower case."""
    return _account(db, "email = ?", email)


def by_id(db: apsw.Connection, account: str) -> Account | None:
    """The account with this id."""
    return _account(db, "id = ?", account)


def set_password(db: apsw.Connection, account: str, password: str, keep: str, now: int) -> None:
    """Changes the password's hash, and ends every login but `keep`."""
    db.execute("UPDATE account SET password = ? WHERE id = ?", (password, account))
    db.execute(
        "UPDATE login SET revoked_us = ? WHERE account = ? AND id <> ? AND revoked_us IS NULL",
        (now, account, keep),
    )


def rehash(db: apsw.Connection, account: str, old: str, new: str) -> None:
    """Stores the same password with newer parameters, unless it was changed meanwhile."""
    db.execute("UPDATE account SET password = ? WHERE id = ? AND password = ?", (new, account, old))


def log_in(
    db: apsw.Connection, account: str, login: str, token: bytes, expires: int, now: int
) -> None:
    """A new login with its first refresh token; logins of which no token is good any more go."""
    db.execute(
        "DELETE FROM login WHERE account = ?"
        " AND NOT EXISTS (SELECT 1 FROM refresh_token WHERE login = login.id AND expires_us > ?)",
        (account, now),
    )
    db.execute("INSERT INTO login VALUES (?, ?, ?, NULL)", (login, account, now))
    db.execute("INSERT INTO refresh_token VALUES (?, ?, ?, NULL)", (token, login, expires))


def of_login(db: apsw.Connection, login: str) -> Account | None:
    """The account of a login that was not ended."""
    return _account(
        db, "id = (SELECT account FROM login WHERE login.id = ? AND revoked_us IS NULL)", login
    )


def rotate(db: apsw.Connection, old: bytes, new: bytes, expires: int, now: int) -> Refresh | None:
    """Uses up a refresh token and puts `new` in its place. None where it was never ours.

    The answer says how the old one was: if it was used, its login is ended now with all its tokens,
    for two have it, and one of them should not. Only of a good one is there a new one.
    """
    row = db.execute(
        "SELECT login, account, expires_us, used_us, revoked_us FROM refresh_token"
        " JOIN login ON login.id = login WHERE hash = ?",
        (old,),
    ).fetchone()
    if row is None:
        return None
    login, account, expired, used_us, revoked_us = row
    found = Refresh(
        login=login,
        account=account,
        expires_us=expired,
        used=used_us is not None,
        revoked=revoked_us is not None,
    )
    if found.used:
        end_login(db, found.login, now)
    elif not found.revoked and found.expires_us > now:
        db.execute("UPDATE refresh_token SET used_us = ? WHERE hash = ?", (now, old))
        db.execute("INSERT INTO refresh_token VALUES (?, ?, ?, NULL)", (new, found.login, expires))
    return found


def end_login(db: apsw.Connection, login: str, now: int) -> None:
    """Ends a login and all its tokens."""
    db.execute("UPDATE login SET revoked_us = ? WHERE id = ? AND revoked_us IS NULL", (now, login))


def end_login_of(db: apsw.Connection, token: bytes, now: int) -> None:
    """Ends the login of a refresh token, whatever state that is in."""
    db.execute(
        "UPDATE login SET revoked_us = ? WHERE revoked_us IS NULL"
        " AND id = (SELECT login FROM refresh_token WHERE hash = ?)",
        (now, token),
    )


def add_key(db: apsw.Connection, key: Key, hashed: bytes) -> None:
    """Stores a new key."""
    db.execute(
        f"INSERT INTO api_key (hash, {_KEY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (hashed, *msgspec.structs.astuple(key)),
    )


def replace_keys(db: apsw.Connection, account: str, only: str, now: int) -> bool:
    """Begins the grace of a key (`only`), or of all that are good; False if there was none."""
    db.execute(
        "UPDATE api_key SET replaced_us = ? WHERE account = ? AND (? = '' OR id = ?)"
        " AND replaced_us IS NULL AND revoked_us IS NULL",
        (now, account, only, only),
    )
    return db.changes() > 0


def revoke_key(db: apsw.Connection, account: str, key: str, now: int) -> bool:
    """Ends a key of an account; False if it has none of that id. Ending it twice is no error."""
    found = db.execute("SELECT 1 FROM api_key WHERE id = ? AND account = ?", (key, account)).get
    if found is None:
        return False
    db.execute("UPDATE api_key SET revoked_us = ? WHERE id = ? AND revoked_us IS NULL", (now, key))
    return True


def keys(db: apsw.Connection, account: str) -> list[Key]:
    """The keys of an account, newest first; also those that ended."""
    rows = db.execute(
        f"SELECT {_KEY} FROM api_key WHERE account = ? ORDER BY created_us DESC, id",  # noqa: S608
        (account,),
    )
    return [_key(row) for row in rows]


def by_key(db: apsw.Connection, hashed: bytes) -> tuple[Key, Account] | None:
    """The key with this hash and whose it is; whether it is still good is the caller's question."""
    row = db.execute(f"SELECT {_KEY} FROM api_key WHERE hash = ?", (hashed,)).fetchone()  # noqa: S608
    if row is None:
        return None
    key = _key(row)
    account = by_id(db, key.account)
    return None if account is None else (key, account)


def key_used(db: apsw.Connection, key: str, now: int) -> None:
    """Notes that a key was used."""
    db.execute("UPDATE api_key SET used_us = ? WHERE id = ?", (now, key))


def _key(row: tuple[object, ...]) -> Key:
    return msgspec.convert(dict(zip(Key.__struct_fields__, row, strict=True)), Key)


def _account(db: apsw.Connection, where: str, value: str) -> Account | None:
    row = db.execute(
        f"SELECT id, email, nickname, password, admin, created_us FROM account WHERE {where}",  # noqa: S608 - of this module
        (value,),
    ).fetchone()
    if row is None:
        return None
    account, email, nickname, password, admin, created_us = row
    return Account(
        id=account,
        email=email,
        nickname=nickname,
        password=password,
        admin=bool(admin),
        created_us=created_us,
    )
