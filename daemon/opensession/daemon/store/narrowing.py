"""Which events a search looks at: filters of a query as conditions in SQL."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from functools import partial

import apsw
import msgspec

from opensession.core.rpc.search import SearchParams
from opensession.core.timeparse import parse_when
from opensession.daemon.store.body import CODES, TYPES
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.names import one_of, with_subagents, with_tag
from opensession.daemon.store.resolve import resolve_one
from opensession.daemon.store.scope import (
    EVERYTHING,
    Condition,
    all_of,
    any_of,
    path_or_tail,
    project,
)
from opensession.daemon.store.search_query import Filter

ROLES = {
    "user": ("UserMessage",),
    "assistant": ("AgentMessage",),
    "thinking": ("Thinking",),
    "system": ("SystemMessage", "TaskStart", "TaskEnd", "Custom", ""),
}
"""The types of events by role; every other type is `tool`'s."""

_STARRED = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_OF_SESSION = ("agent", "project", "branch", "session", "tag", "star")
_NAMED = frozenset(name for names in ROLES.values() for name in names)
_ROLE_OF = {name: role for role, names in ROLES.items() for name in names}
SEQ_BITS = 24
SEQ_MASK = (1 << SEQ_BITS) - 1


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """`sessions` is a condition over `session s`, `touched` one over `file_touch t`, of events
    themselves where there is nothing else to look for. `codes` are numbers of event types (None:
    all, and titles), `since` and `before` test the time of an event.
    """

    sessions: Condition = EVERYTHING
    touched: Condition | None = None
    codes: tuple[int, ...] | None = None
    since: int | None = None
    before: int | None = None

    def rows(self, key: str) -> Condition:
        """True for the keys of events (or titles) that are to be looked at."""
        conditions = []
        if self.sessions is not EVERYTHING:
            conditions.append(
                Condition(
                    f"({key} >> {SEQ_BITS}) IN (SELECT s.id FROM session s"  # noqa: S608
                    f" WHERE {self.sessions.sql})",
                    self.sessions.values,
                )
            )
        conditions.append(self.of_events(key))
        return all_of(conditions)

    def of_events(self, key: str) -> Condition:
        """True for the keys of events that fit by type and time."""
        event = self.event("e")
        if event is EVERYTHING:
            return EVERYTHING
        return Condition(
            f"EXISTS (SELECT 1 FROM event e WHERE e.id = {key} AND {event.sql})",  # noqa: S608
            event.values,
        )

    def event(self, name: str) -> Condition:
        """True for the rows of `event`, called `name`, that fit by type and time."""
        conditions = []
        if self.codes is not None:
            codes = ", ".join(map(str, self.codes))
            conditions.append(Condition(f"{name}.type IN ({codes})"))
        if self.since is not None:
            conditions.append(Condition(f"{name}.time_us >= ?", (self.since,)))
        if self.before is not None:
            conditions.append(Condition(f"{name}.time_us < ?", (self.before,)))
        return all_of(conditions) if conditions else EVERYTHING


def role_of(event_type: str) -> str:
    """Whose words an event is: user, assistant, thinking, tool or system."""
    if event_type in _ROLE_OF:
        return _ROLE_OF[event_type]
    return "tool" if event_type in CODES else "system"


def unfit(filters: Iterable[Filter], ctx: QueryContext) -> Filter | None:
    """The first filter whose value means nothing (`role:nobody`, `since:soon`), if any."""
    for each in filters:
        if each.name == "role" and _codes(each) is None:
            return each
        if each.name == "star" and each.value.lower() not in _STARRED:
            return each
        if each.name in ("since", "before") and _when(each, ctx) is None:
            return each
    return None


def narrowing(
    db: apsw.Connection,
    params: SearchParams,
    filters: Sequence[Filter],
    ctx: QueryContext,
    *,
    words: bool,
) -> Narrowing:
    """What filters and parameters leave to look at. Several values of one filter: any of them.

    `file:` means sessions that touched a file where there are `words` to look for beside it, else
    the events that did. Raises NotFound for a `session` parameter that names nothing.
    """
    conditions: list[Condition] = []
    if params.session:
        target = resolve_one(db, params.session, params.scope, False, ctx)
        conditions.append(Condition("s.id = ?", (target.id,)))
    touched = [_touched(each, ctx) for each in filters if each.name == "file"]
    by_event = bool(touched) and not words and not any(f.negated for f in filters)
    for name in (*_OF_SESSION, *(() if by_event else ("file",))):
        wanted = [each for each in filters if each.name == name and not each.negated]
        unwanted = [each for each in filters if each.name == name and each.negated]
        if wanted:
            conditions.append(any_of([_of_session(db, each, params, ctx) for each in wanted]))
        conditions += [_of_session(db, each, params, ctx).negated() for each in unwanted]
    return Narrowing(
        sessions=all_of(conditions) if conditions else EVERYTHING,
        touched=any_of(touched) if by_event else None,
        codes=_all_codes(filters),
        since=max((_instant(f, ctx) for f in filters if _begins(f)), default=None),
        before=min((_instant(f, ctx) for f in filters if _ends(f)), default=None),
    )


def _of_session(
    db: apsw.Connection, each: Filter, params: SearchParams, ctx: QueryContext
) -> Condition:
    value = each.value
    if each.name == "agent":
        return Condition("s.agent = ? COLLATE NOCASE", (value.replace("_", "-"),))
    if each.name == "project":
        return project(value, home=ctx.home, scope=params.scope, links=ctx.links)
    if each.name == "branch":
        return Condition("s.git_branch = ?", (value,))
    if each.name == "tag":
        return with_tag(ctx.names, [value], partial(with_subagents, db))
    if each.name == "star":
        starred = with_subagents(db, one_of(ctx.names.starred))
        return starred if _STARRED[value.lower()] else starred.negated()
    if each.name == "session" and (called := ctx.names.called(value)) is not None:
        return one_of([called])
    if each.name == "session":
        end = f"{value}\U0010ffff"
        return Condition(
            "((s.native_id >= ? AND s.native_id < ?) OR (s.short >= ? AND s.short < ?))",
            (value, end, value.lower(), end.lower()),
        )
    touched = _touched(each, ctx)
    return Condition(
        f"s.id IN (SELECT t.session FROM file_touch t WHERE {touched.sql})",  # noqa: S608
        touched.values,
    )


def _touched(each: Filter, ctx: QueryContext) -> Condition:
    path = each.value
    return path_or_tail("t.path", posixpath.join(ctx.home, path[2:]) if path[:2] == "~/" else path)


def _all_codes(filters: Iterable[Filter]) -> tuple[int, ...] | None:
    codes: set[int] | None = None
    wanted = [f for f in filters if f.name == "role" and not f.negated]
    if wanted:
        codes = {code for each in wanted for code in _codes(each) or ()}
    for each in filters:
        if each.name == "role" and each.negated:
            codes = (set(range(len(TYPES))) if codes is None else codes) - set(_codes(each) or ())
    return None if codes is None else tuple(sorted(codes))


def _codes(each: Filter) -> set[int] | None:
    """The numbers of the types of one role, or of several with commas; None: there is no such."""
    found: set[int] = set()
    for role in each.value.lower().split(","):
        if role == "tool":
            found |= {code for code, name in enumerate(TYPES) if name not in _NAMED}
        elif role in ROLES:
            found |= {CODES.get(name, 0) for name in ROLES[role]}
        else:
            return None
    return found


def _when(each: Filter, ctx: QueryContext) -> int | None:
    return parse_when(each.value, ctx.now_us, ctx.zone)


def _instant(each: Filter, ctx: QueryContext) -> int:
    found = _when(each, ctx)
    assert found is not None  # noqa: S101  see `unfit`
    return found


def _begins(each: Filter) -> bool:
    return (each.name, each.negated) in (("since", False), ("before", True))


def _ends(each: Filter) -> bool:
    return (each.name, each.negated) in (("before", False), ("since", True))
