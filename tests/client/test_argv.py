"""What is read from the command line before any command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.client.argv import settle_json_fields, settle_optional, take_flag, wants_json

KNOWN = ("id", "title", "tool")


@pytest.mark.parametrize(
    ("words", "settled"),
    [
        (["--json"], ["--json=*"]),
        (["--json", "id,title"], ["--json=id,title"]),
        (["--json", "id", "-n", "3"], ["--json=id", "-n", "3"]),
        (["--json", "-n", "3"], ["--json=*", "-n", "3"]),
        (["--json", "id,titel"], ["--json=id,titel"]),
        (["--json", "Some words"], ["--json=*", "Some words"]),
        (["--json", "src/a.py"], ["--json=*", "src/a.py"]),
        (["--json=id"], ["--json=id"]),
        (["--", "--json"], ["--", "--json"]),
    ],
)
def test_json_takes_only_words_made_of_fields(words: list[str], settled: list[str]) -> None:
    """DECISIONS §11: `--json` takes a following word only if it is made of field names and
    commas, and alone means all fields.
    """
    assert settle_json_fields(words, KNOWN) == settled


@given(st.lists(st.text(max_size=8), max_size=6))
def test_words_that_are_not_about_json_stay_as_they_are(words: list[str]) -> None:
    words = [word for word in words if word != "--json"]

    assert settle_json_fields(words, KNOWN) == words


@pytest.mark.parametrize(
    ("words", "as_json"),
    [
        (["log", "--json"], True),
        (["log", "--json=id"], True),
        (["stats", "--format", "json"], True),
        (["show", "--format=hail"], True),
        (["log", "--format", "text"], False),
        (["search", "--", "--json"], False),
        (["log"], False),
    ],
)
def test_errors_are_json_where_json_was_asked_for(words: list[str], as_json: bool) -> None:
    assert wants_json(words) is as_json


def test_a_flag_is_taken_from_anywhere_before_the_double_dash() -> None:
    found, rest = take_flag(["log", "--no-color", "--", "--no-color"], "--no-color")

    assert (found, rest) == (True, ["log", "--", "--no-color"])


def test_an_option_may_stand_without_its_value() -> None:
    settle = settle_optional
    assert settle(["--api-key"], "--api-key", "?") == ["--api-key=?"]
    assert settle(["--api-key", "-"], "--api-key", "?") == ["--api-key=-"]
    assert settle(["--api-key", "k", "x"], "--api-key", "?") == ["--api-key=k", "x"]
    assert settle(["--api-key", "--json"], "--api-key", "?") == ["--api-key=?", "--json"]
    assert settle(["a", "--", "--api-key"], "--api-key", "?") == ["a", "--", "--api-key"]
