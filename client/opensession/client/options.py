"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from opensession.core.errors import UsageError

NoStart: TypeAlias = Annotated[
    bool, typer.Option("--no-start", help="Do not start a daemon if none runs.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
All: TypeAlias = Annotated[
    bool, typer.Option("--all", "-a", help="Every project, not just this repository.")
]
Ref: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="[REF]",
        help="A short, an id, 4 characters of one, an alias; HEAD, HEAD^N; a file. #N: event.",
        show_default=False,
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class SessionFormat(StrEnum):
    """How `show` and `timeline` print."""

    text = "text"
    markdown = "markdown"
    json = "json"
    jsonl = "jsonl"
    hail = "hail"
    stream = "stream"


class LogFormat(StrEnum):
    """How `log` prints."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    markdown = "markdown"


class PlainFormat(StrEnum):
    """How `stats` and others print."""

    text = "text"
    json = "json"


def one_format(given: str | None, as_json: bool) -> str:
    """The format of a command that takes `--format` and `--json`; they must not differ."""
    if as_json and given not in (None, "json"):
        raise UsageError(f"--json and --format {given} exclude each other")
    return "json" if as_json else given or "text"
