"""sessions.list and sessions.get."""

from __future__ import annotations

import posixpath
from functools import partial
from typing import Any

import apsw
import msgspec

from opensession.core.errors import UsageError
from opensession.core.hail import SessionInfo
from opensession.core.rpc.sessions import (
    SessionDetail,
    SessionGetParams,
    SessionsListParams,
    SessionsListResult,
)
from opensession.core.timeparse import parse_time
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.cursors import mark, place
from opensession.daemon.store.families import IDS, id_list, members, roots_of
from opensession.daemon.store.names import one_of, with_tag
from opensession.daemon.store.resolve import resolve_one
from opensession.daemon.store.scope import (
    Condition,
    Scope,
    all_of,
    like,
    path_or_tail,
    project,
    scope_of,
)
from opensession.daemon.store.session_pages import Place, Span, count, page
from opensession.daemon.store.session_rows import session_rows
from opensession.daemon.store.source_marks import NO_LINKS, Links
from opensession.daemon.store.substring import sessions_holding

MAX_LIMIT = 1000
ROOTS = Condition("s.role = 'primary'")


def list_sessions(
    db: apsw.Connection, params: SessionsListParams, ctx: QueryContext
) -> SessionsListResult:
    """Sessions by last activity, latest first. Raises UsageError for a bad time or cursor."""
    roots = not (params.children or params.parent)
    everything = params.all or bool(params.project)
    scope = list_scope(params.scope, everything=everything, links=ctx.links)
    filters = _filters(db, params, ctx)
    where = all_of([filters, scope.condition]) if scope else filters
    span = Span(_time("since", params.since), _time("before", params.before))
    limit = max(0, min(params.limit, MAX_LIMIT))
    places = page(
        db,
        where,
        span=span,
        after=place(params.cursor, Place),
        limit=limit + 1,
        roots=roots,
    )
    more, places = len(places) > limit, places[:limit]
    total = count(db, where, span, roots=roots)
    return SessionsListResult(
        sessions=session_rows(db, [each.id for each in places], ctx),
        total=total,
        next=mark(places[-1]) if more and places else "",
        scope=scope.label if scope else "",
        hidden=count(db, filters, span, roots=roots) - total if scope else 0,
        indexing=ctx.indexing,
    )


def get_session(db: apsw.Connection, params: SessionGetParams, ctx: QueryContext) -> SessionDetail:
    """One session. Raises NotFound."""
    target = resolve_one(db, params.ref, params.scope, params.all, ctx)
    subagents = members(db, [target.id])[target.id][1:]
    blob, source = db.execute("SELECT info, source FROM session WHERE id = ?", (target.id,)).get
    info = msgspec.msgpack.decode(blob, type=SessionInfo)
    skipped, missing = db.execute(
        "SELECT (SELECT coalesce(sum(value), 0) FROM json_each(skipped)), missing_bytes"
        " FROM source WHERE id = ?",
        (source,),
    ).get or (0, 0)
    return SessionDetail(
        session=session_rows(db, [target.id], ctx)[0],
        all_models=_models(db, target.id),
        subagents=session_rows(db, subagents, ctx),
        skipped_lines=skipped,
        missing_bytes=missing,
        attributes=info.attributes,
        seq=target.seq,
    )


def list_scope(folder: str, *, everything: bool, links: Links = NO_LINKS) -> Scope | None:
    """What narrows the list that a client in `folder` sees; None: nothing does."""
    return None if everything or not folder else scope_of(folder, links)


def _filters(db: apsw.Connection, params: SessionsListParams, ctx: QueryContext) -> Condition:
    """Everything that was asked for, but the scope and the times."""
    conditions: list[Condition] = []
    if params.parent:
        parent = resolve_one(db, params.parent, params.scope, params.all, ctx)
        conditions.append(
            Condition("s.parent = ? AND s.agent = ?", (parent.native_id, parent.agent))
        )
    elif not params.children:
        conditions.append(ROOTS)
    whole_family = not (params.parent or params.children)
    if params.tool:
        conditions.append(Condition("s.agent = ?", (params.tool.replace("_", "-"),)))
    if params.model:
        conditions.append(_model(params.model))
    if params.project:
        conditions.append(
            project(params.project, home=ctx.home, scope=params.scope, links=ctx.links)
        )
    if params.touches:
        path = params.touches
        if path.startswith("~/"):
            path = posixpath.join(ctx.home, path[2:])
        touched = path_or_tail("t.path", path)
        seeds = Condition(
            f"s.id IN (SELECT t.session FROM file_touch t WHERE t.kind > 0 AND {touched.sql})",  # noqa: S608
            touched.values,
        )
        conditions.append(_in_family(db, seeds) if whole_family else seeds)
    if params.has_errors:
        seeds = Condition("s.error_count > 0")
        conditions.append(_in_family(db, seeds) if whole_family else seeds)
    if params.tags:
        spread = partial(_in_family, db) if whole_family else _alone
        conditions.append(with_tag(ctx.names, params.tags, spread))
    if params.starred:
        seeds = one_of(ctx.names.starred)
        conditions.append(_in_family(db, seeds) if whole_family else seeds)
    if params.grep:
        holding = id_list(sessions_holding(db, params.grep))
        conditions.append(Condition(f"s.id IN {IDS}", (holding,)))
    return all_of(conditions)


def _in_family(db: apsw.Connection, seeds: Condition) -> Condition:
    """True for the roots in whose family some session fits a condition."""
    return Condition(f"s.id IN {IDS}", (id_list(roots_of(db, seeds)),))


def _alone(seeds: Condition) -> Condition:
    return seeds


def _model(pattern: str) -> Condition:
    """True where one of a session's models fits; `*` stands for anything, case for nothing."""
    fitting = like(pattern).replace("*", "%")
    return Condition(
        "(s.model LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM usage u"
        " WHERE u.session = s.id AND u.model LIKE ? ESCAPE '\\'))",
        (fitting, fitting),
    )


def _models(db: apsw.Connection, session: int) -> list[str]:
    """Every model that a session used, by first use; its own if none is recorded with usage."""
    rows: list[Any] = list(
        db.execute(
            "SELECT model FROM usage WHERE session = ? AND model <> '' AND model <> '<synthetic>'"
            " GROUP BY model ORDER BY min(seq)",
            (session,),
        )
    )
    found = [row[0] for row in rows]
    own: str = db.execute("SELECT model FROM session WHERE id = ?", (session,)).get
    return found or ([own] if own else [])


def _time(name: str, value: str) -> int | None:
    if not value:
        return None
    found = parse_time(value)
    if found is None:
        raise UsageError(f"{name} is not a time: {value}", "give it as 2026-01-31T12:00:00Z")
    return found
