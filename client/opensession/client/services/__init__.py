"""The system's service manager as one shape: systemd's for Linux, launchd for macOS."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from opensession.core.errors import OpenSessionError
from opensession.core.paths import Paths


class ManagerSilent(OpenSessionError):
    """The service manager of this user does not answer: none runs, or not for this login."""


class Service(Protocol):
    """Our service under one manager. `kind` names it in the record of changes."""

    kind: str
    manager: str

    @property
    def unit_path(self) -> Path:
        """Where the unit lies once it is installed."""
        ...

    def text(self) -> str:
        """The unit for this installation and this environment."""
        ...

    def check(self) -> None:
        """Raise ManagerSilent if the manager does not answer."""
        ...

    def enable(self) -> None:
        """Take the unit up: started now and with every login. Raises OpenSessionError."""
        ...

    def disable(self) -> None:
        """Stop it and forget it; the unit's file is left to the caller."""
        ...

    def start(self) -> None:
        """Start it. Raises ManagerSilent or OpenSessionError."""
        ...

    def forget(self) -> None:
        """Let the manager know that the unit's file is gone."""
        ...


def here(paths: Paths, environ: Mapping[str, str]) -> Service:
    """The service for this platform, installed or not."""
    if sys.platform == "darwin":
        from opensession.client.services.launchd import Launchd

        return Launchd(paths, environ)
    from opensession.client.services.systemd import Systemd

    return Systemd(paths, environ)


def installed(paths: Paths, environ: Mapping[str, str]) -> Service | None:
    """The service, if one is installed for this very home."""
    service = here(paths, environ)
    try:
        text = service.unit_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    meant = environ.get("OPENSESSION_HOME", "") if paths.moved else ""
    if ("OPENSESSION_HOME" in text) != bool(meant) or (meant and meant not in text):
        return None
    return service
