"""Who may do what: one table of action × relation, with the scope that a credential needs.

A relation is between the caller and what is acted on: `nobody` (no account), `owner`, `other`
(another account), and beside these `admin`. A cell says `yes`, `no`, or `public`: yes where the hub
shows its sessions to everyone (`public_feed_enabled`). Where nothing is acted on yet (a list, an
upload) a caller with an account counts as `owner`, since it acts on what is its own.

Who has no credential, or one that is expired or revoked: 401. A credential without the scope: 403.
What the caller may not see does not exist for it: 404.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import msgspec

Action = Literal[
    "hub.look",
    "account.enter",
    "account.look",
    "account.change",
    "keys.look",
    "keys.change",
    "keys.end",
    "sessions.list",
    "session.read",
    "session.publish",
    "session.delete",
    "session.delete_any",
    "feed.follow",
]
Relation = Literal["nobody", "owner", "other", "admin"]
Scope = Literal["read", "publish", "account", "admin"]
Cell = Literal["yes", "no", "public"]

KEY_SCOPES: tuple[Scope, ...] = ("read", "publish", "account")
"""What a key can be made with; a login has all, and `admin` for an admin."""

Y: Cell = "yes"
N: Cell = "no"
P: Cell = "public"


class Rule(NamedTuple):
    """A row. `scope` None: any credential that is valid, whatever its scopes."""

    scope: Scope | None
    nobody: Cell
    owner: Cell
    other: Cell
    admin: Cell


TABLE: dict[Action, Rule] = {
    #                     scope      nobody owner other admin
    "hub.look": Rule(None, Y, Y, Y, Y),
    "account.enter": Rule(None, Y, Y, Y, Y),
    "account.look": Rule(None, N, Y, N, N),
    "account.change": Rule("account", N, Y, N, N),
    "keys.look": Rule("account", N, Y, N, N),
    "keys.change": Rule("account", N, Y, N, N),
    "keys.end": Rule(None, N, Y, N, N),
    "sessions.list": Rule("read", P, Y, P, N),
    "session.read": Rule("read", P, Y, P, N),
    "session.publish": Rule("publish", N, Y, N, N),
    "session.delete": Rule("publish", N, Y, N, N),
    "session.delete_any": Rule("admin", N, N, N, Y),
    "feed.follow": Rule("read", P, Y, P, N),
}
"""`account.enter` are the routes that take a password, a token or a code: their handlers check."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `account` is "" for nobody; also for the holder of the hub's admin key, who has no
    account and the scope `admin` alone.
    """

    account: str = ""
    nickname: str = ""
    scopes: frozenset[Scope] = frozenset()
    key: str = ""
    """The id of the API key that was used, if one was."""
    login: str = ""
    """The id of the login that the access token is of."""
    address: str = ""
    """Whose address counts for limits; behind a trusted proxy the one that it names."""
    loopback: bool = False
    """The request came from this machine itself, through no proxy."""
    refused: str = ""
    """Why the credential that was sent is no good (then all else is as of nobody)."""

    @property
    def known(self) -> bool:
        """It has an account, or the admin key."""
        return bool(self.account or self.scopes)


class Whose(NamedTuple):
    """What a caller sees in lists: the sessions of `account` ("": none), or of `everyone`."""

    account: str
    everyone: bool


Verdict = Literal["yes", "unauthorized", "forbidden"]


def admits(action: Action, caller: Caller, *, public: bool) -> Verdict:
    """Whether a caller gets as far as the route. What it acts on is then for `may`."""
    rule = TABLE[action]
    if rule.scope is None and rule.nobody == "yes":
        return "yes"
    if caller.refused:
        return "unauthorized"
    if not caller.known:
        return "yes" if _open(rule.nobody, public) else "unauthorized"
    if rule.scope is not None and rule.scope not in caller.scopes:
        return "forbidden"
    return "yes" if _any(rule, relations(caller, caller.account), public) else "forbidden"


def may(action: Action, caller: Caller, owner: str, *, public: bool) -> bool:
    """Whether a caller may do this to what the account `owner` has. If not, it is not there."""
    return _any(TABLE[action], relations(caller, owner), public)


def whose(action: Action, caller: Caller, *, public: bool) -> Whose:
    """What of all sessions an action covers for a caller."""
    rule = TABLE[action]
    own = bool(caller.account) and _open(rule.owner, public)
    others = relations(caller, "") - {"owner"}
    return Whose(caller.account if own else "", _any(rule, others, public))


def relations(caller: Caller, owner: str) -> frozenset[Relation]:
    """Every relation of a caller to what the account `owner` ("": of nobody's) has."""
    first: Relation = "nobody"
    if caller.account:
        first = "owner" if caller.account == owner else "other"
    return frozenset((first, "admin")) if "admin" in caller.scopes else frozenset((first,))


def _any(rule: Rule, found: frozenset[Relation], public: bool) -> bool:
    return any(_open(getattr(rule, relation), public) for relation in found)


def _open(cell: Cell, public: bool) -> bool:
    return cell == "yes" or (cell == "public" and public)


assert set(TABLE) == set(get_args(Action))  # noqa: S101 - a row for every action
