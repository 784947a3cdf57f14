"""`opensession doctor`: every check there is, and mending what can be mended."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from opensession.client import confirming, doctoring, output
from opensession.client.options import AsJson, Yes
from opensession.core.paths import find_paths
from opensession.core.rpc.daemon import Check, Health
from opensession.core.rpc.doctor import Finding


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what is safe to mend, after asking.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read the whole archive and every page of the index.")
    ] = False,
    yes: Yes = False,
    json: AsJson = False,
) -> int:
    """Every check there is, each with the command that mends it; also where no daemon runs, which
    is not started by it. A part of the archive is read to see that it is whole, with `--deep` all
    of it. Exit code 1 if anything is red.

      opensession doctor
      opensession doctor --fix
      opensession doctor --deep --json
    """
    paths = find_paths(os.environ)
    found = doctoring.look(paths, os.environ, deep=deep)
    wanted = doctoring.fixes(found) if fix else []
    if wanted:
        if not json:
            _show([each for each in found if each.state != "ok"])
        for each in wanted:
            output.note(f"will {doctoring.SAID[each]}")
        confirming.go_on("this changes something", yes=yes, otherwise="opensession doctor")
        doctoring.fix(wanted, paths, os.environ)
        found = doctoring.look(paths, os.environ, deep=deep)
    healthy = all(each.state != "red" for each in found)
    if json:
        output.emit_json({"healthy": healthy, "fixed": wanted, "findings": found})
    else:
        _show(found)
        _sum_up(found, fixed=fix)
    return 0 if healthy else 1


def _show(found: list[Finding]) -> None:
    from opensession.client.render import overview

    checks = [
        Check(name=each.name, state=each.state, message=each.message, hint=each.hint)
        for each in found
    ]
    output.emit(overview.health_lines(Health(healthy=True, checks=checks), _screen()))


def _sum_up(found: list[Finding], *, fixed: bool) -> None:
    from opensession.client.render.numbers import count

    red = sum(each.state == "red" for each in found)
    warn = sum(each.state == "warn" for each in found)
    if not red and not warn:
        output.note(f"all is well: {count(len(found), 'check')}")
        return
    output.note(f"{count(red, 'fault')}, {count(warn, 'warning')}")
    if doctoring.fixes(found) and not fixed:
        output.note("next: opensession doctor --fix")


def _screen() -> output.Screen:
    return output.screen_of(sys.stdout)
