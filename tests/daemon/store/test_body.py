from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import Event, text
from opensession.daemon.store import body

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)
_OBJECT = st.dictionaries(st.text(max_size=8), _JSON, max_size=4)


def _there_and_back(event: Event) -> Event:
    return body.decode(
        event.event_id, event.time_us, body.type_code(event.type), event.task_id, body.encode(event)
    )


@given(
    data=st.none() | _OBJECT,
    blocks=st.lists(_OBJECT, max_size=3),
    attributes=_OBJECT,
    duration=st.none() | st.integers(0, 2**40),
    kind=st.sampled_from([*body.TYPES[1:], "SomethingNew"]),
)
def test_every_event_comes_back_as_it_was(
    data: Any, blocks: Any, attributes: Any, duration: int | None, kind: str
) -> None:
    event = Event(
        event_id="e",
        time_us=5,
        type=kind,
        data=data,
        blocks=blocks,
        task_id="t",
        duration_ms=duration,
        attributes=attributes,
    )

    assert _there_and_back(event) == event


def test_long_bodies_are_compressed_and_short_ones_are_not() -> None:
    short = Event(event_id="e", time_us=0, type="UserMessage", blocks=[text("hi")])
    long = Event(event_id="e", time_us=0, type="UserMessage", blocks=[text("some words " * 50)])

    assert body.unpack(body.encode(short)) == body.encode(short)
    assert len(body.encode(long)) < 150
    assert len(body.unpack(body.encode(long))) > 500


def test_the_same_event_gives_the_same_bytes() -> None:
    event = Event(event_id="e", time_us=0, type="Thinking", blocks=[text("thought " * 90)])

    assert body.encode(event) == body.encode(event)
    assert body.same(body.encode(event), body.unpack(body.encode(event)))


def test_what_msgpack_cannot_hold_is_replaced() -> None:
    """A line of somebody's file must not be able to stop the writer."""
    deep: Any = "bottom"
    for _ in range(5000):
        deep = [deep]
    event = Event(
        event_id="e",
        time_us=0,
        type="ToolCall",
        data={"name": "x", "n": 2**70, "deep": deep},
        blocks=[text("half \ud800 pair")],
    )

    found = _there_and_back(event)

    assert found.data is not None
    assert found.data["n"] == str(2**70)
    assert found.blocks == [text("half ? pair")]
    assert "[nested too deeply]" in str(found.data["deep"])


@pytest.mark.parametrize("stored", [b"", b"\x01not zstd", b"\x95\xc0", b"\xc1", b"\x07"])
def test_a_damaged_body_is_a_value_error(stored: bytes) -> None:
    with pytest.raises(ValueError):
        body.decode_body(stored)


def test_numbers_of_types_never_change() -> None:
    """They are stored: a type added later goes to the end."""
    assert body.TYPES[:8] == (
        "",
        "UserMessage",
        "AgentMessage",
        "SystemMessage",
        "Thinking",
        "ToolCall",
        "ToolResult",
        "FileRead",
    )
    assert body.TYPES[21] == "Custom"
