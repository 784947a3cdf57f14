"""What every unit holds: the resolved program, and where this shell's agents live."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from opensession.client.connection import RELOCATING
from opensession.core.errors import OpenSessionError

MARK = "opensession daemon service install"
"""Stands in every unit of ours, so that one that is not is never replaced."""


def template(folder: str, name: str) -> str:
    """A template that is shipped in the package. Raises OpenSessionError if it is missing."""
    try:
        shipped = resources.files("opensession.service") / folder / name
        return shipped.read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError) as error:
        raise OpenSessionError(
            f"this installation lacks {folder}/{name}", "install opensession again"
        ) from error


def program() -> list[str]:
    """The daemon's program by its own path: a login has another PATH than this shell.

    The script beside this Python, which stays when links to it are moved; else the module.
    """
    beside = Path(sys.executable).with_name("opensession-daemon")
    if beside.is_file():
        return [str(beside), "run"]
    found = shutil.which("opensession-daemon")
    if found:
        return [str(Path(found).resolve()), "run"]
    return [sys.executable, "-P", "-m", "opensession.daemon", "run"]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that the service needs and a login lacks: where things of ours and of the
    agents lie.
    """
    names = ("OPENSESSION_HOME", *RELOCATING)
    return {name: environ[name] for name in names if environ.get(name)}
