"""names.*: what people call their sessions. It stays on this machine."""

from __future__ import annotations

import msgspec

from opensession.core.rpc.envelope import Params


class NamesSetParams(Params, frozen=True):
    """`ref` as in `sessions.resolve`; it may name several sessions, which cannot share an alias.
    What is null stays as it is; an empty `alias` or `note` takes it away.
    """

    ref: str
    scope: str = ""
    all: bool = False
    alias: str | None = None
    note: str | None = None
    starred: bool | None = None
    add_tags: list[str] = []
    remove_tags: list[str] = []
    remove_all_tags: bool = False


class NamedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session and what it is called. `title` is the alias where it has one; `native_title` is
    what its agent, else its first prompt, calls it. Both are empty for one that is not `indexed`
    now. `tags` are those that people gave. `changed_at` is RFC 3339, or empty.
    """

    id: str
    tool: str
    short: str
    title: str
    native_title: str
    alias: str
    note: str
    starred: bool
    tags: list[str]
    changed_at: str = ""
    indexed: bool = True


class NamesSetResult(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions as they are called now; `changed` says whether anything is new."""

    sessions: list[NamedSession]
    changed: bool


class TagCount(msgspec.Struct, frozen=True, kw_only=True):
    tag: str
    sessions: int


class NamesListResult(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions with an alias, a tag, a note or a star, the last changed first; and the tags, by
    name.
    """

    sessions: list[NamedSession]
    tags: list[TagCount]
