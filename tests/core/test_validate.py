"""The rules of HAIL; each that is broken is reported."""

from __future__ import annotations

from typing import Any

import pytest

from opensession.core.hail import Event
from opensession.core.hail_lines import AgentLine, Context, Header
from opensession.core.validate import validate


def header(version: str = "hail-1.0.0", session_id: str = "s", provider: str = "p") -> Header:
    time = "2026-01-01T00:00:00.000Z"
    return Header(
        version=version,
        session_id=session_id,
        agent=AgentLine(provider=provider, model="", tool="t"),
        context=Context(tags=[], created_at=time, updated_at=time),
    )


def event(name: str = "e1", kind: str = "UserMessage", time: int = 0, **data: Any) -> Event:
    return Event(event_id=name, time_us=time, type=kind, data=data or None)


def test_a_good_session_breaks_no_rule() -> None:
    events = [event(), event("e2", "ShellCommand", command="ls"), event("e3", "FileRead", path="a")]
    assert validate(header(), events) == []


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (header(version="1.0"), "InvalidVersion"),
        (header(session_id=" "), "MissingField"),
        (header(provider=""), "MissingField"),
    ],
)
def test_the_header(bad: Header, kind: str) -> None:
    assert [found.kind for found in validate(bad, [event()])] == [kind]


def test_a_session_without_events() -> None:
    assert [found.kind for found in validate(header(), [])] == ["EmptySession"]


@pytest.mark.parametrize(
    "bad",
    [event(""), event(kind="ToolCall"), event(kind="FileEdit"),
     Event(event_id="e", time_us=0, type="ToolResult", data={"name": " "}),
     event(kind="FileCreate", path=""), event(kind="FileDelete"), event(kind="FileRead", path=3),
     event(kind="ShellCommand", command="")],
)  # fmt: skip
def test_an_event_without_what_its_type_needs(bad: Event) -> None:
    (found,) = validate(header(), [bad])
    assert (found.kind, found.index) == ("InvalidEvent", 0)


def test_everything_is_reported_at_its_place() -> None:
    events = [event(time=5), event("e2", time=9), event(time=7), event("", "ToolCall", time=7)]
    assert [(found.kind, found.index) for found in validate(header(), events)] == [
        ("DuplicateEventId", 2),
        ("EventsOutOfOrder", 2),
        ("InvalidEvent", 3),
        ("InvalidEvent", 3),
    ]
