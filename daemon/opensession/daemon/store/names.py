"""What people call their sessions: alias, tags, note, star.

All of it lies in `user.db`, which a person fills by hand, so it is small: a query of the index gets
it whole, as one value that never changes (`QueryContext.names`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence

import apsw
import msgspec

from opensession.core.rpc.search import Hit
from opensession.daemon.store.families import IDS, id_list, members
from opensession.daemon.store.scope import Condition, any_of

Key = tuple[str, str]
"""Agent and native id of a session."""


class SessionNames(msgspec.Struct, frozen=True):
    """What one session is called. `tags` are in small letters, sorted; times in microseconds."""

    alias: str = ""
    note: str = ""
    starred_us: int | None = None
    tags: tuple[str, ...] = ()
    changed_us: int = 0

    @property
    def said(self) -> bool:
        """Whether there is anything."""
        return bool(self.alias or self.note or self.tags or self.starred_us is not None)


UNNAMED = SessionNames()


class Names(msgspec.Struct, frozen=True):
    """All that people said. `aliases` lead from what `folded` makes of an alias to its session."""

    sessions: Mapping[Key, SessionNames] = {}
    aliases: Mapping[str, Key] = {}

    def of(self, agent: str, native_id: str) -> SessionNames:
        """What a session is called."""
        return self.sessions.get((agent, native_id), UNNAMED)

    def called(self, alias: str) -> Key | None:
        """The session of an alias, whatever its case."""
        return self.aliases.get(folded(alias)) if self.aliases else None

    def tagged(self, tags: Collection[str]) -> list[Key]:
        """The sessions that have one of these tags."""
        wanted = {folded_tag(tag) for tag in tags}
        return [key for key, names in self.sessions.items() if wanted & set(names.tags)]

    @property
    def starred(self) -> list[Key]:
        """The sessions that have a star."""
        return [key for key, names in self.sessions.items() if names.starred_us is not None]


NO_NAMES = Names()


def folded(name: str) -> str:
    """What an alias or a tag is compared by: neither case nor the width of gaps counts."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def folded_tag(tag: str) -> str:
    """A tag as it is stored; people may write a `#` before it."""
    return folded(tag.strip().removeprefix("#"))


def one_of(keys: Sequence[Key]) -> Condition:
    """True for these sessions `s`."""
    pairs = msgspec.json.encode(keys).decode()
    return Condition(
        "((s.agent, s.native_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?)))", (pairs,)
    )


def with_tag(
    names: Names, tags: Collection[str], spread: Callable[[Condition], Condition]
) -> Condition:
    """True for sessions with one of these tags; `spread` says what holds for their relatives. The
    name of its agent is a tag of every session.
    """
    agents = msgspec.json.encode([folded_tag(tag) for tag in tags]).decode()
    of_agent = Condition("s.agent IN (SELECT value FROM json_each(?))", (agents,))
    return any_of([spread(one_of(names.tagged(tags))), of_agent])


def with_subagents(db: apsw.Connection, seeds: Condition) -> Condition:
    """True for the sessions that fit a condition and for all their subagents."""
    rows = db.execute(f"SELECT s.id FROM session s WHERE {seeds.sql}", seeds.values)  # noqa: S608
    roots = [int(number) for (number,) in rows]
    found = {member for family in members(db, roots).values() for member in family}
    return Condition(f"s.id IN {IDS}", (id_list(sorted(found)),))


def named_hits(hits: Sequence[Hit], names: Names) -> list[Hit]:
    """Hits with what people call their sessions."""
    if not names.sessions:
        return list(hits)
    return [_named(hit, names.of(hit.tool, hit.session_id)) for hit in hits]


def _named(hit: Hit, names: SessionNames) -> Hit:
    if not names.said:
        return hit
    return msgspec.structs.replace(
        hit,
        title=names.alias or hit.title,
        alias=names.alias,
        tags=list(names.tags),
        starred=names.starred_us is not None,
    )
