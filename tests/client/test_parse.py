from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from opensession.core import hail_read
from opensession.core.validate import validate
from tests.parsers.hail.test_feed import HEADER, event, lines

SECRET = "sk-ant-api03-" + "A1b2C3d4E5" * 9 + "-AbCdEfGhAA"


def run(home: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "opensession.client", "parse", *words],
        input=given, capture_output=True, check=False, cwd=home,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "one.hail.jsonl"
    second = event(2, "ShellCommand", data={"command": f"API_KEY={SECRET} ls {tmp_path}/x"})
    path.write_bytes(lines(HEADER, event(3), second))
    return path


def test_a_file_becomes_hail_in_the_order_of_time(tmp_path: Path, made: Path) -> None:
    done = run(tmp_path, str(made))
    assert done.returncode == 0, done.stderr
    document = hail_read.read(done.stdout)
    assert [one.event_id for one in document.events] == ["e2", "e3"]
    assert validate(document.header, document.events) == []
    assert not document.recomputed


def test_what_is_private_does_not_leave(tmp_path: Path, made: Path) -> None:
    done = run(tmp_path, str(made))
    assert SECRET.encode() not in done.stdout
    assert str(tmp_path).encode() not in done.stdout
    assert b"[redacted:" in done.stdout


def test_nothing_is_made_in_the_home_of_who_asks(tmp_path: Path, made: Path) -> None:
    run(tmp_path, str(made))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.hail.jsonl"]


def test_the_same_from_standard_input(tmp_path: Path, made: Path) -> None:
    named = run(tmp_path, str(made))
    piped = run(tmp_path, "-", "--profile", "hail", given=made.read_bytes())
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout == named.stdout


def test_out_is_a_file_of_ours_alone(tmp_path: Path, made: Path) -> None:
    done = run(tmp_path, str(made), "--out", "out.jsonl")
    assert (done.returncode, done.stdout) == (0, b"")
    target = tmp_path / "out.jsonl"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_bytes() == run(tmp_path, str(made)).stdout


def test_out_is_not_touched_when_nothing_can_be_read(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("kept")
    (tmp_path / "bad").write_text("no session")
    done = run(tmp_path, "bad", "--agent", "codex", "--out", "out.jsonl")
    assert done.returncode == 1
    assert b"codex: no session in it" in done.stderr
    assert target.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "out.jsonl"]


def test_a_preview_tells_what_is_in_it(tmp_path: Path, made: Path) -> None:
    done = run(tmp_path, str(made), "--preview")
    said = done.stdout.decode()
    assert said.startswith("hail  1 session\n")
    assert "made-by-hand-1" in said
    assert "Fix the build" in said
    told = json.loads(run(tmp_path, str(made), "--preview", "--json").stdout)
    assert told["agent"] == "hail"
    assert told["sessions"][0]["stats"]["event_count"] == 2


def test_a_file_that_nothing_tells_of_names_the_flag(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("hello")
    done = run(tmp_path, "words")
    assert done.returncode == 2
    assert b"--agent NAME" in done.stderr


def test_several_candidates_are_listed(tmp_path: Path) -> None:
    """Half of Claude Code's marks and half of Codex's in one file."""
    record = {"parentUuid": None, "sessionId": "s", "isSidechain": False, "session_meta": 1}
    (tmp_path / "both").write_text(json.dumps(record) + "\n")
    done = run(tmp_path, "both")
    assert done.returncode == 2
    assert b"claude-code (75%)" in done.stderr
    assert b"codex (70%)" in done.stderr
    assert b"next: opensession parse --agent claude-code FILE" in done.stderr


def test_a_missing_file_and_an_unknown_agent_are_one_line_each(tmp_path: Path, made: Path) -> None:
    missing = run(tmp_path, "nothing.jsonl")
    assert (missing.returncode, missing.stderr.count(b"\n")) == (4, 2)
    unknown = run(tmp_path, str(made), "--agent", "nobody")
    assert unknown.returncode == 2
    assert b"no agent is named nobody" in unknown.stderr


def test_what_is_there_and_is_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    done = run(tmp_path, str(tmp_path))
    assert done.returncode == 4
    assert b"not a file: " in done.stderr
