"""A route as data, and how a request becomes a call of its handler.

    Route("GET", "/api/sessions", list_sessions, "sessions.list", response=SessionPage,
          query=ListQuery, doc="…")

    async def list_sessions(
        hub: Hub, caller: Caller, request: web.Request, query: ListQuery
    ) -> SessionPage | Answer | web.StreamResponse: …

A handler is called with (hub, caller, request), then with `query` if the route has a query type,
then with the body if the route has a `request` type. By then the caller was admitted to `action`
(`access.admits`: 401 and 403 are done, but whether what the path names is the caller's is the
handler's question: `access.may`, and 404 where not), and query and body are checked Structs.

- Path parameters: `request.match_info["id"]`; they match `[^/]+`, so check them.
- `query`: a msgspec Struct; numbers and bools are converted from text, a repeated name fills a
  `list[str]` field, a name that is unknown or repeated without a list is 400. Bound every number
  (`Annotated[int, Meta(ge=…, le=2**62)]`): what is larger would reach SQLite.
- `request`: a Struct decoded from `application/json` (at most `JSON_LIMIT` bytes); malformed 400,
  of the wrong shape 422, other media types 415, compressed 415.
- `accepts`: media types of a body that the handler reads itself from `request.content`. Nothing is
  decompressed and nothing limited on the way: `Content-Encoding` is the handler's.
- Raise `ApiError(code, message, hint, have=…)` for whatever goes wrong.
- Give a Struct (200, or the route's `status`), an `Answer` for another status or headers, None for
  204, or a response of your own (a stream: its first line is `await response.prepare(request)`).
- `rate` names a limit of `auth.limits.LIMITS`, counted by the caller's address.

`ROUTES` of every module are listed in `api/table.py`; router, OpenAPI document, `/docs` and
`/llms.txt` and the tests of access are made from that list.
"""

from __future__ import annotations

import asyncio
import functools
import types
import typing
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import msgspec
from aiohttp import web

from opensession.server import access
from opensession.server.access import Action, Caller
from opensession.server.api.errors import ApiError, answer
from opensession.server.state import Hub

JSON_LIMIT = 1 << 20
"""Bytes of a body that is decoded whole."""

JSON_SECONDS = 30.0
"""How long such a body may take to arrive."""

Method = Literal["GET", "POST", "PUT", "DELETE"]


class Answer(msgspec.Struct, frozen=True):
    """A result with a status or headers that are not the route's."""

    value: msgspec.Struct | None
    status: int = 200
    headers: dict[str, str] = {}


Result: TypeAlias = msgspec.Struct | Answer | web.StreamResponse | None
Handler: TypeAlias = Callable[..., Awaitable[Result]]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path. `doc` is its description; its first sentence the summary."""

    method: Method
    path: str
    handler: Handler
    action: Action
    doc: str
    request: type[msgspec.Struct] | None = None
    response: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    accepts: tuple[str, ...] = ()
    gives: str = "application/json"
    """The media type of the answer where `response` is None."""
    status: int = 200
    also: tuple[int, ...] = ()
    """Other statuses it may answer with, beyond the errors that every route has."""
    rate: str = ""

    @property
    def name(self) -> str:
        """Its operation's id, such as `list_sessions`."""
        return self.handler.__name__


def adapted(
    route: Route, hub: Hub, who: Callable[[Hub, web.Request], Awaitable[Caller]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route as the HTTP library calls it. `who` finds out the caller."""

    async def handle(request: web.Request) -> web.StreamResponse:
        caller = await who(hub, request)
        if route.rate:
            hub.limits.count(route.rate, caller.address)
        _admit(route, hub, caller)
        arguments: list[object] = [hub, caller, request]
        if route.query is not None:
            arguments.append(_query(request, route.query))
        elif request.query:
            raise ApiError("bad_request", f"no such parameter: {_shown(next(iter(request.query)))}")
        if route.request is not None:
            arguments.append(await _body(request, route.request))
        elif route.accepts:
            _check_media(request, route.accepts)
            _check_length(request, hub.config.max_body_bytes)
        return _respond(route, await route.handler(*arguments))

    return handle


def _admit(route: Route, hub: Hub, caller: Caller) -> None:
    verdict = access.admits(route.action, caller, public=hub.public)
    if verdict == "unauthorized":
        said = caller.refused or "this needs a key or a login"
        raise ApiError("unauthorized", said, "opensession account login")
    if verdict == "forbidden":
        scope = access.TABLE[route.action].scope
        has = ", ".join(sorted(caller.scopes)) or "none"
        raise ApiError("forbidden", f"this needs the scope {scope}; this credential has: {has}")


def _query(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    lists = _list_names(kind)
    known = _names(kind)
    values: dict[str, Any] = {}
    for name, text in request.query.items():
        if name not in known:
            raise ApiError("bad_request", f"no such parameter: {_shown(name)}")
        if name in lists:
            values.setdefault(name, []).append(text)
        elif name in values:
            raise ApiError("bad_request", f"{name} is given twice")
        else:
            values[name] = text
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError("bad_request", f"in the query: {error}") from None


async def _body(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    _check_media(request, ("application/json",))
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ApiError("unsupported", "this route takes no compressed body")
    try:
        async with asyncio.timeout(JSON_SECONDS):
            data = await request.read()
    except TimeoutError:
        raise ApiError("bad_request", "the body did not arrive in time") from None
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise ApiError("invalid", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ApiError("bad_request", "the body is not JSON") from None


def _check_media(request: web.Request, accepted: tuple[str, ...]) -> None:
    if request.content_type not in accepted or "Content-Type" not in request.headers:
        raise ApiError("unsupported", f"the body's Content-Type is {' or '.join(accepted)}")


def _check_length(request: web.Request, most: int) -> None:
    """Refuses early what says itself that it is too large; whoever decodes counts again."""
    if request.content_length is not None and request.content_length > most:
        raise ApiError("too_large", f"this hub takes at most {most} bytes in a request")


async def expected(request: web.Request) -> web.StreamResponse | None:
    """A client that sends no body before it is told to: it is told, or refused in our shape."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # what was sent is no part of the answer
        return None
    return answer(ApiError("bad_request", "the only expectation that is met is 100-continue"))


def _respond(route: Route, result: Result) -> web.StreamResponse:
    if isinstance(result, web.StreamResponse):
        return result
    if not isinstance(result, Answer):
        result = Answer(result, route.status)
    if result.value is None:
        return web.Response(status=204, headers=result.headers)
    return web.Response(
        status=result.status,
        body=msgspec.json.encode(result.value),
        content_type="application/json",
        headers=result.headers,
    )


def _shown(name: str) -> str:
    """A foreign name in an error: short, and one line."""
    return repr(name[:40])


@functools.cache
def _names(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind))


@functools.cache
def _list_names(kind: type[msgspec.Struct]) -> frozenset[str]:
    hints = typing.get_type_hints(kind)
    return frozenset(
        field.encode_name
        for field in msgspec.structs.fields(kind)
        if _is_list(hints.get(field.name, field.type))
    )


def _is_list(kind: Any) -> bool:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return any(_is_list(part) for part in typing.get_args(kind))
    return kind in (list, tuple) or origin in (list, tuple)
