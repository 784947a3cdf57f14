"""The configuration of the original program, read once where `doctor --fix` is allowed to.

It lies beside ours as `opensession.toml` and is never written. What means the same here, and was
changed from its default there and not yet here, is taken into `daemon.toml`. What deletes, what
lets something leave this machine and what makes less be stripped is only told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from opensession.core import config
from opensession.core.config import Loaded, table
from opensession.core.config.layers import ORIGINAL_SERVER
from opensession.core.errors import OpenSessionError
from opensession.core.paths import Paths, write_private
from opensession.core.rpc.doctor import Finding

NAME = "opensession.toml"
_MARK = "# What `opensession.toml` said was taken over; it is not read again."
_MOST_BYTES = 1 << 20

_SCALARS: Mapping[str, Any] = {
    "daemon.debounce_secs": 5,
    "daemon.realtime_debounce_ms": 500,
    "daemon.max_retries": 3,
    "daemon.health_check_interval_secs": 300,
    "identity.nickname": "user",
    "cli.auto_start": True,
}
"""What is taken over, with its default there."""

_LISTS: Mapping[str, frozenset[str]] = {
    "privacy.exclude_patterns": frozenset(("*.env", "*secret*", "*credential*")),
    "privacy.exclude_tools": frozenset(),
    "watchers.custom_paths": frozenset(
        (
            "~/.claude/projects",
            "~/.codex/sessions",
            "~/.local/share/opencode/storage/session",
            "~/.cline/data/tasks",
            "~/.local/share/amp/threads",
            "~/.gemini/tmp",
            "~/Library/Application Support/Cursor/User",
            "~/.config/Cursor/User",
        )
    ),
}
"""The same for lists: what is not of the default there is added to what counts here."""

_TOLD: Mapping[str, Any] = {
    "daemon.publish_on": "manual",
    "daemon.auto_publish": False,
    "server.url": ORIGINAL_SERVER,
    "server.api_key": "",
    "privacy.strip_paths": True,
    "privacy.strip_env_vars": True,
    "git_storage.method": "native",
    "git_storage.token": "",
}
"""What a person has to say anew, if it is not the default there."""


class Earlier(msgspec.Struct, frozen=True):
    """`values` can be taken over; `told` are keys that are not, `ignored` says what never is."""

    values: dict[str, Any]
    told: list[str]
    ignored: list[str]


def look(paths: Paths, loaded: Loaded) -> Earlier | None:
    """What that configuration says; None if there is none, or if it was taken over before."""
    found = _read(paths.config_dir / NAME)
    if found is None or _MARK in _text(paths.config_file):
        return None
    taken: dict[str, Any] = {}
    for dotted, usual in _SCALARS.items():
        value = _value(found, dotted)
        if value is not None and value != usual and loaded.origins[dotted] == "default":
            taken[dotted] = value
    now = {key: value for key, value, _ in loaded.rows()}
    for dotted, defaults in _LISTS.items():
        value = _value(found, dotted)
        said = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
        here = list(now[dotted])
        more = [each for each in said if _tilde(each, paths) not in defaults and each not in here]
        if more:
            taken[dotted] = [*here, *dict.fromkeys(more)]
    told = [dotted for dotted, usual in _TOLD.items() if _value(found, dotted) not in (None, usual)]
    ignored = [said for section, said in table.IGNORED_SECTIONS.items() if section in found]
    if str(_value(found, "server.url") or "").rstrip("/") == ORIGINAL_SERVER:
        ignored.append("server.url is the original program's default; it is ignored")
    return Earlier(taken, told, ignored)


def check(paths: Paths, loaded: Loaded) -> list[Finding]:
    """What could be taken over, and what is not."""
    found = look(paths, loaded)
    if found is None:
        return []
    where = paths.config_dir / NAME
    said = [*found.ignored]
    if found.told:
        said.append(f"not taken over, say it anew if it is still meant: {', '.join(found.told)}")
    if not found.values:
        text = "; ".join([f"{where}: nothing to take over", *said])
        return [Finding(name="foreign.config", state="ok", message=text)]
    text = "; ".join([f"{where} was never read, and says {', '.join(found.values)}", *said])
    hint = "opensession doctor --fix"
    return [Finding(name="foreign.config", state="warn", message=text, hint=hint, fix="config")]


def take(paths: Paths, loaded: Loaded) -> list[str]:
    """Takes over what can be; the keys. A value that ours cannot have is left out."""
    found = look(paths, loaded)
    if found is None or loaded.errors:
        return []
    changed: list[str] = []
    for dotted, value in found.values.items():
        try:
            changed += config.set_values(paths.config_file, {dotted: value}, home=str(paths.home))
        except OpenSessionError:
            continue
    write_private(paths.config_file, f"{_MARK}\n{_text(paths.config_file)}".encode())
    return changed


def _read(path: Path) -> dict[str, Any] | None:
    import tomllib  # only where there is a file

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        try:
            return tomllib.loads(file.read(_MOST_BYTES).decode(errors="replace"))
        except (tomllib.TOMLDecodeError, RecursionError):
            return None


def _value(found: Mapping[str, Any], dotted: str) -> Any:
    section, _, name = dotted.partition(".")
    entries = found.get(section)
    return entries.get(name) if isinstance(entries, dict) else None


def _tilde(path: str, paths: Paths) -> str:
    home = str(paths.home)
    return f"~{path[len(home) :]}" if path.startswith(home + "/") else path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
