"""Sessions as they are listed, looked at and taken away."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from opensession.core.hub import Have, SessionSummary
from opensession.core.timeparse import format_time
from opensession.server.access import Action, Caller, may, whose
from opensession.server.api.errors import ApiError
from opensession.server.api.raw import folded, verbatim
from opensession.server.api.route import Route
from opensession.server.state import Hub
from opensession.server.storage.interface import Ask, Row, Visible, Why
from opensession.server.storage.listing import is_there, now_us

_DAY_US = 86_400_000_000
_RANGES = {"24h": _DAY_US, "7d": 7 * _DAY_US, "30d": 30 * _DAY_US}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")

Text = Annotated[str, msgspec.Meta(max_length=1000)]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Filters are exact but for `search`: words of the content and the title, phrases in quotes.
    `cursor` is `next` of the page before; it stands above `page`.
    """

    page: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    cursor: Text = ""
    search: Text = ""
    tool: Text = ""
    model: Text = ""
    git_repo_name: Text = ""
    sort: Literal["recent", "popular", "longest"] = "recent"
    time_range: Literal["24h", "7d", "30d", "all"] = "all"


class SessionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page. `total` counts all that fit; `next` is empty on the last page."""

    sessions: list[SessionSummary]
    total: int
    page: int
    per_page: int
    next: str = ""


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """A session that belongs to another: as what it is linked `handoff`, as its `parent`, or as its
    `child`.
    """

    id: str
    title: str
    tool: str
    link_type: str
    url: str


class SessionDetail(SessionSummary, frozen=True, kw_only=True):
    """A session with those that it is linked with."""

    linked_sessions: list[Linked] = []


class Repositories(msgspec.Struct, frozen=True, kw_only=True):
    """Names of repositories."""

    repos: list[str]


class OneQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Narrows an id that several sessions have."""

    agent: Text = ""
    device: Text = ""


class RawQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"form": "as"}):
    """`as=sent`: header and events exactly as they were received."""

    agent: Text = ""
    device: Text = ""
    form: Literal["hail", "sent"] = "hail"


async def list_sessions(
    hub: Hub, caller: Caller, _request: web.Request, query: ListQuery
) -> SessionPage:
    """What the caller may see."""
    since = _RANGES.get(query.time_range)
    ask = Ask(
        search=query.search,
        tool=query.tool,
        model=query.model,
        repository=query.git_repo_name,
        since_us=None if since is None else now_us() - since,
        sort=query.sort,
        offset=(query.page - 1) * query.per_page,
        limit=query.per_page,
        after=query.cursor,
    )
    try:
        found = await hub.storage.find(ask, _visible(hub, caller, "sessions.list"))
    except ValueError as error:
        raise ApiError("bad_request", str(error)) from None
    return SessionPage(
        sessions=[SessionSummary(**_summary(hub, row)) for row in found.rows],
        total=found.total,
        page=query.page,
        per_page=query.per_page,
        next=found.next,
    )


async def list_repositories(hub: Hub, caller: Caller, _request: web.Request) -> Repositories:
    """The repositories of what the caller may see."""
    return Repositories(
        repos=await hub.storage.repositories(_visible(hub, caller, "sessions.list"))
    )


async def get_session(
    hub: Hub, caller: Caller, request: web.Request, query: OneQuery
) -> SessionDetail:
    """One session."""
    row = await _there(hub, caller, request, query, "session.read")
    who = _visible(hub, caller, "session.read")
    linked = [
        Linked(
            id=other.key.id,
            title=other.title,
            tool=other.key.agent,
            link_type=kind,
            url=_url(hub, other),
        )
        for other, kind in await hub.storage.related(row, who)
    ]
    return SessionDetail(**_summary(hub, row), linked_sessions=linked)


async def get_raw(
    hub: Hub, caller: Caller, request: web.Request, query: RawQuery
) -> web.StreamResponse:
    """A session's lines."""
    row = await _there(hub, caller, request, query, "session.read")
    body = await hub.storage.open(row)
    if body is None:
        raise ApiError("not_found", "there is no such session")
    try:
        response = web.StreamResponse()
        response.content_type = "application/x-ndjson"
        name = _UNSAFE.sub("_", row.key.id)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.hail.jsonl"'
        lines = verbatim(body) if query.form == "sent" else folded(body)
        await response.prepare(request)
        async for piece in lines:
            await response.write(piece)
        return response
    finally:
        body.close()


async def delete_session(hub: Hub, caller: Caller, request: web.Request, query: OneQuery) -> None:
    """Takes a session of the caller's own back."""
    row = await _there(hub, caller, request, query, "session.delete")
    await _remove(hub, row, "recalled")


async def delete_any_session(
    hub: Hub, _caller: Caller, request: web.Request, query: OneQuery
) -> None:
    """Takes any session away."""
    everyone = Visible(everyone=True)
    id = request.match_info["id"]
    row = await hub.storage.resolve(id, everyone, query.agent, query.device)
    if row is None:
        raise ApiError("not_found", "there is no such session")
    await _remove(hub, row, "deleted")


async def _remove(hub: Hub, row: Row, why: Why) -> None:
    if not await hub.storage.remove(row, why):
        raise ApiError("gone", "the session was taken back", have=_gone(row))


async def _there(
    hub: Hub, caller: Caller, request: web.Request, query: OneQuery | RawQuery, action: Action
) -> Row:
    """The session that a path names, if the caller may do this to it."""
    who = _visible(hub, caller, action)
    row = await hub.storage.resolve(request.match_info["id"], who, query.agent, query.device)
    if row is None or not may(action, caller, row.key.owner, public=hub.public):
        raise ApiError("not_found", "there is no such session")
    if not is_there(row):
        raise ApiError("gone", "the session was taken back", have=_gone(row))
    return row


def _gone(row: Row) -> Have:
    return Have(generation=row.generation, rewind=row.rewind, gone=True)


def _visible(hub: Hub, caller: Caller, action: Action) -> Visible:
    found = whose(action, caller, public=hub.public)
    return Visible(found.account, found.everyone)


def _url(hub: Hub, row: Row) -> str:
    return f"{hub.base_url}/api/sessions/{row.key.id}"


def _summary(hub: Hub, row: Row) -> dict[str, Any]:
    """The fields of a summary."""
    return {
        "id": row.key.id,
        "owner": row.key.owner,
        "nickname": row.nickname,
        "device": row.key.device,
        "tool": row.key.agent,
        "role": row.role,
        "url": _url(hub, row),
        "title": row.title,
        "description": row.description,
        "agent_provider": row.provider,
        "agent_model": row.model,
        "tags": row.tags,
        "created_at": format_time(row.created_us),
        "updated_at": format_time(row.updated_us),
        "uploaded_at": format_time(row.uploaded_us),
        "expires_at": None if row.expires_us is None else format_time(row.expires_us),
        "parent_session_id": row.parent,
        "event_count": row.seq,
        "message_count": row.messages,
        "user_message_count": row.user_messages,
        "tool_call_count": row.tool_calls,
        "task_count": row.tasks,
        "duration_seconds": max(0, row.updated_us - row.created_us) // 1_000_000,
        "total_input_tokens": row.input_tokens,
        "total_output_tokens": row.output_tokens,
        "has_errors": row.has_errors,
        "git_remote": row.git_remote,
        "git_branch": row.git_branch,
        "git_commit": row.git_commit,
        "git_repo_name": row.repository,
        "working_directory": row.directory,
        "body_url": row.body_url or None,
        "session_score": row.score,
        "score_plugin": row.score_plugin,
        "generation": row.generation,
        "bytes": row.size,
    }


_ERRORS = (400, 404, 410)

ROUTES = (
    Route(
        method="GET",
        path="/api/sessions",
        handler=list_sessions,
        action="sessions.list",
        query=ListQuery,
        response=SessionPage,
        doc="The sessions that the caller may see, by last activity, messages or duration.",
    ),
    Route(
        method="GET",
        path="/api/sessions/repos",
        handler=list_repositories,
        action="sessions.list",
        response=Repositories,
        doc="The names of the repositories that these sessions are of.",
    ),
    Route(
        method="GET",
        path="/api/sessions/{id}",
        handler=get_session,
        action="session.read",
        query=OneQuery,
        response=SessionDetail,
        also=_ERRORS,
        doc="One session. Of several with this id the caller's own comes first, then the newest.",
    ),
    Route(
        method="GET",
        path="/api/sessions/{id}/raw",
        handler=get_raw,
        action="session.read",
        query=RawQuery,
        gives="application/x-ndjson",
        also=_ERRORS,
        doc="A session as HAIL lines: header, events by time with what came later folded in, stats."
        " With `as=sent` header and events exactly as they were received.",
    ),
    Route(
        method="DELETE",
        path="/api/sessions/{id}",
        handler=delete_session,
        action="session.delete",
        query=OneQuery,
        status=204,
        also=_ERRORS,
        doc="Takes a session of one's own back. Its content is gone, and only a new generation"
        " of it is taken in again.",
    ),
    Route(
        method="DELETE",
        path="/api/admin/sessions/{id}",
        handler=delete_any_session,
        action="session.delete_any",
        query=OneQuery,
        status=204,
        also=_ERRORS,
        doc="Takes any session away, for admins.",
    ),
)
