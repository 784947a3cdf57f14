"""From a function to a command: typer reads its options, its docstring is the help."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import typer
import typer.core
import typer.main

from opensession.client.table import Entry, entry_of


class Command(typer.core.TyperCommand):
    """A command whose help is its docstring as it stands (a sentence, then examples), then the
    usage line and the options.
    """

    def format_help(self, ctx: Any, formatter: Any) -> None:
        text, _, examples = (self.help or "").strip().partition("\n\n")
        for number, line in enumerate([*text.splitlines(), "", *examples.splitlines()]):
            example = number > text.count("\n") and "opensession" in line
            formatter.write(f"  {line.strip()}\n" if example else f"{line.strip()}\n")
        formatter.write("\n")
        self.format_usage(ctx, formatter)
        self.format_options(ctx, formatter)


def function_of(entry: Entry) -> Callable[..., int | None]:
    """The function of a command; its module is imported now."""
    module = importlib.import_module(f"opensession.client.commands.{entry.module}")
    function: Callable[..., int | None] = getattr(module, entry.function)
    return function


def build(name: str) -> Any:
    """The command of a name in the table, ready to parse arguments."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    app.command(name, cls=Command, context_settings=settings)(function_of(entry_of(name)))
    return typer.main.get_command(app)
