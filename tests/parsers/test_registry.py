"""The list of agents."""

from __future__ import annotations

import re

import pytest

from opensession.core import ids
from opensession.parsers.registry import AGENTS, agent


def test_names_are_distinct_and_of_one_form() -> None:
    names = [each.name for each in AGENTS]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) for name in names)


@pytest.mark.parametrize("each", AGENTS, ids=lambda each: each.name)
def test_a_row_says_all_that_is_derived_from_it(each: object) -> None:
    found = agent(each.name)  # type: ignore[attr-defined]

    assert found.label
    assert re.fullmatch(r"#[0-9a-f]{6}", found.color)
    assert found.parser_version >= 1
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in found.variables)
    assert not found.resume or any("{id}" in word for word in found.resume)
    assert ids.fits(found.name)


def test_an_agent_is_found_by_its_name_with_either_dash() -> None:
    """DECISIONS §1: agent keys are accepted as `claude_code` and `claude-code`."""
    for each in AGENTS:
        assert agent(each.name) is each
        assert agent(each.name.replace("-", "_")) is each
    with pytest.raises(KeyError):
        agent("nobody")
