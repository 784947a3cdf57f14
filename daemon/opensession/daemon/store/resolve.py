"""What a REF names (DECISIONS §2, §11); its forms are those of `core.references`."""

from __future__ import annotations

import os
import posixpath
from typing import NamedTuple, NoReturn

import apsw

from opensession.core.errors import NotFound, UsageError
from opensession.core.references import MIN_PREFIX, Ref, parse_ref
from opensession.core.rpc.sessions import Resolved, ResolveParams
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.families import IDS, id_list
from opensession.daemon.store.names import one_of
from opensession.daemon.store.scope import EVERYTHING, Condition, all_of, scope_of
from opensession.daemon.store.session_pages import page
from opensession.daemon.store.source_marks import Links

MAX_NEWEST = 1000
_MAX_CANDIDATES = 20

_SELECT = "SELECT s.id, s.agent, s.native_id, s.short, s.event_count, s.title FROM session s"
_OF_FILE = """s.id IN (
    SELECT own.id FROM source o JOIN session own ON own.source = o.id
    WHERE o.path = ?1
      AND own.secondary = (SELECT min(other.secondary) FROM session other WHERE other.source = o.id)
    UNION SELECT c.session FROM source o JOIN copy c ON c.source = o.id WHERE o.path = ?1)"""


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

    Raises NotFound if it names none or could mean several, UsageError if it asks for several.
    """
    parsed = _parsed(ref)
    if parsed is not None and parsed.kind == "newest" and parsed.count > 1:
        raise UsageError(
            f"{ref} names the {parsed.count} newest sessions, and one is wanted",
            f"HEAD^{parsed.count - 1} is the last of them",
        )
    return _targets(db, ref, scope, everything, ctx)[0]


def _targets(
    db: apsw.Connection, ref: str, scope: str, everything: bool, ctx: QueryContext
) -> list[Target]:
    ref = ref.encode(errors="replace").decode().replace("\0", "?").strip()
    parsed = _parsed(ref)
    if parsed is None:
        # Whatever is no reference by its form names nothing, unless it is somebody's id.
        exact = _select(db, _is_called(ref))
        return [_only(exact, ref) if exact else _by_alias(db, ref, ctx) or _refuse(ref)]
    if parsed.kind == "object":
        raise NotFound(f"{ref} is the address of an object, not a session", "opensession log")
    if parsed.kind == "path":
        return [_by_path(db, ref, parsed, scope, ctx)]
    if parsed.kind == "id":
        targets = [_by_id(db, parsed, ctx)]
    else:
        targets = _newest(db, ref, parsed, scope, everything, ctx.links)
    return [_with_seq(target, parsed.seq) for target in targets]


def _parsed(ref: str) -> Ref | None:
    try:
        return parse_ref(ref)
    except UsageError:
        return None


def _refuse(ref: str) -> NoReturn:
    """Says what is wrong with the form of a reference; all of that is exit 4."""
    try:
        parse_ref(ref)
    except UsageError as error:
        raise NotFound(str(error), error.hint) from error
    raise NotFound(f"no session is called {ref}", "opensession log --all")


def _newest(
    db: apsw.Connection, ref: str, parsed: Ref, scope: str, everything: bool, links: Links
) -> list[Target]:
    """The newest sessions in the list that `log` shows."""
    first = parsed.place if parsed.kind == "place" else 0
    limit = first + 1 if parsed.kind == "place" else parsed.count
    if limit > MAX_NEWEST:
        raise NotFound(f"{ref} names nothing: HEAD goes to {MAX_NEWEST}", "opensession log")
    scoped = bool(scope) and not everything
    where = all_of(
        [
            Condition("s.role = 'primary'"),
            scope_of(scope, links).condition if scoped else EVERYTHING,
        ]
    )
    places = page(db, where, limit=limit, roots=True)[first:]
    if not places:
        why = "there are not that many sessions" if first else "there is no session"
        here = " of this repository or folder" if scoped else ""
        raise NotFound(f"{ref} names nothing: {why}{here}", "opensession log --all")
    ids = [place.id for place in places]
    rows = db.execute(f"{_SELECT} WHERE s.id IN {IDS}", (id_list(ids),))
    found = {row[0]: Target(*row) for row in rows}
    return [found[each] for each in ids]


def _by_id(db: apsw.Connection, parsed: Ref, ctx: QueryContext) -> Target:
    name = parsed.id
    of_agent = Condition("s.agent = ?", (parsed.agent,)) if parsed.agent else EVERYTHING
    exact = _select(db, all_of([_is_called(name), of_agent]))
    # Of an id and another session's short that read the same, the id is meant.
    exact = [each for each in exact if each.native_id == name] or exact
    if exact:
        return _only(exact, name)
    if not parsed.agent and (called := _by_alias(db, name, ctx)) is not None:
        return called
    if len(name) < MIN_PREFIX:
        raise NotFound(
            f"{name} is too short: at least {MIN_PREFIX} characters", "opensession log --all"
        )
    lower = name.lower()
    begins = Condition(
        "((s.native_id >= ? AND s.native_id < ?) OR (s.short >= ? AND s.short < ?))",
        (name, f"{name}\U0010ffff", lower, f"{lower}\U0010ffff"),
    )
    found = _select(db, all_of([begins, of_agent]))
    return _only(found, name) if found else _refuse(name)


def _by_alias(db: apsw.Connection, ref: str, ctx: QueryContext) -> Target | None:
    """The session of an alias, or (`alias#14`) an event of it; None: nothing is called so."""
    for name, seq in ((ref, None), _numbered(ref)):
        key = ctx.names.called(name)
        if key is not None:
            found = _select(db, one_of([key]))
            if not found:
                raise NotFound(
                    f"{name} is {key[0]}:{key[1]}, which is not in the index", "opensession index"
                )
            return _with_seq(found[0], seq)
    return None


def _numbered(ref: str) -> tuple[str, int | None]:
    name, _, number = ref.rpartition("#")
    return (name, int(number)) if name and number.isdecimal() else (ref, None)


def _by_path(db: apsw.Connection, ref: str, parsed: Ref, scope: str, ctx: QueryContext) -> Target:
    """The session of a file; of a file that holds several, the one that is nobody's subagent.

    A file may be called `x.jsonl#2`.
    """
    for given, seq in ((ref, None), (parsed.path, parsed.seq)):
        path = posixpath.join(ctx.home, given[2:]) if given.startswith("~/") else given
        path = posixpath.normpath(posixpath.join(scope or "/", path))
        for candidate in dict.fromkeys((path, os.path.realpath(path))):
            of_file = Condition(_OF_FILE, (candidate,))
            found = _select(db, all_of([of_file, Condition("s.role = 'primary'")]))
            found = found or _select(db, of_file)
            if found:
                return _with_seq(_only(found, ref), seq)
    raise NotFound(f"{parsed.path} is not the file of a session", "opensession log --all")


def _is_called(name: str) -> Condition:
    return Condition("(s.native_id = ? OR s.short = ?)", (name, name.lower()))


def _select(db: apsw.Connection, where: Condition) -> list[Target]:
    rows = db.execute(
        f"{_SELECT} WHERE {where.sql} ORDER BY s.updated_us DESC LIMIT {_MAX_CANDIDATES}",
        where.values,
    )
    return [Target(*row) for row in rows]


def _only(found: list[Target], name: str) -> Target:
    if len(found) == 1:
        return found[0]
    more = " or more" if len(found) == _MAX_CANDIDATES else ""
    raise NotFound(
        f"{name} could be any of {len(found)}{more} sessions",
        f"opensession show {found[0].short}",
        tuple(
            f"{each.short}  {each.agent}:{each.native_id}  {each.title}".rstrip() for each in found
        ),
    )


def _with_seq(target: Target, seq: int | None) -> Target:
    if seq is None:
        return target
    if not 1 <= seq <= target.event_count:
        raise NotFound(
            f"{target.short} has no event #{seq}, it has {target.event_count}",
            f"opensession timeline {target.short}",
        )
    return target._replace(seq=seq)
