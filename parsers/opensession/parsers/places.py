"""The folders that several agents share, per platform. Nothing here looks at the disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from opensession.parsers.agent import Environment

_FLAVOURS = (
    "Code",
    "Code - Insiders",
    "VSCodium",
    "VSCodium - Insiders",
    "Cursor",
    "Windsurf",
    "Positron",
    "Trae",
    "Kiro",
    "Antigravity",
)
_SERVERS = (
    ".vscode-server",
    ".vscode-server-insiders",
    ".vscodium-server",
    ".cursor-server",
    ".windsurf-server",
    ".positron-server",
)
_CODE_SERVERS = ("code-server", "openvscode-server")


def config_home(env: Environment) -> str:
    """Where programs keep their configuration: XDG, `Library/Application Support`, `AppData`."""
    if env.platform == "win32":
        return f"{env.home}/AppData/Roaming"
    if env.platform == "darwin":
        return f"{env.home}/Library/Application Support"
    return _absolute(env, "XDG_CONFIG_HOME", f"{env.home}/.config")


def data_home(env: Environment) -> str:
    """Where programs that follow XDG keep their data, on every platform."""
    if env.platform == "win32":
        return f"{env.home}/.local/share"
    return _absolute(env, "XDG_DATA_HOME", f"{env.home}/.local/share")


def vscode_users(env: Environment, flavours: Iterable[str] = _FLAVOURS) -> list[str]:
    """The `User` folders of VS Code and the editors made from it, local and as remote servers.

    A folder of `env.extra` counts as such a folder, or as a home or server folder that holds some.
    """
    base = config_home(env)
    found = [f"{base}/{flavour}/User" for flavour in flavours]
    if env.platform != "win32":
        found += [f"{env.home}/{server}/data/User" for server in _SERVERS]
        found += [f"{data_home(env)}/{server}/User" for server in _CODE_SERVERS]
        found.append(f"{env.home}/.openvscode-server/data/User")
    for folder in env.extra:
        found += _users_in(folder)
    return list(dict.fromkeys(found))


def absolute(value: str) -> str:
    """The folder that a variable names, without a slash at its end; empty if it is not absolute."""
    return str(PurePosixPath(value)) if value.startswith("/") else ""


def _users_in(folder: str) -> list[str]:
    path = PurePosixPath(folder)
    if not path.is_absolute():
        return []
    for part in (path, *path.parents):
        if part.name == "User":
            return [str(part)]
    return [f"{path}/User", f"{path}/data/User"]


def _absolute(env: Environment, name: str, default: str) -> str:
    return absolute(env.variables.get(name, "")) or default
