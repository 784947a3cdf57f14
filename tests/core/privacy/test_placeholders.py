"""Prefix, length and alphabet decide (DECISIONS §5): what has the form of a key is taken for one
whatever its characters are, and only what plainly stands for a value stays.
"""

from __future__ import annotations

import pytest

from opensession.core.privacy import Stripper

STRIPPER = Stripper("/home/annette", b"k" * 32)


@pytest.mark.parametrize(
    "value",
    [
        "ghp_ABCDEFGHIJ1234567890abcdefghij123456",
        "ghp_1234567890abcdefghijklmnopqrstuvwxyz",
        "AKIA1234567890ABCDEF",
        "AKIAIOSFODNN7EXAMPLE",
        "sk-ant-api03-" + "abcdefghijklmnopqrstuvwxyz0123456789" * 2 + "ABCDEFGHIJKLMNOPQRSTUAA",
        "glpat-ABCDEFGHIJ1234567890",
        "xoxb-123456789012-1234567890123-abcdefghijklmnopqrstuvwx",
        "npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "sk_live_1234567890abcdefghijklmn",
    ],
)
def test_a_key_of_the_right_form_is_taken_out_though_it_counts_up(value: str) -> None:
    for text in (
        value,
        f"use {value} here",
        f'{{"k": "{value}"}}',
        f"Authorization: token {value}",
    ):
        assert value not in STRIPPER.strip_text(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app:12345678@db.acme.dev/shop",
        "curl -u ann:12345678 https://acme.dev",
        "Authorization: Bearer abcdefgh12345678",
        "--password 12345678",
        "https://acme.dev/?key=abcdefgh12345678abcdefgh",
    ],
)
def test_a_weak_password_in_a_telling_place_is_taken_out(text: str) -> None:
    assert "12345678" not in STRIPPER.strip_text(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "sk-...", "YOUR_API_KEY", "${TOKEN}", "<token>", "ghp_" + "x" * 36, "ghp_" + "0" * 36,
        "sk-ant-" + "x" * 40, "sk-ant-api03-" + "X" * 93, "AKIA" + "X" * 16,
        "OPENAI_API_KEY=sk-...", "API_KEY=YOUR_API_KEY", "TOKEN=${TOKEN}", "token: <token>",
        "Authorization: Bearer <token>", "GITHUB_TOKEN=ghp_" + "x" * 36,
        "github_pat_your_token_here", "sk-proj-your-api-key-here",
        "https://user:xxxxxx@acme.dev/", "key 00000000-0000-0000-0000-000000000000",
    ],
)  # fmt: skip
def test_what_stands_for_a_value_stays(text: str) -> None:
    assert STRIPPER.strip_text(text) == (text, {})
