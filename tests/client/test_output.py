"""Colour, width, errors."""

from __future__ import annotations

import io
import json

import pytest

from opensession.client import output
from opensession.core.errors import NotFound, OpenSessionError, Refused, Unreachable, UsageError


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "color"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_who_decides_about_colour(environ: dict[str, str], terminal: bool, color: bool) -> None:
    stream = _Terminal() if terminal else io.StringIO()

    assert output.screen_of(stream, environ).color is color


def test_columns_decides_the_width() -> None:
    assert output.screen_of(io.StringIO(), {"COLUMNS": "132"}).width == 132
    assert output.screen_of(io.StringIO(), {}).width == 80


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (OpenSessionError("x"), 1, "failed"),
        (UsageError("x"), 2, "usage"),
        (Unreachable("x"), 3, "unreachable"),
        (NotFound("x"), 4, "not_found"),
        (Refused("x"), 5, "refused"),
    ],
)
def test_json_errors_stand_on_stderr_with_what_to_do_next(
    error: OpenSessionError, code: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """DECISIONS §11: with --json errors are {"error":{"code","message","next"}} on stderr."""
    assert output.report(error, as_json=True) == code

    printed = capsys.readouterr()
    body = json.loads(printed.err)["error"]
    assert printed.out == ""
    assert (body["code"], body["message"]) == (name, "x")
    assert body["next"].startswith("opensession")


def test_an_error_is_one_line_and_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    output.report(NotFound("no such session: abcd", "opensession log"), as_json=False)

    assert capsys.readouterr().err.splitlines() == [
        "opensession: no such session: abcd",
        "next: opensession log",
    ]


def test_candidates_of_an_ambiguous_reference_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.report(NotFound("two", "longer", ("7f3a9c1e", "7f3a0000")), as_json=False)

    assert "  7f3a9c1e" in capsys.readouterr().err.splitlines()
