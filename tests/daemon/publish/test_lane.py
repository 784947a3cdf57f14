"""What a lane knows after each answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.errors import Refused
from opensession.core.hub import Have, Receipt
from opensession.daemon.publish import lane
from opensession.daemon.publish.backoff import MOST_SECONDS, delay
from opensession.daemon.publish.client import check_address
from opensession.daemon.publish.lane import Differs
from opensession.daemon.publish.records import Publication


def publication(**known: int | bytes | str) -> Publication:
    made = {"id": 1, "hub": "h", "account": "a", "agent": "codex", "native_id": "x", **known}
    return Publication(**made)  # type: ignore[arg-type]


def test_a_change_in_place_is_a_rewind_and_of_all_a_new_generation() -> None:
    sent = publication(seq=10, attempted=12, chain=b"c")

    some = lane.rewound(sent, 5)
    assert (some.generation, some.rewind, some.seq, some.attempted) == (1, 1, 4, 4)
    unacknowledged = lane.rewound(sent, 12)
    assert (unacknowledged.rewind, unacknowledged.seq) == (1, 10)
    everything = lane.rewound(sent, 1)
    assert (everything.generation, everything.rewind, everything.seq) == (2, 0, 0)


def test_newer_rules_wait_for_a_person() -> None:
    sent = publication(seq=3, attempted=3, parser_version=1, rules="old")
    now = {"settled_us": 7, "parser_version": 1}

    after, going = lane.compared(sent, Differs(2, True), rules="new", **now)
    assert (going, after.differs, after.differs_secret, after.rules) == (False, 2, 1, "old")
    after, going = lane.compared(sent, Differs(), rules="new", **now)
    assert (going, after.rules, after.seq) == (True, "new", 3)
    after, going = lane.compared(sent, Differs(2), rules="old", **now)
    assert (going, after.rewind, after.seq) == (True, 1, 1)


def test_a_receipt_of_something_else_is_none() -> None:
    sent = publication(seq=1, attempted=3)
    right = Receipt(id="x", url="u", generation=1, rewind=0, seq=3, chain=b"c".hex())

    after = lane.accepted(sent, 3, b"c", b"h", right)
    assert after is not None and (after.seq, after.chain, after.url) == (3, b"c", "u")
    assert lane.accepted(sent, 3, b"d", b"h", right) is None
    assert lane.accepted(sent, 4, b"c", b"h", right) is None


def test_a_hub_that_lost_lines_gets_them_again() -> None:
    sent = publication(seq=9, attempted=9, chain=b"c")

    assert lane.conflicted(sent, Have(), False).seq == 0
    there = Have(generation=1, seq=4, chain="aa")
    assert lane.conflicted(sent, there, True).seq == 4
    other = lane.conflicted(sent, there, False)
    assert (other.rewind, other.seq) == (1, 0)


def test_a_tombstone_stops_a_session() -> None:
    after = lane.conflicted(publication(seq=2), Have(generation=4, gone=True), False)
    assert (after.gone, after.generation, after.refused) == (1, 4, lane.GONE)


positions = st.integers(0, 4)


@given(
    st.integers(1, 4), positions, positions, positions, st.integers(0, 4), positions, positions,
    st.booleans(),
)  # fmt: skip
def test_a_conflict_never_leads_backwards(
    generation: int, rewind: int, seq: int, more: int, g: int, r: int, n: int, same: bool
) -> None:
    sent = publication(generation=generation, rewind=rewind, seq=seq, attempted=seq + more)
    have = Have(generation=g, rewind=r, seq=n, chain="aa")

    after = lane.conflicted(sent, have, same)

    before = (generation, rewind)
    assert (after.generation, after.rewind) >= before
    if g:
        assert (after.generation, after.rewind) >= (g, r)
    assert after.seq <= max(sent.seq, have.seq)


def test_waits_grow_to_a_bound_and_are_never_the_same_for_all() -> None:
    assert [delay(number, 1.0) for number in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert delay(1000, 1.0) == MOST_SECONDS
    assert delay(5, 0.0) == 0.0


@pytest.mark.parametrize(
    "url", ["http://hub.example.org", "https://u:p@h", "ftp://h", "https://", "http://127.0.0.1.x"]
)
def test_a_key_does_not_go_there(url: str) -> None:
    with pytest.raises(Refused):
        check_address(url)


@pytest.mark.parametrize(
    "url", ["https://hub.example.org/x", "http://127.0.0.1:3000", "http://[::1]"]
)
def test_a_key_goes_there(url: str) -> None:
    check_address(url)
