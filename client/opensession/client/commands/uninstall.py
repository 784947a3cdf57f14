"""`opensession uninstall`: undo everything outside our folders, and remove those."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from opensession.client import output, processes, services
from opensession.client.commands.service import undo
from opensession.client.options import Yes
from opensession.core.errors import Refused
from opensession.core.paths import Paths, find_paths


def uninstall(
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Leave settings, index and archive where they are.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Stop the daemon, undo everything outside our folders (the service, hooks in agents'
    settings), and remove our folders.

    opensession uninstall --keep-data
    opensession uninstall
    """
    paths = find_paths(os.environ)
    folders = [path for path in _folders(paths, keep_data=keep_data) if path.exists()]
    _confirm(paths, folders, keep_data=keep_data, yes=yes)
    if paths.user_db.exists():
        undo(services.here(paths, os.environ))
        _unhook(paths)
    if not keep_data:
        _forget_key(paths)
    pid = processes.stop(paths, os.environ)
    if pid is not None:
        output.note(f"stopped the daemon (pid {pid})")
    for folder in _folders(paths, keep_data=keep_data):
        if folder.exists():
            shutil.rmtree(folder)
            output.note(f"removed {folder}")
    if keep_data:
        output.note(f"kept {paths.config_dir} and {paths.data_dir}")
    output.note(f"next: {_remove_program()}        # the program itself")


def _unhook(paths: Paths) -> None:
    """Take our hooks out of agents' settings, and say where that could not be done."""
    from opensession.client.hooks import installing

    done, problems = installing.remove_all(paths)
    for path in done:
        output.note(f"took our hooks out of {path}")
    for problem in problems:
        output.note(f"opensession: {problem}")


def _forget_key(paths: Paths) -> None:
    """Take the key for a hub out of the keyring, and say that the hub still takes it."""
    from opensession.client import login
    from opensession.core import keyring

    secret, place = login.key(paths, os.environ)
    url = login.server(paths, os.environ)
    if place == "keyring":
        keyring.forget(url, os.environ)
        output.note("took the key out of the keyring")
    if secret and place != "environment":
        output.note(f"{url} still takes this machine's key: end it there")


def _folders(paths: Paths, *, keep_data: bool) -> list[Path]:
    return [paths.state_dir, *([] if keep_data else [paths.data_dir, paths.config_dir])]


def _confirm(paths: Paths, folders: list[Path], *, keep_data: bool, yes: bool) -> None:
    """Ask, having said what is lost; refuse where nobody can answer."""
    if not keep_data and paths.data_dir.exists():
        from opensession.client.render.numbers import size

        bytes_kept = sum(p.stat().st_size for p in paths.archive_dir.rglob("*") if p.is_file())
        output.note(
            f"the archive ({size(bytes_kept)}) goes too, with sessions that their agents may have"
            " deleted since (--keep-data leaves it)"
        )
    for said in _outside(paths):
        output.note(f"will be undone: {said}")
    for folder in folders:
        output.note(f"will be removed: {folder}")
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("this removes data and nobody is there to confirm", "add --yes")
    if not typer.confirm("Go on?", err=True):
        raise Refused("nothing was changed", "opensession uninstall --keep-data")


def _outside(paths: Paths) -> list[str]:
    """What we changed outside our folders: what it is, and where."""
    if not paths.user_db.exists():
        return []
    from opensession.client import outside

    return list(dict.fromkeys(f"{change.kind} {change.path}" for change in outside.changes()))


def _remove_program() -> str:
    where = Path(sys.prefix)
    if "pipx" in where.parts:
        return "pipx uninstall opensession"
    if "uv" in where.parts:
        return "uv tool uninstall opensession"
    return f"{sys.executable} -m pip uninstall opensession"
