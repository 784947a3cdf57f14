"""`opensession daemon select` and `daemon show`: which repositories are watched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from opensession.client import output
from opensession.client.asking import ask
from opensession.client.options import AsJson
from opensession.core.errors import UsageError
from opensession.core.paths import home_dir
from opensession.core.rpc.config import (
    ConfigGetParams,
    ConfigGetResult,
    ConfigSetParams,
    ConfigSetResult,
)

_KEY = "watchers.repos"


def select(
    repo: Annotated[
        list[str] | None, typer.Option("--repo", metavar="PATH", help="A repository's folder.")
    ] = None,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="Further folders.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Watch all again.")] = False,
) -> None:
    """Watch only these repositories. The choice is written to the settings; comments are kept.

    opensession daemon select --repo ~/work/api ~/work/web
    opensession daemon select --all
    """
    chosen = [*(repo or []), *(more or [])]
    if all_ == bool(chosen):
        raise UsageError("name repositories, or say --all", "opensession daemon select --repo .")
    set_repos(chosen)
    _print_repos(_repos())


def show(json: AsJson = False) -> None:
    """What is watched: which repositories, which agents.

    opensession daemon show
    """
    found = ask("config.get", ConfigGetParams(key="watchers"), ConfigGetResult)
    values = {setting.key: setting.value for setting in found.settings}
    if json:
        output.emit_json(values)
        return
    _print_repos([str(path) for path in values.get(_KEY) or []])
    off = [key.partition(".")[2] for key, value in values.items() if value is False]
    if off:
        output.emit([f"not watched: {', '.join(name.replace('_', '-') for name in off)}"])
    extra = values.get("watchers.custom_paths") or []
    if extra:
        output.emit(["further folders:", *(f"  {path}" for path in extra)])


def set_repos(folders: list[str]) -> None:
    """Write the repositories to watch; none means all. Raises UsageError for no folder."""
    paths = []
    for folder in folders:
        path = Path(folder).expanduser().resolve()
        if not path.is_dir():
            raise UsageError(f"no such folder: {folder}", "opensession daemon select --repo .")
        paths.append(str(path))
    values = {_KEY: paths if paths else None}
    done = ask("config.set", ConfigSetParams(values=values), ConfigSetResult)
    for warning in done.warnings:
        output.note(warning)


def _repos() -> list[str]:
    found = ask("config.get", ConfigGetParams(key=_KEY), ConfigGetResult)
    return [str(path) for setting in found.settings for path in setting.value or []]


def _print_repos(repos: list[str]) -> None:
    if not repos:
        output.emit(["all repositories are watched"])
        return
    from opensession.client.render.words import tilde

    home = str(home_dir(os.environ))
    output.emit(["only these repositories are watched:"])
    output.emit(f"  {tilde(repo, home)}" for repo in repos)
