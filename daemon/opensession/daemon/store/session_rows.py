"""Sessions as lists show them: their columns, and the sums over their subagents."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from opensession.core.rpc.sessions import SessionRow
from opensession.core.timeparse import format_time
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.families import IDS, id_list, members
from opensession.daemon.store.source_marks import FILE_MARK, folder_today, mark
from opensession.daemon.store.spending import Spent, spent_by_family

_COLUMNS = (
    "id", "agent", "native_id", "short", "role", "parent", "provider", "model", "tool_version",
    "title", "description", "cwd", "git_repo_name", "git_remote", "git_branch", "git_commit",
    "created_us", "updated_us", "ended", "redactions",
)  # fmt: skip

_counts = msgspec.json.Decoder(dict[str, int])

_SUMS = """
  SELECT f.value ->> 1 AS family,
    sum(m.message_count), sum(m.user_message_count), sum(m.tool_call_count), sum(m.event_count),
    sum(m.error_count), sum(m.lines_added), sum(m.lines_removed),
    min(nullif(m.created_us, 0)), max(m.updated_us), count(*) - 1
  FROM json_each(?) f JOIN session m ON m.id = f.value ->> 0
  GROUP BY family"""

_FILES = """
  SELECT DISTINCT f.value ->> 1, t.path
  FROM json_each(?) f CROSS JOIN file_touch t ON t.session = f.value ->> 0
  WHERE t.kind > 0
  ORDER BY t.path"""


def session_rows(db: apsw.Connection, ids: Sequence[int], ctx: QueryContext) -> list[SessionRow]:
    """The rows of sessions, by their keys, in the order given; unknown keys are left out."""
    families = members(db, ids)
    pairs = msgspec.json.encode(
        [[member, root] for root, family in families.items() for member in family]
    ).decode()
    sums = {row[0]: row[1:] for row in db.execute(_SUMS, (pairs,))}
    files: dict[int, list[str]] = {}
    for root, path in db.execute(_FILES, (pairs,)):
        files.setdefault(root, []).append(path)
    spent = spent_by_family(db, ctx.prices, families)
    columns = ", ".join(f"s.{name}" for name in _COLUMNS)
    found = {
        row[0]: dict(zip((*_COLUMNS, "source_path", "root", "file_mark"), row, strict=True))
        for row in db.execute(
            f"SELECT {columns}, coalesce(o.path, ''), coalesce(o.root, ''), {FILE_MARK}"  # noqa: S608
            f" FROM session s LEFT JOIN source o ON o.id = s.source WHERE s.id IN {IDS}",
            (id_list(ids),),
        )
    }
    native_names = functools.cache(ctx.native_names)  # looks at a file each time

    def title(session: dict[str, Any]) -> str:
        renamed = native_names(session["agent"], session["root"])
        return str(renamed.get(session["native_id"]) or session["title"])

    return [
        _row(found[each], title(found[each]), sums[each], files.get(each, []), spent[each], ctx)
        for each in ids
        if each in found
    ]


def _row(
    session: dict[str, Any],
    title: str,
    sums: Sequence[int],
    files: list[str],
    spent: Spent,
    ctx: QueryContext,
) -> SessionRow:
    messages, user_messages, calls, events, errors, added, removed, first, last, children = sums
    first = first or last
    names = ctx.names.of(session["agent"], session["native_id"])
    return SessionRow(
        id=session["native_id"],
        short=session["short"],
        tool=session["agent"],
        model=session["model"],
        title=names.alias or title,
        description=session["description"],
        created_at=format_time(first),
        updated_at=format_time(last),
        duration_seconds=max(0, last - first) // 1_000_000,
        message_count=messages,
        user_message_count=user_messages,
        tool_call_count=calls,
        event_count=events,
        error_count=errors,
        total_input_tokens=spent.input,
        total_output_tokens=spent.output,
        total_cache_read_tokens=spent.cache_read,
        total_cache_write_tokens=spent.cache_write,
        cost_microdollars=spent.microdollars,
        unpriced_models=list(spent.unpriced),
        has_errors=errors > 0,
        files_modified=files,
        lines_added=added,
        lines_removed=removed,
        working_directory=session["cwd"],
        git_repo_name=session["git_repo_name"],
        git_remote=session["git_remote"],
        git_branch=session["git_branch"],
        git_commit=session["git_commit"],
        source_path=session["source_path"],
        source_gone=session["file_mark"] != "",
        source=mark(session["file_mark"], session["cwd"], ctx.links),
        moved_to=folder_today(session["cwd"], ctx.links),
        tags=list(dict.fromkeys([session["agent"], *names.tags])),
        role=session["role"],
        parent=session["parent"] or None,
        children=children,
        running=not session["ended"] and last >= ctx.now_us - int(ctx.idle_secs * 1_000_000),
        provider=session["provider"],
        tool_version=session["tool_version"],
        blocked=ctx.may_leave(
            session["agent"], session["native_id"], _counts.decode(session["redactions"])
        ),
        native_title=title,
        alias=names.alias,
        note=names.note,
        starred=names.starred_us is not None,
    )
