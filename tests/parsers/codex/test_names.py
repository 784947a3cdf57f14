"""What `/rename` called sessions (lines made by hand)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from opensession.parsers.agent import SourceGone, SourceRefused
from opensession.parsers.codex import AGENT, names

ONE = "019c7da3-1ea7-7d30-a16f-c8e48bf2592c"
TWO = "019c7da3-2222-7d30-a16f-c8e48bf2592c"


def line(session: str, name: str | None) -> str:
    said = "null" if name is None else f'"{name}"'
    stamp = "2026-02-20T08:15:00Z"
    return f'{{"id":"{session}","thread_name":{said},"updated_at":"{stamp}"}}\n'


def test_the_file_lies_beside_both_folders_of_rollouts() -> None:
    for folder in ("sessions", "archived_sessions"):
        assert (
            AGENT.names_file(f"/home/me/.codex/{folder}") == "/home/me/.codex/session_index.jsonl"
        )
    assert AGENT.names_file("/home/me/copied") == ""


def test_the_last_name_of_a_session_counts(tmp_path: Path) -> None:
    """One that was taken away is none; lines that are something else are left out."""
    file = tmp_path / "session_index.jsonl"
    file.write_text(
        line(ONE, "first")
        + line(TWO, "other")
        + "no json\n"
        + '{"id":7,"thread_name":"x"}\n'
        + line(ONE, "second")
        + line(TWO, None)
        + '{"id":"torn'
    )

    assert AGENT.names_in(str(file)) == {ONE: "second"}


def test_of_a_long_file_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that the beginning is cut in is left out."""
    monkeypatch.setattr(names, "MOST_BYTES", len(line(TWO, "second")) + 20)
    file = tmp_path / "session_index.jsonl"
    file.write_text(line(ONE, "first") + line(TWO, "second"))

    assert AGENT.names_in(str(file)) == {TWO: "second"}


def test_what_is_no_file_of_ours_is_not_read(tmp_path: Path) -> None:
    """DECISIONS §8: no link is followed, no pipe is waited on."""
    real = tmp_path / "real"
    real.write_text(line(ONE, "x"))
    (tmp_path / "link").symlink_to(real)
    os.mkfifo(tmp_path / "pipe")

    for name in ("link", "pipe"):
        with pytest.raises(SourceRefused):
            AGENT.names_in(str(tmp_path / name))
    with pytest.raises(SourceGone):
        AGENT.names_in(str(tmp_path / "missing"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300))
@example(b'{"id":"a","thread_name":"\\ud800"}\n')
@example(b'{"id":' + b"[" * 5000)
def test_no_bytes_crash_it(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "session_index.jsonl"
    file.write_bytes(data)

    assert all(isinstance(name, str) for name in AGENT.names_in(str(file)).values())
