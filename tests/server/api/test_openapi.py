"""The description is true: what it says may be sent is understood, and answered as it says."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from opensession.server.access import TABLE
from opensession.server.api.route import Route
from opensession.server.api.table import ROUTES
from tests.helpers.hub import Account, Hub

EXAMPLES = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 6
NAMES = [f"{route.method} {route.path}" for route in ROUTES]
ENDING = [route for route in ROUTES if route.gives != "text/event-stream"]


@pytest.fixture(scope="module")
def described(hub: Hub) -> dict[str, Any]:
    """The document as the hub gives it."""
    return dict(hub.call("GET", "/api/openapi.json").json)


@pytest.fixture(scope="module")
def ann(newcomer: Callable[[], Account]) -> Account:
    """Whose token all requests come with."""
    return newcomer()


@pytest.mark.parametrize("route", ENDING, ids=[f"{r.method} {r.path}" for r in ENDING])
def test_requests_made_from_the_description_get_the_answers_it_names(
    hub: Hub, described: dict[str, Any], ann: Account, route: Route
) -> None:
    """Right and wrong requests; no answer is a fault, of another status, or of another shape."""
    import schemathesis  # takes seconds to import, so only who runs this pays
    from schemathesis import checks

    schemathesis.serializer("application/x-ndjson")(_as_line)
    schema = schemathesis.openapi.from_dict(described)
    operation = schema[route.path][route.method]
    checked = [
        checks.not_a_server_error,
        *checks.CHECKS.get_by_names(
            [
                "status_code_conformance",
                "content_type_conformance",
                "response_schema_conformance",
                "response_headers_conformance",
            ]
        ),
    ]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def try_it(case: Any) -> None:
        headers = {"Authorization": f"Bearer {ann.access}"}
        case.call_and_validate(base_url=hub.url, headers=headers, checks=checked)

    try_it()


def _as_line(_context: Any, value: Any) -> bytes:
    """A body of any value as a line of JSON."""
    return json.dumps(value, default=str).encode() + b"\n"


def test_every_route_is_described(described: dict[str, Any]) -> None:
    found = {
        f"{method.upper()} {path}" for path, item in described["paths"].items() for method in item
    }

    assert found == set(NAMES)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_what_needs_a_credential_says_so(described: dict[str, Any]) -> None:
    for route in ROUTES:
        operation = described["paths"][route.path][route.method.lower()]
        assert ("security" in operation) is (TABLE[route.action].nobody != "yes"), route.path
        assert operation.get("x-scope") == TABLE[route.action].scope


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    wanted = set(re.findall(r"#/components/schemas/(\w+)", str(described)))

    assert wanted <= described["components"]["schemas"].keys()
    assert "HubError" in wanted


def test_the_pages_name_every_route_and_type(hub: Hub, described: dict[str, Any]) -> None:
    text = hub.call("GET", "/llms.txt").body.decode()
    page = hub.call("GET", "/docs").body.decode()
    markdown = hub.call("GET", "/docs", headers={"Accept": "text/markdown"})

    assert markdown.body.decode() == text
    assert markdown.headers["Content-Type"].startswith("text/markdown")
    for name in [*NAMES, *described["components"]["schemas"]]:
        assert name in text
        assert name in page
    assert hub.url in text
