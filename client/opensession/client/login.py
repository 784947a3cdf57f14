"""Server and key of this machine: where they lie, and telling the daemon of a change."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from opensession.client import connection, hub, output
from opensession.core import config, keyring
from opensession.core.config.settings import IdentitySettings, ServerSettings
from opensession.core.errors import OpenSessionError, Refused, Unreachable, UsageError
from opensession.core.paths import Paths
from opensession.core.rpc.hub import HubLoginParams, HubStatus

KEY_PREFIX = "osk_"


def settings(paths: Paths, environ: Mapping[str, str]) -> ServerSettings:
    """What is configured of the hub."""
    return config.load(paths, environ).settings.server


def nickname(paths: Paths, environ: Mapping[str, str]) -> str:
    """What the user is to be called; empty if that is not configured."""
    name = config.load(paths, environ).settings.identity.nickname
    return "" if name == IdentitySettings().nickname else name


def server(paths: Paths, environ: Mapping[str, str]) -> str:
    """The hub that is configured; empty if none is."""
    return settings(paths, environ).url.rstrip("/")


def key(paths: Paths, environ: Mapping[str, str]) -> tuple[str, str]:
    """The key for that hub and where it lies: `config`, `environment`, `keyring` or `none`."""
    loaded = config.load(paths, environ)
    if found := loaded.settings.server.api_key:
        origin = loaded.origins["server.api_key"]
        return found, "config" if os.sep in origin else "environment"
    url = loaded.settings.server.url.rstrip("/")
    found = keyring.get(url, environ) if url else ""
    return found, "keyring" if found else "none"


def keep(
    paths: Paths, environ: Mapping[str, str], url: str, secret: str, *, insecure: bool
) -> HubStatus | None:
    """Have this machine use a hub with a key: in the keyring where one answers, else in
    `config.toml`. Says where it went; gives what a running daemon says of it.
    """
    in_ring = keyring.put(url, secret, environ)
    values: dict[str, Any] = {"server.url": url, "server.api_key": None if in_ring else secret}
    values["server.insecure"] = True if insecure else None
    config.set_values(paths.login_file, values, home=str(paths.home))
    output.note(f"the key is in {'the keyring' if in_ring else paths.login_file}")
    warn_of_others(paths, environ, {"url": url, "api_key": "" if in_ring else secret})
    return tell(paths, environ, HubLoginParams(key=secret if in_ring else ""))


def forget(paths: Paths, environ: Mapping[str, str], url: str) -> None:
    """Have this machine forget its key; the hub's address stays."""
    keyring.forget(url, environ)
    if paths.login_file.exists():
        config.set_values(paths.login_file, {"server.api_key": None}, home=str(paths.home))
    tell(paths, environ, HubLoginParams(logout=True))


def warn_of_others(paths: Paths, environ: Mapping[str, str], wrote: Mapping[str, str]) -> None:
    """Say where a value that was written does not count, since another layer has one."""
    loaded = config.load(paths, environ)
    for name, value in wrote.items():
        if getattr(loaded.settings.server, name) != value:
            origin = loaded.origins[f"server.{name}"]
            output.note(f"opensession: server.{name} of {origin} counts, not what was written now")


def tell(paths: Paths, environ: Mapping[str, str], params: HubLoginParams) -> HubStatus | None:
    """Have a running daemon take a change up; None where none runs."""
    try:
        with connection.connect(paths, environ) as daemon:
            return daemon.call("hub.login", params, HubStatus)
    except Unreachable:
        return None


def asked(text: str, option: str, *, hidden: bool = False) -> str:
    """What a person types. Raises UsageError, naming the option, where nobody can."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{text} is missing, and nobody is there to be asked", f"add {option}")
    if hidden:
        import getpass

        return getpass.getpass(f"{text}: ", stream=sys.stderr)
    import typer

    return str(typer.prompt(text, err=True))


def from_stdin() -> str:
    """One line of stdin: a password or a key."""
    return sys.stdin.readline().rstrip("\r\n")


def checked_key(text: str) -> str:
    """A key as hubs make them. Raises UsageError, without a word of it."""
    found = text.strip()
    body = found.removeprefix(KEY_PREFIX)
    if body == found or not body.isalnum() or not body.isascii():
        raise UsageError(f"that is no key of a hub: they begin with {KEY_PREFIX}", "")
    return found


def ended(url: str, secret: str) -> bool:
    """Have the hub end a key; False, having said why, where it could not be asked."""
    try:
        hub.call(url, "DELETE", "/api/auth/api-keys/current", type(None), credential=secret)
    except hub.Rejected:
        return True  # it is no good there any more
    except (OpenSessionError, Refused) as error:
        output.note(f"opensession: {error}")
        return False
    return True
