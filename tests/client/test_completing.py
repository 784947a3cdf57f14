"""Completion scripts, read by the shells they are for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from opensession.client import completing
from opensession.client.table import COMMANDS

SHELLS = ("bash", "zsh", "fish")


def need(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not on this machine")
    return found


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_read_its_script(shell: str, tmp_path: Path) -> None:
    program = need(shell)
    script = tmp_path / "script"
    script.write_text(completing.script(shell))

    done = subprocess.run([program, "-n", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_its_options_are_in_the_script(shell: str) -> None:
    script = completing.script(shell)
    option = "-l follow" if shell == "fish" else "--follow"

    assert option in script
    for name in COMMANDS:
        assert name.split()[-1] in script


def bash_offers(words: list[str], tmp_path: Path, answer: str = "") -> list[str]:
    """What bash would offer for a line whose last word is being typed."""
    program = tmp_path / "opensession"
    program.write_text(f"#!/bin/sh\nprintf '{answer}'\n")
    program.chmod(0o755)
    script = tmp_path / "script"
    script.write_text(completing.script("bash"))
    code = (
        f'PATH="{tmp_path}:$PATH"; . "{script}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
        ' _opensession; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [need("bash"), "--norc", "-c", code, "bash", "opensession", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["dae"], ["daemon"]),
        (["daemon", "service", ""], ["install", "uninstall", "print"]),
        (["stats", "--period", "m"], ["month"]),
        (["log", "--sub"], ["--subagents"]),
        (["completion", "z"], ["zsh"]),
    ],
)
def test_bash_offers_what_can_follow(words: list[str], offered: list[str], tmp_path: Path) -> None:
    assert bash_offers(words, tmp_path) == offered


def test_bash_offers_ids_of_sessions(tmp_path: Path) -> None:
    """`completion` completes ids: they are asked for as one types."""
    offered = bash_offers(["show", "7"], tmp_path, "7f3a9c1e\\tcodex: a\\n81aa0000\\tcodex: b\\n")

    assert offered == ["7f3a9c1e"]


def test_fish_offers_what_can_follow(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(completing.script("fish"))
    done = subprocess.run(
        [need("fish"), "-N", "-c", f'source {script}; complete -C "opensession daemon service "'],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )

    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [
        "install",
        "print",
        "uninstall",
    ]
    assert done.stderr == ""
