"""config.*: what is set, where each value comes from, and changes that keep comments."""

from __future__ import annotations

import asyncio
import difflib

from opensession.core import config
from opensession.core.config.settings import agent_name
from opensession.core.errors import OpenSessionError, UsageError
from opensession.core.rpc.config import (
    ConfigGetParams,
    ConfigGetResult,
    ConfigSetParams,
    ConfigSetResult,
    Setting,
)
from opensession.daemon import facts
from opensession.daemon.admission import rules_of
from opensession.daemon.client import Client
from opensession.daemon.privacy_rules import fingerprint
from opensession.daemon.state import App, Handler
from opensession.daemon.store.still_stored import still_stored

_EXCLUDING = ("privacy.exclude_paths", "privacy.exclude_tools")


async def get(app: App, params: ConfigGetParams, client: Client) -> ConfigGetResult:
    """One setting, one section, or all. Values as they are in use, keys and tokens masked."""
    await app.refresh_config()
    settings = [Setting(key=key, value=value, origin=o) for key, value, o in app.loaded.rows()]
    wanted = params.key.replace("-", "_")
    if wanted:
        names = [setting.key for setting in settings]
        settings = [s for s in settings if s.key == wanted or s.key.startswith(wanted + ".")]
        if not settings:
            near = difflib.get_close_matches(wanted, names, n=1)
            hint = f"opensession config get {near[0]}" if near else "opensession config"
            raise UsageError(f"no such setting: {params.key}", hint)
    return ConfigGetResult(
        settings=settings,
        path=str(app.paths.config_file),
        warnings=[*app.refused, *app.loaded.warnings],
    )


async def set_(app: App, params: ConfigSetParams, client: Client) -> ConfigSetResult:
    """Write settings to `daemon.toml` and take them up."""
    path = app.paths.config_file
    home = str(app.paths.home)
    # In a thread: the file is on disk before anyone is told that it is set.
    before = fingerprint(app.loaded.settings.privacy)
    changed = await asyncio.to_thread(config.set_values, path, params.values, home=home)
    await app.refresh_config(force=True)
    after = fingerprint(app.loaded.settings.privacy)
    said = await _stripped_again(app) if after != before else []
    if any(name in _EXCLUDING for name in changed):
        said += await _still_stored(app)
    return ConfigSetResult(
        path=str(path),
        changed=changed,
        restart_due=app.restart_due,
        warnings=[*app.refused, *app.loaded.warnings, *said],
    )


async def _stripped_again(app: App) -> list[str]:
    """DECISIONS §5: what other rules mean for what is stored, and how many stay as they are."""
    try:
        older = await facts.outdated_sessions(app, rules="any other")
    except OpenSessionError:
        return []  # the index is being replaced, and made anew by these rules
    said = []
    if older.waiting:
        said.append(f"sessions that are stripped anew in the background: {older.waiting}")
    if older.staying:
        said.append(
            "sessions whose bytes are neither on disk nor archived, so that nothing comes back into"
            f" them: {older.staying}"
        )
    return said


async def _still_stored(app: App) -> list[str]:
    """That nothing more is taken in takes away nothing that is stored: so many there are."""
    settings = app.loaded.settings
    agents = frozenset(agent_name(name) for name in settings.privacy.exclude_tools)
    folders = rules_of(settings).excluded
    try:
        count = await app.library.query(still_stored, agents, folders)
    except OpenSessionError:
        return []  # the index is being replaced, and made anew by these rules
    if not count:
        return []
    return [f"excluded sessions that stay as they are stored, unless you `forget` them: {count}"]


HANDLERS: dict[str, Handler] = {"config.get": get, "config.set": set_}
