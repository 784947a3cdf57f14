"""What every answer has: one shape of errors, headers that keep browsers safe."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from opensession.server.api.errors import STATUS
from tests.helpers.hub import Account, Hub, running_hub

ORIGIN = "https://pages.example.org"


@pytest.fixture(scope="module")
def seen() -> Iterator[Hub]:
    """A hub behind https that pages of one other origin may ask."""
    with running_hub(
        OPENSESSION_BASE_URL="https://hub.example.org", OPENSESSION_ALLOWED_ORIGINS=ORIGIN
    ) as found:
        yield found


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/nothing/here", None, {}, 404),
        ("GET", "/api/auth/api-keys/%00%ff/x", None, {}, 404),
        ("GET", "/git", None, {}, 404),
        ("GET", "/api/ingest/preview", None, {}, 404),
        ("POST", "/api/health", None, {}, 405),
        ("OPTIONS", "/api/health", None, {}, 405),
        ("PATCH", "/api/health", None, {}, 405),
        ("GET", "/api/health?x=1", None, {}, 400),
        ("POST", "/api/auth/login", b'{"email":', {}, 400),
        ("POST", "/api/auth/login", b"", {}, 400),
        ("POST", "/api/auth/login", b"\xff\xfe", {}, 400),
        ("POST", "/api/auth/login", b"[" * 50_000, {}, 422),
        ("POST", "/api/auth/login", b"[]", {}, 422),
        ("POST", "/api/auth/login", b'{"email": 1, "password": "x"}', {}, 422),
        ("POST", "/api/auth/login", b" " * ((1 << 20) + 1), {}, 413),
        ("POST", "/api/auth/login", b"{}", {"Content-Type": "text/plain"}, 415),
        ("POST", "/api/auth/login", b"{}", {"Content-Encoding": "gzip"}, 415),
        ("GET", "/api/auth/me", None, {}, 401),
        ("GET", "/api/auth/me", None, {"Authorization": "Basic eDp5"}, 401),
        ("GET", "/api/auth/me", None, {"Authorization": "Bearer"}, 401),
        ("GET", "/api/auth/me", None, {"Authorization": "Bearer a.b.c"}, 401),
        ("GET", "/api/auth/me", None, {"X-OpenSession-Admin-Key": "wrong"}, 401),
        ("GET", "/api/health", None, {"Expect": "the unexpected"}, 400),
    ],
)
def test_every_error_has_the_one_shape(
    hub: Hub, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    sent = {"Content-Type": "application/json"} if body is not None else {}
    reply = hub.call(method, path, body, headers={**sent, **headers})

    assert reply.status == status
    assert reply.headers["Content-Type"].startswith("application/json")
    assert STATUS[reply.json["code"]] == status
    assert reply.json["message"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.json.keys() <= {"code", "message", "hint", "have", "retry_after"}


@pytest.mark.parametrize(
    "sent",
    [
        b"this is no request\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    ],
    ids=["no http", "long header", "bad length"],
)
def test_what_is_no_request_gets_an_error_of_the_same_shape(hub: Hub, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", hub.port), timeout=60) as connection:
        connection.sendall(sent)
        got = b""
        while part := connection.recv(65536):
            got += part
    head, _, body = got.partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ") or head.startswith(b"HTTP/1.0 400 ")
    assert json.loads(body)["code"] == "bad_request"
    assert b"yyyy" not in body
    assert "this is no request" not in hub.log


def test_a_405_says_what_is_allowed(hub: Hub) -> None:
    allowed = hub.call("PATCH", "/api/auth/password").headers["Allow"]

    assert {word.strip() for word in allowed.split(",")} == {"PUT"}


def test_answers_are_safe_in_browsers_and_in_caches(seen: Hub) -> None:
    headers = seen.call("GET", "/api/health").headers

    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Server"] == "opensession"


def test_the_page_of_documentation_runs_nothing(hub: Hub) -> None:
    reply = hub.call("GET", "/docs")
    policy = reply.headers["Content-Security-Policy"]

    assert b"<script" not in reply.body
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_pages_of_allowed_origins_may_ask_and_others_not(seen: Hub) -> None:
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    allowed = seen.call("OPTIONS", "/api/auth/password", headers=asking)
    foreign = seen.call(
        "OPTIONS", "/api/auth/password", headers={**asking, "Origin": "https://evil.example.org"}
    )

    assert allowed.status == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    assert foreign.status == 405
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_a_fault_of_the_hub_tells_nothing_and_goes_to_the_log_by_its_place(
    newcomer: Callable[[], Account],
) -> None:
    """A table that is gone stands for whatever may be wrong."""
    with running_hub() as broken:
        broken.account("ann")
        from tests.server.people import change

        change(broken, "DROP TABLE refresh_token")
        reply = broken.call("POST", "/api/auth/refresh", {"refresh_token": "a secret token"})
        log = broken.log

    assert (reply.status, reply.code) == (500, "internal")
    assert "refresh_token" not in reply.body.decode()
    assert "/api/auth/refresh failed" in log
    assert "a secret token" not in log
