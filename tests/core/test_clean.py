"""Text from sessions on a terminal (users.md D31)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.clean import safe, safe_line

TRICKS = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;a new title\x07",
    "\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\",
    "\x1bPq#0\x1b\\",
    "\x9b2J",
    "abc\x08\x08\x08xyz",
    "user\u202egnp.exe",
    "a\u200bb\ufeffc",
    "\x1b",
    "\x1b[",
    "\x7f",
]


@pytest.mark.parametrize("text", TRICKS)
def test_no_control_or_format_character_is_left(text: str) -> None:
    """DECISIONS §8: C0/C1, escapes, bidi and zero-width characters pass no output."""
    assert {unicodedata.category(c) for c in safe(text)} & {"Cc", "Cf"} == set()


def test_text_between_escapes_stays() -> None:
    assert safe("\x1b[1;31mfailed\x1b[0m: 3 of 9") == "failed: 3 of 9"


def test_an_osc_title_leaves_nothing() -> None:
    assert safe("a\x1b]0;evil\x07b") == "ab"


def test_line_feeds_and_tabs_stay_and_returns_become_lines() -> None:
    assert safe("a\tb\r\nc\rd") == "a\tb\nc\nd"


def test_one_line_fields_hold_no_break() -> None:
    assert safe_line("  a\n\u2028b\r\n\tc ") == "a b c"


def test_emoji_and_scripts_keep_their_joiners() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"

    assert safe(family) == family
    assert safe(persian) == persian
    assert safe("a\u200db") == "ab"


@given(st.text())
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    kept = safe(text)

    assert all(c in "\n\t\u200c\u200d" or unicodedata.category(c) != "Cc" for c in kept)
    assert "\x1b" not in kept
    assert safe(kept) == kept
