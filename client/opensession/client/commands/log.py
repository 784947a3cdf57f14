"""`opensession log`: which sessions there are, and with `--follow` what happens in them now."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.arguments import check_agent, file_path, folder_or_name, moment
from opensession.client.argv import ALL_FIELDS
from opensession.client.connection import Daemon
from opensession.client.options import All, LogFormat, NoStart
from opensession.client.start import reach
from opensession.core.errors import UsageError
from opensession.core.rpc.sessions import SessionRow, SessionsListParams, SessionsListResult

_PAGE = 200


def log(
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="How many.")] = 20,
    all_: All = False,
    project: Annotated[
        str,
        typer.Option(metavar="NAME", help="A repository's name or a folder, in place of this one."),
    ] = "",
    tool: Annotated[
        str, typer.Option("--tool", "--agent", metavar="AGENT", help="Only this agent.")
    ] = "",
    model: Annotated[str, typer.Option(metavar="NAME", help="Only this model; * is allowed.")] = "",
    touches: Annotated[
        str, typer.Option(metavar="FILE", help="Only sessions that changed this file.")
    ] = "",
    grep: Annotated[
        str, typer.Option(metavar="WORDS", help="Only sessions that hold these words.")
    ] = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Active since: 3d, 2 hours, yesterday, a date.")
    ] = "",
    before: Annotated[str, typer.Option(metavar="TIME", help="Not active since.")] = "",
    has_errors: Annotated[bool, typer.Option("--has-errors", help="Only with errors.")] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Only with this tag, or one of several."),
    ] = None,
    starred: Annotated[bool, typer.Option("--starred", help="Only with a star.")] = False,
    subagents: Annotated[bool, typer.Option("--subagents", help="Subagents, too.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Then what happens.")] = False,
    format_: Annotated[LogFormat | None, typer.Option("--format", help="How to print.")] = None,
    json: Annotated[
        str | None,
        typer.Option(metavar="[FIELDS]", help="JSON: all fields, or some (id,title,…)."),
    ] = None,
    jq: Annotated[str, typer.Option(metavar="EXPR", help="Filter the JSON by jq.")] = "",
    no_start: NoStart = False,
) -> None:
    """Sessions of this repository (outside of one: of this folder), the last active first.

    opensession log                               # here
    opensession log --all --since 3d --tool codex
    opensession log --touches src/app.py -n 5
    opensession log --json id,title,cost_microdollars --jq '.[0].title'
    opensession log --all --follow                # events, as they happen
    """
    fields = _fields(json)
    shape = _shape(format_, json, jq)
    params = SessionsListParams(
        scope=str(Path.cwd()),
        all=all_,
        project=folder_or_name(project),
        tool=tool.replace("_", "-"),
        model=model,
        touches=file_path(touches),
        grep=grep,
        since=moment(since, "--since"),
        before=moment(before, "--before"),
        has_errors=has_errors,
        tags=tag or [],
        starred=starred,
        children=subagents,
        limit=max(1, min(limit, _PAGE)),
    )
    if follow:
        _check_followable(params, shape, jq)
    with reach(no_start=no_start) as daemon:
        found = _list(daemon, params, limit)
        if tool and not found.sessions:
            check_agent(daemon, tool)
        if jq:
            _emit_jq(_objects(found.sessions, fields), jq)
        elif shape == "json" and not follow:
            output.emit_json(_objects(found.sessions, fields))
        elif shape in ("json", "jsonl"):
            output.emit_json_lines(_objects(found.sessions, fields), flush=follow)
        else:
            _emit_text(found.sessions, shape)
        if limit:
            _say_what_is_left_out(found, params)
        if follow:
            from opensession.client.follow import follow as follow_events

            sys.stdout.flush()
            follow_events(daemon, params, as_json=shape != "text")


def _list(daemon: Daemon, params: SessionsListParams, limit: int) -> SessionsListResult:
    """The list, in as many pages as it takes."""
    found = page = daemon.call("sessions.list", params, SessionsListResult)
    rows = found.sessions[:limit]
    while page.next and len(rows) < limit:
        further = msgspec.structs.replace(
            params, cursor=page.next, limit=min(_PAGE, limit - len(rows))
        )
        page = daemon.call("sessions.list", further, SessionsListResult)
        rows += page.sessions
    return msgspec.structs.replace(found, sessions=rows, next=page.next)


def _emit_text(rows: list[SessionRow], shape: str) -> None:
    from opensession.client.render import sessions

    now_us = time.time_ns() // 1000
    if shape == "markdown":
        output.emit(sessions.markdown_lines(rows, now_us))
    else:
        output.emit(sessions.list_lines(rows, output.screen_of(sys.stdout), now_us))


def _emit_jq(value: object, expression: str) -> None:
    """Print what jq makes of a value; strings as they are, the rest as JSON."""
    import jq  # type: ignore[import-not-found]  # a compiled module without stubs

    try:
        results = jq.compile(expression).input_text(msgspec.json.encode(value).decode()).all()
    except ValueError as error:
        reason = str(error).strip().splitlines()[0].removeprefix("jq: error: ")
        raise UsageError(f"--jq: {reason}", "opensession log --json --jq '.[].id'") from None
    output.emit(
        result if isinstance(result, str) else msgspec.json.encode(result).decode()
        for result in results
    )


def _objects(rows: list[SessionRow], fields: tuple[str, ...]) -> list[dict[str, object]]:
    return [{name: getattr(row, name) for name in fields} for row in rows]


def _fields(given: str | None) -> tuple[str, ...]:
    """The fields to print: all, or those that were asked for, in that order."""
    known = SessionRow.__struct_fields__
    if given is None or given == ALL_FIELDS:
        return known
    names = tuple(name.strip() for name in given.split(",") if name.strip())
    for name in names:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"no such field: {name}",
                f"opensession log --json {near[0] if near else ''}".strip(),
            )
    return names


def _shape(format_: LogFormat | None, json: str | None, jq: str) -> str:
    """How to print; `--json` and `--jq` are JSON, whatever else was asked for must agree."""
    chosen = str(format_ or "")
    if json is None and not jq:
        return chosen or "text"
    if chosen not in ("", "json", "jsonl"):
        raise UsageError(f"--format {chosen} is not JSON", "opensession log --json")
    return chosen or "json"


def _check_followable(params: SessionsListParams, shape: str, jq: str) -> None:
    """Events come from every session of the scope: what only filters lists cannot be kept."""
    kept_back = {
        "--grep": params.grep,
        "--touches": params.touches,
        "--model": params.model,
        "--before": params.before,
        "--has-errors": params.has_errors,
        "--tag": params.tags,
        "--starred": params.starred,
        "--jq": jq,
        "--format markdown": shape == "markdown",
    }
    for option, given in kept_back.items():
        if given:
            raise UsageError(
                f"--follow does not go with {option}", "opensession log --follow --tool AGENT"
            )


def _say_what_is_left_out(found: SessionsListResult, params: SessionsListParams) -> None:
    from opensession.client.render.numbers import grouped

    said = []
    shown = len(found.sessions)
    if found.total > shown:
        said.append(f"{grouped(shown)} of {grouped(found.total)} (-n {grouped(found.total)})")
    scoped = bool(found.scope) and not params.all and not params.project
    if not found.total:
        none = f"no sessions of {found.scope}" if scoped else "no sessions"
        said.append(f"{none} fit that" if _narrowed(params) else none)
    elif scoped:
        said.append(f"only {found.scope}")
    if found.hidden:
        more = "more " if found.total else ""
        said.append(f"{grouped(found.hidden)} {more}elsewhere (--all)")
    output.note_scope(said, found.indexing)


def _narrowed(params: SessionsListParams) -> bool:
    """Whether anything but the place narrows the list: then there may be sessions all the same."""
    said = (params.tool, params.model, params.touches, params.grep, params.since, params.before)
    return any(said) or params.has_errors or params.starred or bool(params.tags)
