"""Every route × everybody: what each gets, against a real hub.

`+` is whatever the route answers to who may: anything but 401, 403 and 404. A route without a row
fails, and so does a row without a route.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from opensession.server import access
from opensession.server.access import TABLE, Action, Caller, Cell, Rule
from opensession.server.api.route import Route
from opensession.server.api.table import ROUTES
from tests.helpers.hub import Account, Hub, running_hub
from tests.server.people import BAD, COLUMNS, People

TABLE_OF_ALL = """
                                   nobody owner other admin admin-key read publish account bad
GET    /api/health                  +     +     +     +     +         +    +       +       +
GET    /api/ready                   +     +     +     +     +         +    +       +       +
GET    /api/capabilities            +     +     +     +     +         +    +       +       +
GET    /api/openapi.json            +     +     +     +     +         +    +       +       +
GET    /docs                        +     +     +     +     +         +    +       +       +
GET    /llms.txt                    +     +     +     +     +         +    +       +       +
GET    /                            +     +     +     +     +         +    +       +       +
POST   /api/auth/register           +     +     +     +     +         +    +       +       +
POST   /api/register                +     +     +     +     +         +    +       +       +
POST   /api/auth/login              +     +     +     +     +         +    +       +       +
POST   /api/auth/refresh            +     +     +     +     +         +    +       +       +
POST   /api/auth/logout             +     +     +     +     +         +    +       +       +
POST   /api/auth/verify             401   +     +     +     403       +    +       +       401
GET    /api/auth/me                 401   +     +     +     403       +    +       +       401
PUT    /api/auth/password           401   +     +     +     403       403  403     +       401
POST   /api/auth/api-keys/issue     401   +     +     +     403       403  403     +       401
GET    /api/auth/api-keys           401   +     +     +     403       403  403     +       401
DELETE /api/auth/api-keys/{id}      401   +     404   404   403       403  403     +       401
POST   /api/auth/regenerate-key     401   +     +     +     403       403  403     403     401
GET    /api/sessions                401   +     +     +     403       +    403     403     401
GET    /api/sessions/repos          401   +     +     +     403       +    403     403     401
GET    /api/sessions/{id}           401   +     404   404   403       +    403     403     401
GET    /api/sessions/{id}/raw       401   +     404   404   403       +    403     403     401
PUT    /api/sessions/{id}/events    401   +     +     +     403       403  +       403     401
POST   /api/sessions                401   +     +     +     403       403  +       403     401
DELETE /api/sessions/{id}           401   +     404   404   403       403  +       403     401
DELETE /api/admin/sessions/{id}     401   403   403   +     +         403  403     403     401
GET    /api/events                  401   +     +     +     403       +    403     403     401
"""

EXPECTED: dict[tuple[str, str], dict[str, str]] = {
    (words[0], words[1]): dict(zip(COLUMNS, words[2:], strict=True))
    for words in map(str.split, TABLE_OF_ALL.strip().splitlines()[1:])
}


@pytest.fixture(scope="module")
def people(hub: Hub, newcomer: Callable[[], Account]) -> People:
    """Everybody, on the hub of this worker."""
    return People(hub, newcomer)


@pytest.mark.parametrize("route", ROUTES, ids=[f"{r.method} {r.path}" for r in ROUTES])
def test_a_route_admits_whom_its_row_names(people: People, route: Route) -> None:
    row = EXPECTED[route.method, route.path]
    wanted = {name: row[name if name in row else "bad"] for name in people.headers}

    assert {name: outcome(people, route, name) for name in people.headers} == wanted


def test_with_a_public_feed_everyone_reads_and_nobody_else_changes() -> None:
    """Only what the table calls public is different from a hub that shows nobody anything."""
    with running_hub(OPENSESSION_PUBLIC_FEED_ENABLED="true") as hub:
        hub.account("admin")
        names = iter(("ann", "bob"))
        people = People(hub, lambda: hub.account(next(names)))
        shown = [route for route in ROUTES if TABLE[route.action].nobody == "public"]
        others = [route for route in ROUTES if route.action.startswith("session.")]

        for name in ("nobody", "owner", "other", "admin"):
            assert {outcome(people, route, name) for route in shown} == {"+"}, name
        assert {outcome(people, route, "expired key") for route in shown} == {"401"}
        kept = [route for route in others if route not in shown]
        assert {outcome(people, route, "nobody") for route in kept} == {"401"}
        deleting = [route for route in kept if route.action == "session.delete"]
        assert {outcome(people, route, "other") for route in deleting} == {"404"}


def test_every_row_has_its_route() -> None:
    assert EXPECTED.keys() == {(route.method, route.path) for route in ROUTES}


def test_everybody_is_in_the_table(people: People) -> None:
    assert set(people.headers) == {*COLUMNS, *BAD} - {"bad"}


def outcome(people: People, route: Route, name: str) -> str:
    """How a request of somebody ends that is right in all else."""
    path, body, headers = request_for(people, route)
    reply = people.hub.call(
        route.method,
        path,
        body,
        headers={**headers, **people.headers[name]},
        read=route.gives != "text/event-stream",
    )
    assert reply.status < 500, reply.body
    return str(reply.status) if reply.status in (401, 403, 404) else "+"


def request_for(people: People, route: Route) -> tuple[str, Any, Mapping[str, str]]:
    """Path, body and headers. A body of the wrong shape is refused after admission, so it stands
    for a right one where that would cost a password's hash.
    """
    body: Any = {} if route.request is not None else None
    if route.path == "/api/auth/api-keys/issue":
        body = {"scopes": ["account"]}  # all that every caller in the table may pass on
    path = route.path
    if route.path == "/api/auth/api-keys/{id}":
        path = path.replace("{id}", _fresh_key(people))
    if "/sessions/{id}" in path:
        path = path.replace("{id}", _fresh_session(people))
    return path, body, {}


def _fresh_session(people: People) -> str:
    id = f"session-{secrets.token_hex(8)}"
    context = {
        "tags": [],
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    agent = {"provider": "unknown", "model": "unknown", "tool": "codex"}
    session = {"version": "hail-1.0.0", "session_id": id, "agent": agent, "context": context}
    asked = {"session": {**session, "events": []}}
    made = people.hub.call("POST", "/api/sessions", asked, bearer=people.owner.access)
    assert made.status == 201, made.body
    return id


def _fresh_key(people: People) -> str:
    asked = {"scopes": ["read"]}
    bearer = people.owner.access
    made = people.hub.call("POST", "/api/auth/api-keys/issue", asked, bearer=bearer)
    return str(made.json["id"])


def caller(account: str = "", *scopes: access.Scope) -> Caller:
    """Somebody, without a request."""
    return Caller(account=account, scopes=frozenset(scopes))


@pytest.mark.parametrize("action", TABLE)
def test_no_row_gives_nobody_more_than_an_account_has(action: Action) -> None:
    rule = TABLE[action]
    order: tuple[Cell, ...] = ("no", "public", "yes")

    assert order.index(rule.nobody) <= max(order.index(rule.owner), order.index(rule.admin))
    if rule.nobody != "yes":
        assert rule.scope is not None or rule.other == "no"


@pytest.mark.parametrize("action", TABLE)
def test_what_is_shown_to_all_depends_on_the_public_feed(action: Action) -> None:
    rule: Rule = TABLE[action]
    opened = access.admits(action, caller(), public=True) == "yes"
    closed = access.admits(action, caller(), public=False) == "yes"

    assert opened is (rule.nobody != "no")
    assert closed is (rule.nobody == "yes")


def test_an_admin_sees_nothing_of_others_and_may_delete_it() -> None:
    admin = caller("boss", "read", "publish", "account", "admin")

    assert not access.may("session.read", admin, "ann", public=False)
    assert not access.may("session.delete", admin, "ann", public=False)
    assert access.may("session.delete_any", admin, "ann", public=False)
    assert access.may("session.read", admin, "boss", public=False)
    assert access.whose("sessions.list", admin, public=False) == ("boss", False)


def test_with_a_public_feed_everyone_reads_and_only_the_owner_deletes() -> None:
    for who in (caller(), caller("bob", "read", "publish")):
        assert access.may("session.read", who, "ann", public=True)
        assert not access.may("session.delete", who, "ann", public=True)
    assert access.whose("sessions.list", caller(), public=True) == ("", True)
    assert access.whose("sessions.list", caller("bob", "read"), public=True) == ("bob", True)


def test_a_bad_credential_is_worse_than_none_where_the_feed_is_public() -> None:
    refused = Caller(refused="this key has expired")

    assert access.admits("sessions.list", refused, public=True) == "unauthorized"
    assert access.admits("hub.look", refused, public=True) == "yes"
