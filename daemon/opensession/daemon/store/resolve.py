"""What a REF names (DECISIONS §2, §11).

    7f3a9c1e                     a short, or at least 4 of its characters
    0442a060-edc3-…              an id, or at least 4 of its first characters
    codex:0442a060               the same, of one agent
    HEAD, HEAD~3, HEAD^2         the newest, the 3 newest, the third newest of what `log` lists
    ~/.claude/projects/…/x.jsonl the file a session comes from

Each may end in `#<seq>`, which names an event.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import NamedTuple

import apsw

from opensession.core.errors import NotFound, UsageError
from opensession.core.rpc.sessions import Resolved, ResolveParams
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.families import IDS, id_list
from opensession.daemon.store.scope import EVERYTHING, Condition, all_of, scope_of
from opensession.daemon.store.session_pages import page

MIN_PREFIX = 4
MAX_HEAD = 1000
_MAX_CANDIDATES = 20

_SEQ = re.compile(r"(.+)#(\d{1,8})\Z", re.DOTALL)
_HEAD = re.compile(r"HEAD(?:(?P<kind>[~^])(?P<number>\d{1,6}))?\Z")
_AGENT = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):(.+)\Z")
_OF_FILE = """EXISTS (SELECT 1 FROM source o WHERE o.path = ? AND (
    (o.id = s.source AND s.secondary = 0)
    OR EXISTS (SELECT 1 FROM copy c WHERE c.source = o.id AND c.session = s.id)))"""
_SELECT = "SELECT s.id, s.agent, s.native_id, s.short, s.event_count, s.title FROM session s"


class Target(NamedTuple):
    """One session that a reference names; `id` is its key in the index."""

    id: int
    agent: str
    native_id: str
    short: str
    event_count: int
    title: str
    seq: int | None = None


def resolve(db: apsw.Connection, params: ResolveParams, ctx: QueryContext) -> Resolved:
    """What a reference names: one session, or the N of `HEAD~N`. Raises NotFound."""
    targets = _targets(db, params.ref, params.scope, params.all, ctx)
    return Resolved(
        ids=[target.native_id for target in targets],
        shorts=[target.short for target in targets],
        tools=[target.agent for target in targets],
        seq=targets[0].seq,
    )


def resolve_one(
    db: apsw.Connection, ref: str, scope: str, everything: bool, ctx: QueryContext
) -> Target:
    """The one session that a reference names.

    Raises NotFound if it names none or could mean several, UsageError if it names several.
    """
    targets = _targets(db, ref, scope, everything, ctx)
    head = _HEAD.match(ref.strip().partition("#")[0])
    if head is not None and head["kind"] == "~" and int(head["number"]) > 1:
        number = int(head["number"])
        raise UsageError(
            f"{ref} names the {number} newest sessions, and one is wanted",
            f"HEAD^{number - 1} is the last of them",
        )
    return targets[0]


def _targets(
    db: apsw.Connection, ref: str, scope: str, everything: bool, ctx: QueryContext
) -> list[Target]:
    ref = ref.strip()
    if not ref:
        raise NotFound("an empty reference names nothing", "opensession log")
    with_seq = _SEQ.match(ref)
    if _is_path(ref):
        found = _by_path(db, ref, scope, ctx)
        if found is None and with_seq is not None:
            found = _by_path(db, with_seq[1], scope, ctx)
            return [_with_seq(found, int(with_seq[2]))] if found else _nothing(ref)
        return [found] if found else _nothing(ref)
    name = with_seq[1] if with_seq else ref
    head = _HEAD.match(name)
    targets = _heads(db, head, scope, everything) if head else [_by_name(db, name)]
    return [_with_seq(each, int(with_seq[2])) for each in targets] if with_seq else targets


def _heads(db: apsw.Connection, head: re.Match[str], scope: str, everything: bool) -> list[Target]:
    """The newest sessions in the list that `log` shows."""
    number = int(head["number"] or 1)
    first = number if head["kind"] == "^" else 0
    limit = first + 1 if head["kind"] == "^" else number
    if limit < 1 or limit > MAX_HEAD:
        raise NotFound(f"{head[0]} names nothing", f"HEAD~1 to HEAD~{MAX_HEAD}, HEAD^0 and on")
    narrowed = Condition("s.role = 'primary'")
    where = EVERYTHING
    if scope and not everything:
        where = scope_of(scope).condition
    places = page(db, all_of([narrowed, where]), limit=limit, roots=True)[first:]
    if not places:
        here = "" if where is EVERYTHING else " here"
        raise NotFound(
            f"{head[0]} names nothing: there are too few sessions{here}", "opensession log --all"
        )
    ids = [place.id for place in places]
    rows = {
        row[0]: Target(*row)
        for row in db.execute(f"{_SELECT} WHERE s.id IN {IDS}", (id_list(ids),))
    }
    return [rows[each] for each in ids]


def _by_name(db: apsw.Connection, name: str) -> Target:
    agent = ""
    prefixed = _AGENT.match(name)
    if prefixed is not None:
        agent, name = prefixed[1].replace("_", "-"), prefixed[2]
    of_agent = Condition("s.agent = ?", (agent,)) if agent else EVERYTHING
    exact = _select(
        db,
        all_of([Condition("(s.native_id = ? OR s.short = ?)", (name, name.lower())), of_agent]),
    )
    # Of an id and another session's short that read the same, the id is meant.
    exact = [each for each in exact if each.native_id == name] or exact
    if exact:
        return _only(exact, name)
    if len(name) < MIN_PREFIX:
        raise NotFound(
            f"no session is called {name}",
            f"give at least {MIN_PREFIX} characters of a short or id",
        )
    begins = Condition(
        "((s.native_id >= ? AND s.native_id < ?) OR (s.short >= ? AND s.short < ?))",
        (name, f"{name}\U0010ffff", name.lower(), f"{name.lower()}\U0010ffff"),
    )
    found = _select(db, all_of([begins, of_agent]))
    return _only(found, name) if found else _nothing(name)[0]


def _by_path(db: apsw.Connection, ref: str, scope: str, ctx: QueryContext) -> Target | None:
    """The session of a file; of a file that holds several, the one that is nobody's subagent."""
    path = posixpath.join(ctx.home, ref[2:]) if ref.startswith("~/") else ref
    path = posixpath.normpath(posixpath.join(scope or "/", path))
    for candidate in dict.fromkeys((path, os.path.realpath(path))):
        of_file = Condition(_OF_FILE, (candidate,))
        found = _select(db, all_of([of_file, Condition("s.role = 'primary'")]))
        found = found or _select(db, of_file)
        if found:
            return _only(found, ref)
    return None


def _select(db: apsw.Connection, where: Condition) -> list[Target]:
    rows = db.execute(
        f"{_SELECT} WHERE {where.sql} ORDER BY s.updated_us DESC LIMIT {_MAX_CANDIDATES}",
        where.values,
    )
    return [Target(*row) for row in rows]


def _only(found: list[Target], name: str) -> Target:
    if len(found) == 1:
        return found[0]
    candidates = tuple(
        f"{each.short}  {each.agent}:{each.native_id}  {each.title}".rstrip() for each in found
    )
    raise NotFound(
        f"{name} could be any of {len(found)} sessions",
        f"opensession show {found[0].short}",
        candidates,
    )


def _with_seq(target: Target, seq: int) -> Target:
    if not 1 <= seq <= target.event_count:
        raise NotFound(
            f"{target.short} has no event #{seq}, it has {target.event_count}",
            f"opensession timeline {target.short}",
        )
    return target._replace(seq=seq)


def _is_path(ref: str) -> bool:
    return "/" in ref or ref.endswith((".jsonl", ".jsonl.zst"))


def _nothing(ref: str) -> list[Target]:
    raise NotFound(f"no session is called {ref}", "opensession log --all")
