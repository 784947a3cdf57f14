"""The hub over HTTP, for `account` alone: publishing is the daemon's.

Only the standard library, and only when it is used. A key goes over https or to this machine; a
redirect is never followed, since it would take the key along.
"""

from __future__ import annotations

import ipaddress
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from opensession.core.errors import NotFound, OpenSessionError, Refused, UsageError
from opensession.core.hub import HubError

SECONDS = 20.0
_ANSWER_LIMIT = 4 << 20

R = TypeVar("R")


class Unanswered(OpenSessionError):
    """No hub answers at that address."""


class Rejected(Refused):
    """The hub does not take the credential, or nothing from whom it belongs to."""


def checked_address(url: str, *, insecure: bool) -> str:
    """A hub's address without a slash at its end.

    Raises UsageError for what is no address, Refused for one that a key must not go to.
    """
    hint = "opensession config --server https://hub.example"
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError("a hub's address begins with https:// (or http:// on this machine)", hint)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("a hub's address holds no name, password or query", hint)
    if parts.scheme == "http" and not insecure and not is_here(host):
        raise Refused(f"a key would go to {host} unencrypted", "use https://, or add --insecure")
    return url.strip().rstrip("/")


def is_here(host: str) -> bool:
    """Reports whether a host is this machine, without asking anybody."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def call(
    url: str, method: str, path: str, kind: type[R], *, body: Any = None, credential: str = ""
) -> R:
    """The answer to one request; `kind` is type(None) for one without content.

    Raises Unanswered where nobody answers, Rejected for a credential that the hub does not take,
    and otherwise the error that the hub's own says.
    """
    import http.client
    import urllib.error
    import urllib.request

    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if credential:
        headers["Authorization"] = f"Bearer {credential}"
    data = None if body is None else msgspec.json.encode(body)
    request = urllib.request.Request(  # noqa: S310 - the address was checked
        f"{url}{path}", data=data, method=method, headers=headers
    )
    handlers: list[Any] = [_no_redirects()]
    if is_here(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))  # a proxy is no way to this machine
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=SECONDS) as answer:
            found = answer.read(_ANSWER_LIMIT)
    except urllib.error.HTTPError as error:
        with error:
            raise _said(url, error.code, error.read(_ANSWER_LIMIT)) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        what = getattr(reason, "strerror", None) or type(reason).__name__
        raise Unanswered(f"{url} does not answer: {what}", f"curl {url}/api/health") from None
    if kind is type(None):
        return None
    try:
        return msgspec.json.decode(found, type=kind)
    except msgspec.MsgspecError:
        raise Unanswered(f"{url} answers, but is no hub", "opensession config --server …") from None


def part(text: str) -> str:
    """A piece of a path."""
    return quote(text, safe="")


def _no_redirects() -> Any:
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    return Stay()


def _said(url: str, status: int, data: bytes) -> OpenSessionError:
    from opensession.client.render.words import line

    try:
        found = msgspec.json.decode(data, type=HubError)
    except msgspec.MsgspecError:
        return Unanswered(
            f"{url} answers {status}, but not as a hub does", "opensession config --server …"
        )
    message, hint = f"the hub says: {line(found.message)}", line(found.hint)
    if found.retry_after:
        hint = hint or f"try again in {found.retry_after} s"
    if status in (401, 403):
        return Rejected(message, hint or "opensession account login")
    if status in (400, 422):
        return UsageError(message, hint)
    return (NotFound if status == 404 else Refused if status < 500 else Unanswered)(message, hint)
