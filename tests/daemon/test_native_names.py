"""What Codex calls sessions in a file beside them, by a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon.rig import session_bytes
from tests.helpers.daemon import Daemon, Home, running, temporary_home

ONE = "019c7da3-1ea7-7d30-a16f-c8e48bf2592c"
SECRET = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
ROLLOUT = f".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-{ONE}.jsonl"
INDEX = ".codex/session_index.jsonl"


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def _only(daemon: Daemon) -> dict[str, Any]:
    (row,) = daemon.call("sessions.list", all=True)["sessions"]
    return dict(row)


def _line(name: str) -> str:
    return f'{{"id":"{ONE}","thread_name":"{name}","updated_at":"2026-01-02T08:15:00Z"}}\n'


def test_a_session_is_called_as_its_agent_calls_it(home: Home) -> None:
    """As it is called now, stripped and cut as titles are; an own alias stands above it."""
    home.write(ROLLOUT, session_bytes(ONE, 3))
    with running(home) as daemon:
        daemon.index()
        before = _only(daemon)["title"]
        file = home.write(INDEX, _line("The   parser"))
        assert _only(daemon)["title"] == "The parser"
        file.write_text(_line("The parser") + _line(f"uses {SECRET}"))
        assert _only(daemon)["title"].startswith("uses [redacted:github-token")
        file.write_text(_line("long " * 200))
        assert len(_only(daemon)["title"]) <= 80
        file.write_text(_line("again"))
        assert daemon.call("sessions.get", ref=ONE)["session"]["native_title"] == "again"
        daemon.call("names.set", ref=ONE, alias="Mine")
        assert (_only(daemon)["title"], _only(daemon)["native_title"]) == ("Mine", "again")
        assert daemon.call("names.list")["sessions"][0]["native_title"] == "again"
        daemon.call("names.set", ref=ONE, alias="")
        file.unlink()
        assert _only(daemon)["title"] == before
