"""Asking before something leaves this machine or is taken away (DECISIONS §7)."""

from __future__ import annotations

import sys

import typer

from opensession.core.errors import Refused


def go_on(what: str, *, yes: bool, otherwise: str) -> None:
    """Return if a person says so, or said `--yes`. Raises Refused where nobody can answer."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"{what}, and nobody is there to confirm", "add --yes")
    if not typer.confirm("Go on?", err=True):
        raise Refused("nothing was changed", otherwise)
