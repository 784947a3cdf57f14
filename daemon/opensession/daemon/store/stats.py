"""stats.get: what was done in a period, by which tool and model, and what it cost.

Sessions count when they were last active in the period, with their subagents as one. Messages,
calls, errors, tokens and cost count on the day of their event (DECISIONS §3).
"""

from __future__ import annotations

import apsw

from opensession.core.rpc.stats import (
    FileStats,
    ModelStats,
    Period,
    Stats,
    StatsParams,
    ToolStats,
)
from opensession.core.timeparse import day_start, format_time
from opensession.daemon.store.activity import Activity, Work, activity
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.families import IDS, id_list
from opensession.daemon.store.scope import EVERYTHING, Condition, all_of, project, scope_of
from opensession.daemon.store.source_marks import FILE_MARK
from opensession.daemon.store.spending import OWNED, Group, Spent, Tally, groups

TOP_FILES = 20

_DAYS: dict[Period, int] = {"day": 1, "week": 7, "month": 30}
"""How many of the user's days a period has, today included."""


def stats(db: apsw.Connection, params: StatsParams, ctx: QueryContext) -> Stats:
    """Sums over a period that ends now. Raises UsageError for an unknown time zone."""
    since = None
    if params.period != "all":
        back = _DAYS[params.period] - 1
        since = day_start(ctx.now_us, params.zone or ctx.zone, days_back=back)
    active = activity(db, _condition(params, ctx), since)
    spending = _spending(db, active.members, since, ctx)
    total = _sum(spending)
    work = active.total()
    return Stats(
        period=params.period,
        since=None if since is None else format_time(since),
        total_sessions=work.sessions,
        **_without_a_file(db, active.members, since),
        total_messages=work.messages,
        total_tool_calls=work.tool_calls,
        total_duration_seconds=work.duration_us // 1_000_000,
        total_input_tokens=total.input,
        total_output_tokens=total.output,
        total_cache_read_tokens=total.cache_read,
        total_cache_write_tokens=total.cache_write,
        estimated_cost_microdollars=total.microdollars or 0,
        unpriced_models=list(total.unpriced),
        error_count=work.errors,
        error_rate=min(1.0, work.errors / work.tool_calls) if work.tool_calls else 0.0,
        by_tool=_by_tool(active, spending),
        by_model=_by_model(spending),
        top_files=_top_files(db, active, since),
        indexing=ctx.indexing,
    )


def _without_a_file(db: apsw.Connection, members: list[int], since: int | None) -> dict[str, int]:
    """How many sessions of a period have no file any more, by whether the archive has them."""
    counts = dict(
        db.execute(
            f"SELECT {FILE_MARK}, count(*) FROM session s JOIN source o ON o.id = s.source"  # noqa: S608
            f" WHERE s.id IN {IDS} AND s.role = 'primary' AND s.updated_us >= ? GROUP BY 1",
            (id_list(members), since or 0),
        )
    )
    return {"gone_sessions": counts.get("gone", 0), "archived_sessions": counts.get("archived", 0)}


def _condition(params: StatsParams, ctx: QueryContext) -> Condition:
    conditions = []
    if params.project:
        conditions.append(
            project(params.project, home=ctx.home, scope=params.scope, links=ctx.links)
        )
    elif params.scope:
        conditions.append(scope_of(params.scope, ctx.links).condition)
    if params.tool:
        conditions.append(Condition("s.agent = ?", (params.tool.replace("_", "-"),)))
    return all_of(conditions) if conditions else EVERYTHING


def _spending(
    db: apsw.Connection, members: list[int], since: int | None, ctx: QueryContext
) -> list[Group]:
    """The responses of sessions in a period by agent; a message in several sessions counts once."""
    conditions = [Condition(f"u.session IN {IDS}", (id_list(members),)), Condition(OWNED)]
    if since is not None:
        conditions.append(Condition("u.time_us >= ?", (since,)))
    return groups(
        db,
        ctx.prices,
        keys=("s.agent",),
        tables="usage u JOIN session s ON s.id = u.session",
        where=all_of(conditions),
    )


def _sum(spending: list[Group]) -> Spent:
    tally = Tally()
    for group in spending:
        tally.add(group)
    return tally.spent()


def _by_tool(active: Activity, spending: list[Group]) -> list[ToolStats]:
    found = []
    for tool in active.by_tool.keys() | {str(group.key[0]) for group in spending}:
        work = active.by_tool.get(tool, Work())
        spent = _sum([group for group in spending if group.key[0] == tool])
        found.append(
            ToolStats(
                tool=tool,
                sessions=work.sessions,
                messages=work.messages,
                tool_calls=work.tool_calls,
                errors=work.errors,
                duration_seconds=work.duration_us // 1_000_000,
                input_tokens=spent.input,
                output_tokens=spent.output,
                cache_read_tokens=spent.cache_read,
                cache_write_tokens=spent.cache_write,
                cost_microdollars=spent.microdollars,
            )
        )
    found = [each for each in found if each.sessions or each.messages or each.output_tokens]
    return sorted(found, key=lambda each: (-each.sessions, -each.messages, each.tool))


def _by_model(spending: list[Group]) -> list[ModelStats]:
    found = []
    for provider, model in dict.fromkeys(group.model for group in spending):
        spent = _sum([group for group in spending if group.model == (provider, model)])
        found.append(
            ModelStats(
                model=model or "unknown",
                provider=provider,
                responses=spent.responses,
                input_tokens=spent.input,
                output_tokens=spent.output,
                cache_read_tokens=spent.cache_read,
                cache_write_tokens=spent.cache_write,
                cost_microdollars=spent.microdollars,
            )
        )
    return sorted(
        found,
        key=lambda each: (-(each.cost_microdollars or 0), -each.output_tokens, each.model),
    )


def _top_files(db: apsw.Connection, active: Activity, since: int | None) -> list[FileStats]:
    rows = db.execute(
        "SELECT path, count(*), count(DISTINCT session) FROM file_touch"  # noqa: S608
        f" WHERE kind > 0 AND time_us >= ? AND session IN {IDS}"
        " GROUP BY path ORDER BY 2 DESC, path LIMIT ?",
        (-(1 << 62) if since is None else since, id_list(active.members), TOP_FILES),
    )
    return [FileStats(path=path, edits=edits, sessions=n) for path, edits, n in rows]
