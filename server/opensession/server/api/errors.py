"""What the hub answers when it does not do something: one shape (`core.hub.HubError`) for every
status, also for those of the HTTP library.
"""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from aiohttp import web

from opensession.core.hub import Have, HubError

Code = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "conflict",
    "gone",
    "too_large",
    "unsupported",
    "invalid",
    "rate_limited",
    "internal",
    "unavailable",
    "disk_full",
]

STATUS: dict[Code, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "gone": 410,
    "too_large": 413,
    "unsupported": 415,
    "invalid": 422,
    "rate_limited": 429,
    "internal": 500,
    "unavailable": 503,
    "disk_full": 507,
}

_BY_STATUS: dict[int, Code] = {status: code for code, status in STATUS.items()}
_SAID: dict[Code, str] = {
    "not_found": "there is nothing here",
    "method_not_allowed": "this path does not take that method",
    "too_large": "the body is too large for this route",
}

log = logging.getLogger(__name__)


class ApiError(Exception):
    """Raised by a handler anywhere below it; the caller gets it as JSON with the code's status."""

    def __init__(
        self,
        code: Code,
        message: str,
        hint: str = "",
        *,
        have: Have | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code: Code = code
        self.hint = hint
        self.have = have
        self.retry_after = retry_after


def answer(error: ApiError) -> web.Response:
    """An error as a response."""
    said = HubError(
        code=error.code,
        message=str(error),
        hint=error.hint,
        have=error.have,
        retry_after=error.retry_after,
    )
    response = web.Response(
        status=STATUS[error.code],
        body=msgspec.json.encode(said),
        content_type="application/json",
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.code == "unauthorized":
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@web.middleware
async def speak_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Makes an answer of whatever a handler raised. What nobody foresaw goes to the log by its
    kind and place only: its words may hold text of a session.
    """
    try:
        return await handler(request)
    except ApiError as error:
        return answer(error)
    except web.HTTPException as error:
        return of_status(error)
    except ConnectionError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return answer(ApiError("disk_full", "the hub's disk is full", retry_after=60))
        return _unforeseen(request, error)
    except Exception as error:
        return _unforeseen(request, error)


def of_status(found: web.HTTPException) -> web.StreamResponse:
    """An exception of the HTTP library in our shape; redirects stay as they are."""
    if found.status < 400:
        moved = web.Response(status=found.status)
        if "Location" in found.headers:
            moved.headers["Location"] = found.headers["Location"]
        return moved
    code = _BY_STATUS.get(found.status, "bad_request" if found.status < 500 else "internal")
    response = answer(ApiError(code, _SAID.get(code, found.reason.lower())))
    if "Allow" in found.headers:
        response.headers["Allow"] = found.headers["Allow"]
    return response


def _unforeseen(request: web.Request, error: Exception) -> web.Response:
    frames = "".join(traceback.format_tb(error.__traceback__))
    route = request.match_info.route.resource
    path = route.canonical if route is not None else "?"
    log.error("%s %s failed: %s\n%s", request.method, path, type(error).__name__, frames)
    return answer(ApiError("internal", "the hub failed; its log says where"))
