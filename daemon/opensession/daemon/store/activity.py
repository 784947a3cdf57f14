"""How much was done in a period: sessions, messages, calls, errors, by agent."""

from __future__ import annotations

from typing import NamedTuple

import apsw
import msgspec

from opensession.daemon.store.body import CODES, decode_body
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK
from opensession.daemon.store.scope import Condition
from opensession.daemon.tally import CALLS

_MESSAGES = (CODES["UserMessage"], CODES["AgentMessage"])
_CALLS = frozenset(CODES[name] for name in CALLS)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Sums; `duration_us` from the first to the last event of each session."""

    sessions: int = 0
    messages: int = 0
    tool_calls: int = 0
    errors: int = 0
    duration_us: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            sessions=self.sessions + other.sessions,
            messages=self.messages + other.messages,
            tool_calls=self.tool_calls + other.tool_calls,
            errors=self.errors + other.errors,
            duration_us=self.duration_us + other.duration_us,
        )


class Activity(NamedTuple):
    """What was done, by agent; `members` are all sessions that belong to what was asked for, also
    those that were silent in the period.
    """

    by_tool: dict[str, Work]
    members: list[int]

    def total(self) -> Work:
        """The sums over all agents."""
        return sum(self.by_tool.values(), Work())


class _Session(NamedTuple):
    id: int
    origin: str
    agent: str
    native_id: str
    role: str
    parent: str
    created_us: int
    updated_us: int
    messages: int
    tool_calls: int
    errors: int
    fits: int


def activity(db: apsw.Connection, condition: Condition, since: int | None) -> Activity:
    """What was done from `since` on (None: ever) in the sessions `s` that fit a condition and in
    their subagents. A subagent whose parent is not there stands for itself, but is no session.
    """
    start = -(1 << 62) if since is None else since
    families = _families(db, condition)
    by_tool: dict[str, Work] = {}
    for root, family in families.items():
        work = Work()
        for member in family:
            work += _work(db, member, start)
        last = max(member.updated_us for member in family)
        if root.role == "primary" and last >= start:
            first = min((m.created_us for m in family if m.created_us), default=last)
            work += Work(sessions=1, duration_us=max(0, last - first))
        if work != Work():
            by_tool[root.agent] = by_tool.get(root.agent, Work()) + work
    return Activity(by_tool, [member.id for family in families.values() for member in family])


def _families(db: apsw.Connection, condition: Condition) -> dict[_Session, list[_Session]]:
    """The sessions that fit, each with its subagents, by their root."""
    sessions = [
        _Session(*row)
        for row in db.execute(
            "SELECT id, origin, agent, native_id, role, parent, created_us, updated_us,"  # noqa: S608
            f" message_count, tool_call_count, error_count, {condition.sql} FROM session s",
            condition.values,
        )
    ]
    by_key = {(each.origin, each.agent, each.native_id): each for each in sessions}
    families: dict[_Session, list[_Session]] = {}
    for session in sessions:
        root = session
        seen = {root.id}
        while root.role == "auxiliary":
            parent = by_key.get((root.origin, root.agent, root.parent))
            if parent is None or parent.id in seen:
                break
            seen.add(parent.id)
            root = parent
        if root.fits:
            families.setdefault(root, []).append(session)
    return families


def _work(db: apsw.Connection, session: _Session, start: int) -> Work:
    """What was done in one session from `start` on."""
    if session.updated_us < start:
        return Work()
    if session.created_us >= start:
        return Work(messages=session.messages, tool_calls=session.tool_calls, errors=session.errors)
    keys = (session.id << SEQ_BITS, session.id << SEQ_BITS | SEQ_MASK)
    work = Work()
    for code, errors, count in db.execute(
        "SELECT type, sum(flags & 1), count(*) FROM event"
        " WHERE id BETWEEN ? AND ? AND time_us >= ? GROUP BY type",
        (*keys, start),
    ):
        work += Work(
            messages=count if code in _MESSAGES else 0,
            tool_calls=count if code in _CALLS else 0,
            errors=errors,
        )
    return work + Work(messages=_summaries(db, keys, start))


def _summaries(db: apsw.Connection, keys: tuple[int, int], start: int) -> int:
    """Tasks that ended with a summary, which counts as a message."""
    number = 0
    for (content,) in db.execute(
        "SELECT body FROM event WHERE id BETWEEN ? AND ? AND time_us >= ? AND type = ?",
        (*keys, start, CODES["TaskEnd"]),
    ):
        summary = (decode_body(content).data or {}).get("summary")
        number += isinstance(summary, str) and bool(summary.strip())
    return number
