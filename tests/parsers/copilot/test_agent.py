"""Where Copilot's sessions are, and which file belongs to which."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.parsers.agent import Environment, Root
from opensession.parsers.copilot import AGENT
from tests.parsers.copilot.making import ID, encoded, start, user

HOME = "/home/dev"


def roots(**variables: str) -> list[str]:
    env = Environment(home=HOME, variables=variables, platform="linux", extra=("/box/.copilot",))
    return [root.path for root in AGENT.roots(env)]


def test_both_folders_of_every_home_are_roots() -> None:
    found = roots(COPILOT_HOME="/srv/copilot/", XDG_STATE_HOME="relative")

    assert found == [
        "/srv/copilot/session-state",
        "/srv/copilot/history-session-state",
        "/box/.copilot/session-state",
        "/box/.copilot/history-session-state",
        f"{HOME}/.copilot/session-state",
        f"{HOME}/.copilot/history-session-state",
    ]


def test_the_state_folder_of_a_person_may_be_elsewhere() -> None:
    assert "/x/state/.copilot/session-state" in roots(XDG_STATE_HOME="/x/state")


def test_a_folder_of_sessions_counts_as_it_is() -> None:
    env = Environment(
        home=HOME, variables={}, platform="linux", extra=("/box/.copilot/session-state",)
    )

    assert AGENT.roots(env)[0].path == "/box/.copilot/session-state"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (f"{ID}/events.jsonl", f"{ID}/events.jsonl"),
        (f"{ID}/workspace.yaml", f"{ID}/events.jsonl"),
        (f"{ID}.jsonl", f"{ID}.jsonl"),
        (f"session_{ID}_1759500000.json", f"session_{ID}_1759500000.json"),
        (f"{ID}/files/data.jsonl", None),
        (f"{ID}/files/events.jsonl", None),
        (f"{ID}/plan.md", None),
        (f"{ID}/rewind-file-snapshots/index.json", None),
        ("events.jsonl", None),
        ("../other/events.jsonl", None),
    ],
)
def test_a_path_belongs_to_its_session(path: str, source: str | None) -> None:
    root = Root("copilot", "/r/session-state")

    found = AGENT.source_of(root, f"/r/session-state/{path}")

    assert (found.path if found else None) == (source and f"/r/session-state/{source}")


def test_sessions_are_found_by_their_names(tmp_path: Path) -> None:
    for name in (f"{ID}/events.jsonl", f"{ID}/files/x.jsonl", "flat.jsonl", "session_a_1.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    found = list(AGENT.sources(Root("copilot", str(tmp_path))))

    assert [source.path.removeprefix(f"{tmp_path}/") for source in found] == [
        f"{ID}/events.jsonl",
        "flat.jsonl",
        "session_a_1.json",
    ]
    assert [AGENT.storage(source) for source in found] == ["lines", "lines", "whole"]
    assert AGENT.files(found[0])[1] == f"{tmp_path}/{ID}/workspace.yaml"


def test_a_path_above_its_root_is_none_of_it() -> None:
    assert AGENT.source_of(Root("copilot", "/r/a"), "/r/ab/x/events.jsonl") is None


@pytest.mark.parametrize(
    ("head", "least", "most"),
    [
        (encoded(start()), 0.9, 1.0),
        (encoded(user("go")), 0.5, 0.7),
        (b'{\n "sessionId": "a",\n "chatMessages": [],\n "timeline": []', 0.9, 1.0),
        (b'{"type":"user","message":{}}\n', 0.0, 0.0),
        (b"\xff\x00", 0.0, 0.0),
    ],
)
def test_its_files_are_known_by_how_they_begin(head: bytes, least: float, most: float) -> None:
    assert least <= AGENT.recognises("/x", head) <= most
