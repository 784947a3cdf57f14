"""Tokens: nothing but what this hub signed with its own algorithm is read."""

from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.server.auth import tokens
from opensession.server.auth.tokens import Access

SECRET = b"k" * 32
NOW = int(time.time())


def test_what_was_signed_is_read() -> None:
    token = tokens.access_token(SECRET, Access("ann", "login-1"), NOW)

    assert tokens.read_access(SECRET, token) == Access("ann", "login-1")


def test_an_hour_later_it_has_expired() -> None:
    token = tokens.access_token(SECRET, Access("ann", "login-1"), NOW - 3601)

    assert tokens.read_access(SECRET, token) == "this login has expired"


def _unsigned(claims: dict[str, object]) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return b".".join([*encoded, b""]).decode()


@pytest.mark.parametrize(
    "token",
    [
        _unsigned({"sub": "ann", "sid": "x", "iat": NOW, "exp": NOW + 60}),
        jwt.encode({"sub": "ann", "sid": "x", "iat": NOW, "exp": NOW + 60}, SECRET * 2, "HS512"),
        jwt.encode({"sub": "ann", "sid": "x", "iat": NOW}, SECRET, "HS256"),
        jwt.encode({"sub": "ann", "iat": NOW, "exp": NOW + 60}, SECRET, "HS256"),
        jwt.encode({"sub": 7, "sid": "x", "iat": NOW, "exp": NOW + 60}, SECRET, "HS256"),
    ],
    ids=["none", "other algorithm", "without an end", "without a login", "no text"],
)
def test_other_tokens_are_none_of_ours(token: str) -> None:
    assert isinstance(tokens.read_access(SECRET, token), str)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert isinstance(tokens.read_access(SECRET, text), str)


def test_keys_and_codes_look_as_they_should() -> None:
    key, code = tokens.new_key(), tokens.new_code()

    assert key.startswith("osk_") and len(key) == 36
    assert int(key[4:], 16) >= 0
    assert len(code.replace("-", "")) == 12
    assert not set("OIL1U0") & set(code)
