"""Modes of sets, own patterns, known values, cut messages, blocks of keys."""

from __future__ import annotations

import pytest

from opensession.core.hail import Event, text
from opensession.core.privacy import OwnPattern, Rules, Stripper

KEY = b"k" * 32
TOKEN = "ghp_" + "Zx9Kq2Lm4Np7Rt5Vw8Yb3Dc6Fg1Hj0Ab2Cd4"
BADGE = OwnPattern("acme-badge", "ACME-([0-9]{6})", "badge ACME-123456", "block")


def piece(number: int, content: str, message: str = "m1") -> Event:
    return Event(
        event_id=f"e{number}",
        time_us=0,
        type="AgentMessage",
        blocks=[text(content)],
        attributes={"message_id": message},
    )


@pytest.mark.parametrize(("mode", "stays"), [("redact", False), ("block", False), ("warn", True)])
def test_a_mode_says_what_is_done(mode: str, stays: bool) -> None:
    stripper = Stripper("/home/ann", KEY, Rules(modes={"keys": mode}))
    assert (TOKEN in stripper.strip_text(f"see {TOKEN}")[0]) is stays
    (found,) = stripper.find_text(f"see {TOKEN}")
    assert (found.set, found.kind, found.mode) == ("keys", "github-token", mode)


def test_a_set_that_is_off_is_not_looked_for() -> None:
    stripper = Stripper("/home/ann", KEY, Rules(modes={"keys": "off"}))
    assert stripper.find_text(f"see {TOKEN}") == []


def test_an_own_pattern_replaces_its_group() -> None:
    stripper = Stripper("/home/ann", KEY, Rules(patterns=(BADGE,)))
    stripped, counts = stripper.strip_text("badge ACME-123456.")
    assert stripped.startswith("badge ACME-[redacted:acme-badge:")
    assert counts == {"acme-badge": 1}


def test_a_value_found_once_is_replaced_in_all_events_of_the_call() -> None:
    stripper = Stripper("/home/ann", KEY)
    events = [piece(1, "it printed q7Zk39xWm2Lp", "a"), piece(2, "API_TOKEN=q7Zk39xWm2Lp", "b")]
    assert all("q7Zk39" not in str(event) for event, _ in stripper.strip_events(events))


def test_a_secret_cut_over_two_pieces_is_found() -> None:
    stripper = Stripper("/home/ann", KEY)
    done = stripper.strip_events([piece(1, f"it is {TOKEN[:15]}"), piece(2, f"{TOKEN[15:]}, ok")])
    assert [event.blocks[0]["text"][-4:] for event, _ in done][1] == ", ok"
    assert TOKEN[15:] not in str(done)
    assert TOKEN[:15] not in str(done)


def test_a_key_block_in_a_diff_keeps_signs_and_lines() -> None:
    body = "".join(f"+{'MIIEpAIBAAKCAQEA' + 'b7YzQ9' * 8}\n" for _ in range(3))
    content = f"+-----BEGIN PRIVATE KEY-----\n{body}+-----END PRIVATE KEY-----\n x"
    stripped, counts = Stripper("/home/ann", KEY).strip_text(content)
    assert counts == {"private-key": 1}
    assert stripped.splitlines()[1:] == ["+", "+", "+", "+", " x"]


def test_equal_cards_have_equal_fingerprints_however_they_are_grouped() -> None:
    stripper = Stripper("/home/ann", KEY)
    assert stripper.fingerprint("card", "4539 1488 0343 6467") == stripper.fingerprint(
        "card", "4539148803436467"
    )
