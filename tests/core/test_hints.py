"""A hint is a file's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hints import Hint, read_hint


def test_a_hint_says_what_happened_to_which_session() -> None:
    assert read_hint("turn.claude-code.0a1b.c-d") == Hint("turn", "claude-code", "0a1b.c-d")
    assert read_hint("end.codex") == Hint("end", "codex", "")


@pytest.mark.parametrize(
    "name", ["", "turn", "turn.", "stop.codex.x", "end.codex.", "end.codex.-x", "turn.Codex.a\n"]
)
def test_other_files_are_no_hints(name: str) -> None:
    assert read_hint(name) is None


@given(
    st.sampled_from(("turn", "end")),
    st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True),
    st.from_regex(r"([A-Za-z0-9][A-Za-z0-9._-]{0,127})?", fullmatch=True),
)
def test_a_name_is_read_as_it_was_made(happened: str, agent: str, session: str) -> None:
    made = f"{happened}.{agent}.{session}" if session else f"{happened}.{agent}"
    assert read_hint(made) == Hint("end" if happened == "end" else "turn", agent, session)
