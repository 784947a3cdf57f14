"""The line of sh that agents run: one hint, exit code 0, and the agent is never held up."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from opensession.client.hooks import command
from opensession.core.hints import Hint, read_hint

ID = "0a1b2c3d-1111-4222-8333-444455556666"
SHELLS = [shell for shell in ("sh", "dash", "bash", "zsh") if shutil.which(shell)]


@pytest.fixture
def hints(tmp_path: Path) -> Path:
    folder = tmp_path / "it's a $home `x`" / "hints"
    folder.mkdir(parents=True, mode=0o700)
    return folder


def fire(script: str, said: bytes, *, shell: str = "sh", words: tuple[str, ...] = ()) -> None:
    """Run a hook as an agent does, and return when its work behind is done as well.

    That holds a pipe open which nobody writes to, so its end tells.
    """
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as behind:
        try:
            done = subprocess.run(
                [shell, "-c", script, *words],
                input=said,
                capture_output=True,
                timeout=60,
                check=False,
                pass_fds=(theirs,),
            )
        finally:
            os.close(theirs)
        assert behind.read() == b""
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def dropped(hints: Path) -> list[Hint | None]:
    return [read_hint(path.name) for path in hints.iterdir()]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_hint_names_the_session(hints: Path, shell: str) -> None:
    script = command.on_stdin("turn", "claude-code", str(hints), "session_id")
    said = {"session_id": ID, "cwd": "/x", "tool_input": {"session_id": "not-this"}}
    fire(script, json.dumps(said).encode(), shell=shell)

    assert dropped(hints) == [Hint("turn", "claude-code", ID)]
    (hint,) = hints.iterdir()
    assert hint.read_bytes() == b""
    assert stat.S_IMODE(hint.stat().st_mode) == 0o600


def test_the_id_is_found_in_json_of_any_spacing_and_never_in_text(hints: Path) -> None:
    script = command.on_stdin("end", "gemini", str(hints), "session_id")
    said = {"prompt": 'say {"session_id": "text"}, "session_id":"text"', "session_id": ID}
    fire(script, json.dumps(said, indent=2).encode())

    assert dropped(hints) == [Hint("end", "gemini", ID)]


def test_a_megabyte_on_stdin_is_taken_whole(hints: Path) -> None:
    """An agent that writes into a closed pipe would be told of it: here that raises."""
    script = command.on_stdin("turn", "claude-code", str(hints), "session_id")
    said = json.dumps({"session_id": ID, "tool_response": "x" * 4_000_000}).encode()
    ours, theirs = os.pipe()
    with (
        os.fdopen(ours, "rb") as behind,
        subprocess.Popen(
            ["sh", "-c", script], stdin=subprocess.PIPE, bufsize=0, pass_fds=(theirs,)
        ) as process,
    ):
        os.close(theirs)
        assert process.wait(60) == 0
        assert process.stdin is not None
        with process.stdin as stdin:
            assert stdin.write(said) == len(said)
        assert behind.read() == b""
    assert dropped(hints) == [Hint("turn", "claude-code", ID)]


def test_an_agent_that_never_closes_stdin_does_not_wait(hints: Path) -> None:
    script = command.on_stdin("turn", "claude-code", str(hints), "session_id")
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE) as process:
        assert process.wait(30) == 0
        assert process.stdin is not None


@pytest.mark.parametrize(
    "said", [b"", b"not json", b'{"session_id": "../../etc/x"}', b"\xff" * 9000]
)
def test_without_an_id_the_hint_names_the_agent_alone(hints: Path, said: bytes) -> None:
    fire(command.on_stdin("turn", "claude-code", str(hints), "session_id"), said)

    assert dropped(hints) == [Hint("turn", "claude-code", "")]


def test_codex_gives_its_json_as_an_argument(hints: Path) -> None:
    script = command.on_argument("turn", "codex", str(hints), "thread-id")
    said = json.dumps({"type": "agent-turn-complete", "thread-id": ID, "cwd": "/x"})
    fire(script, b"", words=("opensession-hook", said))

    assert dropped(hints) == [Hint("turn", "codex", ID)]


def test_nothing_happens_once_our_folder_is_gone(hints: Path) -> None:
    """DECISIONS §6: every hook first tests that the program is still there."""
    hints.rmdir()
    fire(command.on_stdin("turn", "claude-code", str(hints), "session_id"), b"{}")
    fire(command.on_argument("turn", "codex", str(hints), "thread-id"), b"", words=("x", "{}"))

    assert list(hints.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_failure_of_the_agent(hints: Path) -> None:
    hints.chmod(0o500)
    try:
        fire(command.on_stdin("turn", "claude-code", str(hints), "session_id"), b"{}")
    finally:
        hints.chmod(0o700)


def test_tools_that_every_system_has_are_all_it_needs(
    hints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §9: hooks start no Python."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "head", "tr", "sed", "cat"):
        (tools / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(tools))
    script = command.on_stdin("turn", "claude-code", str(hints), "session_id")
    fire(script, json.dumps({"session_id": ID}).encode())

    assert dropped(hints) == [Hint("turn", "claude-code", ID)]
