"""A value is overwritten without a change of length, and what is left stays what it was."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.daemon.masking import Needles, overlaid

VALUE = 'p"w/é\\n\n7Zt1'


@pytest.mark.parametrize("levels", range(4))
@pytest.mark.parametrize("plain", [True, False])
def test_a_value_is_found_as_json_writes_it(levels: int, plain: bool) -> None:
    text: Any = f"before {VALUE} after"
    for _ in range(levels):
        text = json.dumps({"t": text}, ensure_ascii=plain)
    data = text.encode()

    masked = Needles([VALUE]).masked(data)

    assert len(masked) == len(data)
    assert "7Zt1" not in masked.decode()
    found: Any = masked.decode()
    for _ in range(levels):
        found = json.loads(found)["t"]
    assert found.startswith("before *") and found.endswith("* after")


def test_a_bare_number_stays_json() -> None:
    data = b'{"pin": 48213377, "text": "48213377"}'

    masked = Needles(["48213377"]).masked(data)

    assert json.loads(masked) == {"pin": 11111111, "text": "********"}


def test_an_escape_is_not_cut_in_two() -> None:
    """The `n` of a line break is no part of a value that begins with it."""
    data = json.dumps({"t": "\nabcdef nabcdef"}).encode()

    masked = Needles(["nabcdef"]).masked(data)

    assert json.loads(masked) == {"t": "\nabcdef *******"}


def test_what_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError):
        Needles(["abc"])


@given(
    parts=st.lists(st.sampled_from(["s3cr", "3t", "s3cr3t", "x", " ", '"', "\\", "é", "zz" * 40])),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
def test_pieces_give_what_the_whole_gives(parts: list[str], cuts: list[int]) -> None:
    data = json.dumps("".join(parts)).encode()
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[low:high] for low, high in itertools.pairwise(places)]
    needles = Needles(["s3cr3t"])

    assert needles.spans_of(pieces) == needles.spans(data)
    assert overlaid(data, 0, needles.spans_of(pieces)) == needles.masked(data)
