"""The list of commands: complete, each with a help that begins with an example."""

from __future__ import annotations

import pytest

from opensession.client.building import build, function_of
from opensession.client.helptext import print_group_or_fail, print_root
from opensession.client.table import (
    ALIASES,
    COMMANDS,
    GROUPS,
    HIDDEN,
    canonical,
    entry_of,
    resolve,
)
from opensession.core.errors import UsageError


@pytest.mark.parametrize("name", [*COMMANDS, *HIDDEN])
def test_every_command_is_there(name: str) -> None:
    assert callable(function_of(entry_of(name)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_a_sentence_and_then_an_example_of_itself(name: str) -> None:
    help_lines = [line.strip() for line in build(name).help.splitlines()]
    first_example = next(i for i, line in enumerate(help_lines) if line.startswith("opensession"))

    assert help_lines[0][0].isupper()
    assert " ".join(help_lines[:first_example]).strip().endswith((".", ";", "!"))
    assert help_lines[first_example].startswith(f"opensession {name}")


def test_the_first_help_has_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    print_root()
    said = capsys.readouterr().out

    words = {name.split()[0] for name in COMMANDS}
    assert {word for word in words if f"\n  {word} " not in said} == set()


def test_examples_are_indented_alike_whatever_they_begin_with() -> None:
    command = build("privacy test")
    lines = command.get_help(command.make_context("test", [], resilient_parsing=True)).splitlines()

    assert [line for line in lines if "opensession" in line][:2] == [
        "  opensession privacy test < notes.txt",
        "  echo 'API_TOKEN=...' | opensession privacy test --json",
    ]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("serch", "opensession search --help"),
        ("frob", "opensession --help"),
        ("daemon strat", "opensession daemon start --help"),
        ("daemon frob", "opensession daemon --help"),
        ("daemon service frob", "opensession daemon service --help"),
    ],
)
def test_a_wrong_word_leads_to_the_command_that_was_meant_or_to_the_list(
    words: str, hint: str
) -> None:
    with pytest.raises(UsageError) as raised:
        print_group_or_fail(words.split())

    assert raised.value.hint == hint


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    options = [p for p in build(name).params if p.param_type_name == "option"]

    assert [p.name for p in options if not p.help] == []


@pytest.mark.parametrize(("alias", "target"), ALIASES.items())
def test_aliases_of_earlier_generations_lead_to_something(alias: str, target: str) -> None:
    """DECISIONS §11: names of earlier generations are hidden aliases from one table."""
    named = target.partition(" --")[0]
    assert named in COMMANDS or named in GROUPS
    assert canonical([*alias.split(), "x"]) == [*target.split(), "x"]
    assert alias not in COMMANDS


def test_the_longest_name_counts() -> None:
    assert resolve(["config", "get", "a.b"]) == ("config get", ["a.b"])
    assert resolve(["config", "--json"]) == ("config", ["--json"])
    assert resolve(["daemon", "service", "install"]) == ("daemon service install", [])
    assert resolve(["daemon"]) is None
    assert resolve(["ops", "daemon", "status"]) == ("daemon status", [])
    assert resolve(["nothing"]) is None
