"""`opensession daemon service install|uninstall|print`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from opensession.client import output, outside, processes, services
from opensession.client import start as starting
from opensession.client.options import Yes
from opensession.client.services import ManagerSilent, Service
from opensession.client.services.units import MARK
from opensession.core.errors import OpenSessionError
from opensession.core.paths import find_paths

Linger = Annotated[
    bool | None,
    typer.Option("--linger/--no-linger", help="Go on after logout (systemd); asked otherwise."),
]


def install(linger: Linger = None, yes: Yes = False) -> None:
    """Have the daemon started with the login, and again after a failure, by systemd or launchd.

    opensession daemon service install
    opensession daemon service install --linger    # also while nobody is logged in
    """
    paths = find_paths(os.environ)
    service = services.here(paths, os.environ)
    service.check()
    written = outside.write_file(
        service.kind, service.unit_path, service.text().encode(), mark=MARK
    )
    output.note(f"{'wrote' if written else 'unchanged:'} {service.unit_path}")
    processes.stop(paths, os.environ)
    paths.stopped_file.unlink(missing_ok=True)
    service.enable()
    starting.wait_until_ready(paths, os.environ)
    output.note(f"{service.manager} runs the daemon now, and with every login")
    if service.manager == "systemd":
        _settle_linger(linger, yes=yes)


def uninstall() -> None:
    """Undo `install`: stop the service, remove its unit, and lingering if we turned it on.

    opensession daemon service uninstall
    """
    service = services.here(find_paths(os.environ), os.environ)
    if not undo(service):
        output.note("no service of ours is installed")


def print_unit() -> None:
    """The unit that `install` would write, for this installation and this environment.

    opensession daemon service print
    """
    service = services.here(find_paths(os.environ), os.environ)
    sys.stdout.write(service.text())


def undo(service: Service) -> bool:
    """Take the service back as far as it is ours; False if there was none."""
    made = outside.changes(service.kind)
    lingering = outside.changes(outside.LINGER)
    if not made and not lingering:
        return False
    if made:
        try:
            service.disable()
        except ManagerSilent as error:
            output.note(f"{error}: it may still run until the next login")
        if outside.remove_file(service.unit_path, made):
            output.note(f"removed {service.unit_path}")
        else:
            output.note(f"left, since it was changed by somebody else: {service.unit_path}")
        service.forget()
    if lingering:
        from opensession.client.services import systemd

        try:
            systemd.set_linger(False)
        except OpenSessionError as error:
            output.note(f"{error}; next: {error.hint}")
        else:
            output.note("turned lingering off again")
    outside.forget([*made, *lingering])
    return True


def _settle_linger(wanted: bool | None, *, yes: bool) -> None:
    from opensession.client.services import systemd

    if wanted is False or systemd.lingers():
        return
    if wanted is None:
        wanted = yes or (
            sys.stdin.isatty()
            and sys.stderr.isatty()
            and typer.confirm(
                "It ends when you log out. Have it go on (loginctl enable-linger)?", err=True
            )
        )
    if not wanted:
        output.note("it ends when you log out; next: opensession daemon service install --linger")
        return
    outside.record(outside.LINGER, str(systemd.LINGER_DIR / systemd.user_name()))
    systemd.set_linger(True)
    output.note("it goes on after you log out (lingering is on)")
