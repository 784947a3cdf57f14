"""`opensession config`, `config get|set|path`: settings, without or with a daemon."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import msgspec
import typer

from opensession.client import output
from opensession.client.asking import ask
from opensession.client.options import AsJson
from opensession.core.errors import UsageError
from opensession.core.paths import find_paths
from opensession.core.rpc.config import (
    ConfigGetParams,
    ConfigGetResult,
    ConfigSetParams,
    ConfigSetResult,
    Setting,
)

Key = Annotated[str, typer.Argument(metavar="KEY", help="Such as daemon.debounce_secs.")]


def show(json: AsJson = False) -> None:
    """All settings, and where each comes from. Keys and tokens are masked.

    opensession config
    opensession config --json
    """
    found = ask("config.get", ConfigGetParams(), ConfigGetResult)
    _warn(found.warnings)
    if json:
        output.emit_json(found)
        return
    screen = output.screen_of(sys.stdout)
    section = ""
    output.emit([screen.dim(f"# {found.path}")])
    for setting in found.settings:
        head, _, name = setting.key.rpartition(".")
        if head != section:
            section = head
            output.emit(["", screen.bold(f"[{section}]")])
        text = f"{name} = {_shown(setting)}"
        if setting.origin == "default":
            output.emit([screen.dim(text)])
        else:
            origin = "" if setting.origin == found.path else f"  # {setting.origin}"
            output.emit([text + screen.dim(origin)])


def get(key: Key, json: AsJson = False) -> None:
    """One setting, or one section.

    opensession config get daemon.debounce_secs
    opensession config get privacy --json
    """
    found = ask("config.get", ConfigGetParams(key=key), ConfigGetResult)
    if json:
        output.emit_json(found.settings)
    elif len(found.settings) == 1 and found.settings[0].key == key.replace("-", "_"):
        value = found.settings[0].value
        output.emit([value if isinstance(value, str) else _toml(value)])
    else:
        output.emit(f"{setting.key} = {_shown(setting)}" for setting in found.settings)


def set_value(
    key: Key,
    value: Annotated[
        list[str] | None, typer.Argument(metavar="[VALUE]...", help="The value; lists take more.")
    ] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Back to the default.")] = False,
) -> None:
    """Change a setting in daemon.toml; its comments are kept. Taken up without a restart, or told.

    opensession config set daemon.debounce_secs 2
    opensession config set archive.raw false
    opensession config set privacy.exclude_paths ~/private ~/clients
    opensession config set daemon.debounce_secs --unset
    """
    if unset == bool(value):
        raise UsageError("give a value, or --unset", "opensession config set --help")
    given: Any = None if unset or not value else value[0] if len(value) == 1 else value
    done = ask("config.set", ConfigSetParams(values={key: given}), ConfigSetResult)
    output.note(f"{key} {'set' if done.changed else 'was so already'} in {done.path}")
    _warn(done.warnings)
    if done.restart_due:
        output.note("next: opensession daemon restart")


def path() -> None:
    """Where the settings are.

    opensession config path
    $EDITOR "$(opensession config path)"
    """
    output.emit([str(find_paths(os.environ).config_file)])


def _shown(setting: Setting) -> str:
    return _toml(setting.value)


def _toml(value: Any) -> str:
    """A value as TOML writes it: JSON is the same for texts, numbers, booleans and lists."""
    return (
        '""'
        if value is None
        else msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    )


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        output.note(f"opensession: {warning}")
