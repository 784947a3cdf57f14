"""API keys on a real hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.helpers.hub import Account, Hub
from tests.server.people import change


def keys(hub: Hub, account: Account) -> dict[str, dict[str, Any]]:
    """What is listed, by what is shown of the key."""
    listed = hub.call("GET", "/api/auth/api-keys", bearer=account.access).json["keys"]
    return {key["prefix"]: key for key in listed}


def issue(hub: Hub, account: Account, **asked: object) -> dict[str, Any]:
    reply = hub.call("POST", "/api/auth/api-keys/issue", asked, bearer=account.access)
    assert reply.status == 201, reply.body
    return dict(reply.json)


def verify(hub: Hub, key: str) -> int:
    return hub.call("POST", "/api/auth/verify", bearer=key).status


def test_a_key_is_shown_once_and_listed_by_its_beginning(
    hub: Hub, newcomer: Callable[[], Account]
) -> None:
    ann = newcomer()
    made = issue(hub, ann, label="laptop", expires_in_days=30)
    listed = keys(hub, ann)[made["prefix"]]

    assert made["api_key"].startswith(made["prefix"])
    assert made["api_key"] not in str(listed)
    assert listed["label"] == "laptop"
    assert listed["scopes"] == ["read", "publish"]
    assert listed["state"] == "active"
    assert listed["expires_at"] == made["expires_at"] is not None
    assert listed["last_used_at"] is None
    assert verify(hub, made["api_key"]) == 200
    assert keys(hub, ann)[made["prefix"]]["last_used_at"] is not None


def test_a_replaced_key_is_good_for_seven_more_days(
    hub: Hub, newcomer: Callable[[], Account]
) -> None:
    ann = newcomer()
    old, other = issue(hub, ann), issue(hub, ann)
    new = issue(hub, ann, replaces=old["id"])

    assert keys(hub, ann)[old["prefix"]]["state"] == "grace"
    assert keys(hub, ann)[other["prefix"]]["state"] == "active"
    assert [verify(hub, made["api_key"]) for made in (old, new)] == [200, 200]
    week = 7 * 86_400_000_000
    change(
        hub, "UPDATE api_key SET replaced_us = replaced_us - ? WHERE id = ?", week + 1, old["id"]
    )
    assert keys(hub, ann)[old["prefix"]]["state"] == "expired"
    assert [verify(hub, made["api_key"]) for made in (old, new)] == [401, 200]


def test_regenerate_gives_one_key_and_all_others_their_grace(
    hub: Hub, newcomer: Callable[[], Account]
) -> None:
    ann = newcomer()
    old = [issue(hub, ann), issue(hub, ann)]
    made = hub.call("POST", "/api/auth/regenerate-key", bearer=ann.access).json

    assert set(made["scopes"]) == {"read", "publish", "account"}
    assert [keys(hub, ann)[key["prefix"]]["state"] for key in old] == ["grace", "grace"]
    assert keys(hub, ann)[made["prefix"]]["state"] == "active"


def test_a_revoked_key_ends_at_once(hub: Hub, newcomer: Callable[[], Account]) -> None:
    ann = newcomer()
    made = issue(hub, ann)
    path = f"/api/auth/api-keys/{made['id']}"

    assert hub.call("DELETE", path, bearer=ann.access).status == 204
    assert verify(hub, made["api_key"]) == 401
    assert keys(hub, ann)[made["prefix"]]["state"] == "revoked"
    assert hub.call("DELETE", path, bearer=ann.access).status == 204
    missing = hub.call("DELETE", "/api/auth/api-keys/current", bearer=ann.access)
    assert missing.code == "not_found"


def test_a_key_may_end_itself_and_no_other_without_the_scope(
    hub: Hub, newcomer: Callable[[], Account]
) -> None:
    ann = newcomer()
    mine, other = issue(hub, ann), issue(hub, ann)
    key = mine["api_key"]

    assert hub.call("DELETE", f"/api/auth/api-keys/{other['id']}", bearer=key).status == 403
    assert hub.call("DELETE", "/api/auth/api-keys/current", bearer=key).status == 204
    assert [verify(hub, made["api_key"]) for made in (mine, other)] == [401, 200]


def test_nobody_ends_or_replaces_the_key_of_another(
    hub: Hub, newcomer: Callable[[], Account]
) -> None:
    ann, bob = newcomer(), newcomer()
    made = issue(hub, ann)
    path = f"/api/auth/api-keys/{made['id']}"
    asked = {"replaces": made["id"]}

    assert hub.call("DELETE", path, bearer=bob.access).code == "not_found"
    reply = hub.call("POST", "/api/auth/api-keys/issue", asked, bearer=bob.access)
    assert reply.code == "not_found"
    assert keys(hub, ann)[made["prefix"]]["state"] == "active"


def test_a_key_passes_on_no_more_than_it_has(hub: Hub, newcomer: Callable[[], Account]) -> None:
    ann = newcomer()
    key = issue(hub, ann, scopes=["account"])["api_key"]

    more = hub.call("POST", "/api/auth/api-keys/issue", {"scopes": ["read"]}, bearer=key)
    assert more.code == "forbidden"
    admin = hub.call("POST", "/api/auth/api-keys/issue", {"scopes": ["admin"]}, bearer=ann.access)
    assert admin.code == "invalid"
    assert hub.call("POST", "/api/auth/regenerate-key", bearer=key).code == "forbidden"
