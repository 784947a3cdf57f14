"""Cutting a stripped text: what is left of a placeholder would look like a fault."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opensession.core.privacy import beginning

PLACEHOLDER = "[redacted:github-token:7A7SFTL5]"


def test_a_text_that_is_cut_within_a_placeholder_ends_before_it() -> None:
    assert beginning(f"deploy with {PLACEHOLDER} now", 20) == "deploy with"


def test_a_placeholder_that_fits_stays() -> None:
    text = f"deploy with {PLACEHOLDER} now"
    assert beginning(text, len(text) - 4) == f"deploy with {PLACEHOLDER}"


@given(st.lists(st.sampled_from([PLACEHOLDER, "a", " ", "[", "]", "words"])), st.integers(0, 200))
def test_a_beginning_is_one_and_no_longer_than_asked(parts: list[str], most: int) -> None:
    text = "".join(parts)
    cut = beginning(text, most)
    assert text.startswith(cut)
    assert len(cut) <= most
    assert cut.count("[redacted:") == cut.count("SFTL5]")
