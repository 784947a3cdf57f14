"""JSON that is not quite JSON."""

from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.decoding import beginning, decode_any, storable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_whatever_is_decoded_can_be_stored(value: object) -> None:
    found = decode_any(json.dumps(value))

    msgspec.msgpack.encode(found)
    msgspec.json.encode(found)


@given(st.binary(max_size=60))
def test_bytes_give_a_value_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        msgspec.msgpack.encode(decode_any(data))


def test_bad_characters_are_replaced() -> None:
    assert decode_any(b'{"a": "x\xff\\ud800y"}') == {"a": "x��y"}


def test_numbers_beyond_64_bits_become_text() -> None:
    assert decode_any(b'{"a": 36893488147419103232, "b": 1}') == {
        "a": "36893488147419103232",
        "b": 1,
    }


def test_deep_nesting_is_no_value() -> None:
    with pytest.raises(ValueError, match="deep"):
        decode_any(b"[" * 200_000)


def test_a_plain_value_is_left_alone() -> None:
    value = {"a": [1, "b", None, 2.5]}

    assert storable(value) is value


def test_a_beginning_never_ends_within_a_word() -> None:
    """Half a secret would not be known for one."""
    assert beginning("fix it", 10) == "fix it"
    assert beginning("token ghp_abcdef", 10) == "token "
    assert beginning("ghp_abcdef", 5) == ""
    assert beginning("one two", 3) == "one"
    assert beginning("修复这个错误", 3) == "修复这"
