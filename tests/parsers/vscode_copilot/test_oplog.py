"""Playing an operation log, of good lines and of hostile ones."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.vscode_copilot.oplog import DEEPEST, Replay


def played(*entries: Any) -> tuple[Any, list[str]]:
    replay = Replay()
    reasons = [replay.play(json.dumps(entry).encode()) for entry in entries]
    return replay.state, reasons


START = {"kind": 0, "v": {"a": {"b": [1, 2, 3]}, "t": None}}


def test_values_are_set_added_cut_and_removed() -> None:
    state, reasons = played(
        START,
        {"kind": 1, "k": ["t"], "v": "title"},
        {"kind": 1, "k": ["a", "b", 0], "v": 9},
        {"kind": 2, "k": ["a", "b"], "v": [4]},
        {"kind": 2, "k": ["a", "b"], "v": [7, 8], "i": 2},
        {"kind": 2, "k": ["a", "new"], "v": ["x"]},
        {"kind": 3, "k": ["t"]},
        {"kind": 3, "k": ["a", "b", 1]},
    )

    assert state == {"a": {"b": [9, None, 7, 8], "new": ["x"]}}
    assert reasons == [""] * 8


def test_a_list_is_cut_without_new_items() -> None:
    state, _ = played(START, {"kind": 2, "k": ["a", "b"], "i": 1})

    assert state["a"]["b"] == [1]


def test_an_item_may_be_set_right_after_the_last_one() -> None:
    state, _ = played(START, {"kind": 1, "k": ["a", "b", 3], "v": 4})

    assert state["a"]["b"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": 1, "k": ["a", "b", 1 << 40], "v": 1},
        {"kind": 1, "k": ["a", "b", -1], "v": 1},
        {"kind": 1, "k": ["a", "b", True], "v": 1},
        {"kind": 1, "k": ["a", "b", "length"], "v": 1 << 30},
        {"kind": 1, "k": ["nowhere", "x"], "v": 1},
        {"kind": 1, "k": ["a", "b", 0, "x"], "v": 1},
        {"kind": 1, "k": ["a"] * (DEEPEST + 1), "v": 1},
        {"kind": 2, "k": ["a", "b"], "v": [1], "i": 1 << 40},
        {"kind": 2, "k": ["a", "b"], "v": [1], "i": -1},
        {"kind": 2, "k": ["a"], "v": [1]},
        {"kind": 3, "k": ["a", "b", 3]},
        {"kind": 3, "k": [0]},
    ],
)
def test_what_leads_nowhere_changes_nothing(entry: Any) -> None:
    state, reasons = played(START, entry)

    assert state == START["v"]
    assert reasons == ["", "misplaced"]


@pytest.mark.parametrize(
    "entry", [7, [], {"kind": 4, "k": ["a"]}, {"kind": 1, "v": 1}, {"kind": 1, "k": []}, {}]
)
def test_what_is_no_entry_is_counted(entry: Any) -> None:
    assert played(START, entry)[1] == ["", "malformed"]


def test_nothing_is_played_before_the_whole() -> None:
    assert played({"kind": 1, "k": ["a"], "v": 1}) == (None, ["misplaced"])


KEYS = st.sampled_from(["a", "b", "c"]) | st.integers(-1, 4)
VALUES = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=5,
)
ENTRIES = st.fixed_dictionaries(
    {"kind": st.integers(-1, 4)},
    optional={"k": st.lists(KEYS, max_size=4) | VALUES, "v": VALUES, "i": st.integers(-2, 5)},
)


def size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(size, value.values()))
    return 1 + sum(map(size, value)) if isinstance(value, list) else 1


@given(st.lists(ENTRIES, max_size=12))
def test_no_log_makes_more_than_it_holds(entries: list[Any]) -> None:
    state, reasons = played(START, *copy.deepcopy(entries))

    assert len(reasons) == len(entries) + 1
    assert size(state) <= size(START) + sum(map(size, entries)) + len(entries)
