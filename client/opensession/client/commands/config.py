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


ASK = "?"
"""What stands for a key that is to be asked for: `--api-key` without a value."""


def show(
    server: Annotated[
        str | None, typer.Option("--server", metavar="URL", help="Set the hub; empty is none.")
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key", metavar="[KEY|-]", help="Set the key; - reads stdin, alone asks."
        ),
    ] = None,
    team_id: Annotated[
        str | None, typer.Option("--team-id", metavar="ID", help="Set the team; empty is none.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="With --server: http to another machine.")
    ] = False,
    json: AsJson = False,
) -> None:
    """All settings, and where each comes from. Keys and tokens are masked. With an option, the hub
    is set in config.toml, which only you can read (mode 0600).

    opensession config
    opensession config --json
    opensession config --server https://hub.example --api-key - < key
    """
    if server is not None or api_key is not None or team_id is not None:
        _set_hub(server, api_key, team_id, insecure=insecure)
        return
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


def _set_hub(url: str | None, api_key: str | None, team_id: str | None, *, insecure: bool) -> None:
    from opensession.client import hub, login
    from opensession.core import config
    from opensession.core.rpc.hub import HubLoginParams

    paths = find_paths(os.environ)
    values: dict[str, Any] = {}
    if url is not None:
        checked = hub.checked_address(url, insecure=insecure) if url else None
        values |= {"server.url": checked, "server.insecure": True if insecure and url else None}
    if api_key is not None:
        if api_key not in ("", ASK, "-") and sys.stderr.isatty():
            output.note("opensession: others can see words of a command; next time: --api-key -")
        given = login.asked("Key", "--api-key -", hidden=True) if api_key in ("", ASK) else api_key
        values["server.api_key"] = login.checked_key(login.from_stdin() if given == "-" else given)
    if team_id is not None:
        values["server.team_id"] = team_id or None
    changed = config.set_values(paths.login_file, values, home=str(paths.home))
    names = ", ".join(changed)
    output.note(f"{names} set in {paths.login_file}" if changed else "all of it was so already")
    wrote = {name.partition(".")[2]: value or "" for name, value in values.items()}
    wrote.pop("insecure", None)
    login.warn_of_others(paths, os.environ, wrote)
    login.tell(paths, os.environ, HubLoginParams())


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
    opensession config set privacy.modes.keys block
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
