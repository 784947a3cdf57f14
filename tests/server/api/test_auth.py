"""Accounts and logins on a real hub."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.hub import ADMIN_KEY, PASSWORD, Account, Hub, running_hub
from tests.server.people import change

NEW = {"email": "first@example.org", "password": PASSWORD, "nickname": "first"}
VIA_PROXY = {"X-Forwarded-For": "192.0.2.7"}


def log_in(hub: Hub, email: str, password: str = PASSWORD) -> dict[str, str]:
    reply = hub.call("POST", "/api/auth/login", {"email": email, "password": password})
    assert reply.status == 200, reply.body
    return dict(reply.json)


def test_the_first_account_is_made_on_the_hubs_machine_or_with_its_code() -> None:
    """In turn: all that must not work, then the code, and then only what is configured."""
    with running_hub(OPENSESSION_REGISTRATION="closed") as hub:
        away = [
            VIA_PROXY,
            {"Forwarded": "for=192.0.2.7"},
            {"X-Real-IP": "192.0.2.7"},
            {"Host": "evil.example.org"},
            {"Origin": "https://evil.example.org"},
        ]
        refused = [hub.call("POST", "/api/auth/register", NEW, headers=h) for h in away]
        assert [reply.code for reply in refused] == ["forbidden"] * len(away)
        wrong = hub.call("POST", "/api/auth/register", {**NEW, "code": "AAAA-AAAA-AAAA"})
        assert wrong.code == "forbidden"
        assert hub.call("POST", "/api/register", {"nickname": "x"}).code == "forbidden"
        assert hub.call("GET", "/api/capabilities").json["registration"] == "first"

        typed = hub.code.lower().replace("-", " ")
        made = hub.call("POST", "/api/auth/register", {**NEW, "code": typed}, headers=VIA_PROXY)
        assert made.status == 201
        me = hub.call("GET", "/api/auth/me", bearer=made.json["access_token"]).json
        assert (me["role"], me["email"]) == ("admin", "first@example.org")

        again = {**NEW, "email": "second@example.org", "code": typed}
        assert hub.call("POST", "/api/auth/register", again).code == "forbidden"
        assert hub.call("GET", "/api/capabilities").json["registration"] == "closed"
        assert made.json["refresh_token"] not in hub.log


def test_where_people_are_invited_an_admin_makes_their_accounts() -> None:
    with running_hub(OPENSESSION_REGISTRATION="invite") as hub:
        admin = hub.account("admin")  # on the hub's own machine, without a code
        bob = {**NEW, "email": "bob@example.org", "nickname": "bob"}
        assert hub.call("POST", "/api/auth/register", bob).code == "forbidden"
        made = hub.call("POST", "/api/auth/register", bob, bearer=admin.access)
        assert made.status == 201
        access = made.json["access_token"]
        assert hub.call("GET", "/api/auth/me", bearer=access).json["role"] == "member"

        carol = {**NEW, "email": "carol@example.org"}
        assert hub.call("POST", "/api/auth/register", carol, bearer=access).code == "forbidden"
        key = {"X-OpenSession-Admin-Key": ADMIN_KEY}
        assert hub.call("POST", "/api/auth/register", carol, headers=key).status == 201


def test_an_address_is_one_account_in_any_case(hub: Hub, newcomer: Callable[[], Account]) -> None:
    ann = newcomer()
    taken = {**NEW, "email": f" {ann.email.upper()}".strip()}

    assert hub.call("POST", "/api/auth/register", taken).code == "conflict"
    assert log_in(hub, ann.email.upper())["user_id"] == ann.id


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "x" * 11},
        {"password": "x" * 129},
        {"email": "no-address"},
        {"email": "a@" + "b" * 260},
        {"nickname": ""},
        {"nickname": "x" * 65},
        {"nickname": "line\u2028break\x1b[2J"},
        {"nickname": 7},
    ],
)
def test_what_cannot_be_an_account_is_422(hub: Hub, wrong: dict[str, object]) -> None:
    reply = hub.call("POST", "/api/auth/register", {**NEW, "email": "new@example.org", **wrong})

    assert (reply.status, reply.code) == (422, "invalid")
    assert "xxxx" not in reply.body.decode()


def test_a_wrong_password_and_an_unknown_address_look_alike(
    hub: Hub, newcomer: Callable[[], Account]
) -> None:
    ann = newcomer()
    known = {"email": ann.email, "password": "not the password"}
    unknown = {"email": "nobody@example.org", "password": "not the password"}
    replies = [hub.call("POST", "/api/auth/login", body) for body in (known, unknown)]

    assert [reply.status for reply in replies] == [401, 401]
    assert replies[0].body == replies[1].body
    assert "WWW-Authenticate" in replies[0].headers


def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_login(
    hub: Hub, newcomer: Callable[[], Account]
) -> None:
    ann = newcomer()
    other = log_in(hub, ann.email)
    first = {"refresh_token": ann.refresh}
    second = hub.call("POST", "/api/auth/refresh", first).json
    assert hub.call("GET", "/api/auth/me", bearer=second["access_token"]).status == 200

    assert hub.call("POST", "/api/auth/refresh", first).status == 401
    used = {"refresh_token": second["refresh_token"]}
    assert hub.call("POST", "/api/auth/refresh", used).status == 401
    assert hub.call("GET", "/api/auth/me", bearer=second["access_token"]).status == 401
    assert hub.call("GET", "/api/auth/me", bearer=other["access_token"]).status == 200


def test_an_expired_refresh_token_is_no_good(hub: Hub, newcomer: Callable[[], Account]) -> None:
    ann = newcomer()
    change(
        hub,
        "UPDATE refresh_token SET expires_us = 1"
        " WHERE login IN (SELECT id FROM login WHERE account = ?)",
        ann.id,
    )

    assert hub.call("POST", "/api/auth/refresh", {"refresh_token": ann.refresh}).status == 401


def test_logout_ends_the_access_token_too(hub: Hub, newcomer: Callable[[], Account]) -> None:
    ann = newcomer()
    sent = {"refresh_token": ann.refresh}

    assert hub.call("POST", "/api/auth/logout", sent).status == 204
    assert hub.call("POST", "/api/auth/logout", sent).status == 204
    assert hub.call("GET", "/api/auth/me", bearer=ann.access).status == 401
    assert hub.call("POST", "/api/auth/refresh", sent).status == 401


def test_a_new_password_ends_every_other_login(hub: Hub, newcomer: Callable[[], Account]) -> None:
    ann = newcomer()
    other, key = log_in(hub, ann.email), hub.key(ann)
    wrong = {"current_password": "not the password", "new_password": "a new password"}
    assert hub.call("PUT", "/api/auth/password", wrong, bearer=ann.access).status == 422
    right = {**wrong, "current_password": PASSWORD}
    assert hub.call("PUT", "/api/auth/password", right, bearer=ann.access).status == 204

    assert hub.call("GET", "/api/auth/me", bearer=ann.access).status == 200
    assert hub.call("GET", "/api/auth/me", bearer=other["access_token"]).status == 401
    assert hub.call("POST", "/api/auth/verify", bearer=key).status == 200
    old = {"email": ann.email, "password": PASSWORD}
    assert hub.call("POST", "/api/auth/login", old).status == 401
    log_in(hub, ann.email, "a new password")


def test_secrets_are_stored_as_hashes_only(hub: Hub, newcomer: Callable[[], Account]) -> None:
    ann = newcomer()
    key = hub.key(ann)
    files = [p.read_bytes() for p in hub.database.parent.iterdir() if p.name.startswith("hub.db")]
    found = [s for s in (PASSWORD, ann.refresh, key, ann.access) for f in files if s.encode() in f]

    assert found == []
    assert not any(secret in hub.log for secret in (PASSWORD, ann.refresh, key, ann.access))


def test_tries_are_limited_by_address_and_by_account() -> None:
    """Behind a proxy that is trusted the address is the one that it names."""
    with running_hub(
        OPENSESSION_AUTH_ATTEMPTS_PER_MINUTE="3", OPENSESSION_TRUSTED_PROXIES="127.0.0.0/8"
    ) as hub:
        hub.account("ann")

        def attempt(address: str, email: str = "ann@example.org") -> int:
            wrong = {"email": email, "password": "not the password"}
            where = {"X-Forwarded-For": f"203.0.113.9, {address}"}
            reply = hub.call("POST", "/api/auth/login", wrong, headers=where)
            if reply.status == 429:
                assert int(reply.headers["Retry-After"]) == reply.json["retry_after"] > 0
            return reply.status

        assert [attempt("192.0.2.1", f"{n}@example.org") for n in range(4)] == [401] * 3 + [429]
        assert attempt("192.0.2.2") == 401
        assert attempt("192.0.2.3") == 401
        assert attempt("192.0.2.4") == 401
        assert attempt("192.0.2.5") == 429  # the account has had its tries, from everywhere
        assert attempt("192.0.2.5", "bob@example.org") == 401


def test_without_a_trusted_proxy_nobody_chooses_their_address() -> None:
    with running_hub(OPENSESSION_AUTH_ATTEMPTS_PER_MINUTE="2") as hub:
        hub.account("ann")
        wrong = {"refresh_token": "none"}
        got = [
            hub.call(
                "POST", "/api/auth/refresh", wrong, headers={"X-Forwarded-For": f"192.0.2.{n}"}
            ).status
            for n in range(4)
        ]

    assert got == [401, 429, 429, 429]
