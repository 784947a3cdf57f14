"""What `find_events` tells is what `strip_events` takes out: the same places, the same kinds."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest

from bench.privacy import default_stripper
from bench.privacy_labels.planted import planted, split
from bench.privacy_score import text_at
from opensession.core.hail import Event, json_block, text
from opensession.core.privacy import Rules, Stripper

STRIPPER = Stripper("/home/annette", b"k" * 32)
TOKEN = "ghp_" + "Zx9Kq2Lm4Np7Rt5Vw8Yb3Dc6Fg1Hj0Ab2Cd4"


def said(number: int, *parts: Any, message: str = "") -> Event:
    blocks = [text(part) if isinstance(part, str) else json_block(part) for part in parts]
    attributes = {"message_id": message or f"m{number}"}
    return Event(
        event_id=f"e{number}",
        time_us=number,
        type="AgentMessage",
        blocks=blocks,
        attributes=attributes,
    )


def told(events: list[Event]) -> list[list[tuple[str, str, str]]]:
    """Place, kind and text of each finding."""
    return [
        [(place, one.kind, text_at(event, place)[one.start : one.end]) for place, one in found]
        for event, found in zip(events, STRIPPER.find_events(events), strict=True)
    ]


def test_a_value_that_another_event_names_is_told_where_it_stands() -> None:
    value = "q7Zk39xWm2Lp5Rt8"
    events = [said(1, f"it printed {value}."), said(2, f"API_TOKEN={value}")]

    assert told(events) == [
        [("blocks[0].text", "token", value)],
        [("blocks[0].text", "token", value)],
    ]


def test_a_known_value_in_base64_is_told() -> None:
    value = "q7Zk39xWm2Lp5Rt8"
    written = base64.b64encode(f"ann:{value}".encode()).decode()

    _, second = told([said(1, f"API_TOKEN={value}"), said(2, f"got {written}")])

    assert [kind for _, kind, _ in second] == ["token"]


def test_a_secret_that_was_cut_is_told_in_each_of_its_pieces() -> None:
    events = [
        said(1, f"it is {TOKEN[:15]}", message="m"),
        said(2, f"{TOKEN[15:]}, ok", message="m"),
    ]

    assert told(events) == [
        [("blocks[0].text", "github-token", TOKEN[:15])],
        [("blocks[0].text", "github-token", TOKEN[15:])],
    ]


def test_what_shows_only_once_something_before_it_is_gone_is_told() -> None:
    content = "PASSWORD=/home/annette/x TOKEN=abc123xyz9 see abc123xyz9"
    (found,) = told([said(1, content)])

    assert Counter(kind for _, kind, _ in found) == Counter(STRIPPER.strip_text(content)[1])


@pytest.mark.parametrize("seed", [3])
def test_kinds_and_counts_are_those_that_stripping_counts(seed: int) -> None:
    stripper = default_stripper()
    wrong = []
    for sample in planted(seed, 1):
        found = Counter(one.kind for _, one in stripper.find_event(sample.event))
        if found != Counter(stripper.strip_events([sample.event])[0][1]):
            wrong.append(sample.group)
    assert len(wrong) <= 3, wrong


def test_every_event_that_is_changed_is_told_and_no_other() -> None:
    stripper = default_stripper()
    for events, _ in split(5):
        changed = [
            new is not event
            for event, (new, _) in zip(events, stripper.strip_events(events), strict=True)
        ]
        assert [bool(found) for found in stripper.find_events(events)] == changed


def test_what_is_only_reported_is_told_and_spreads_nowhere() -> None:
    stripper = Stripper("/home/annette", b"k" * 32, Rules(modes={"keys": "warn"}))
    events = [said(1, f"see {TOKEN}"), said(2, {"n": 1})]

    found = stripper.find_events(events)

    assert [(one.kind, one.mode) for _, one in found[0]] == [("github-token", "warn")]
    assert found[1] == []
