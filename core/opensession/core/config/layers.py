"""The layers of the settings: default < file < environment < flag."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from opensession.core.config import settings as sections
from opensession.core.config import table, values
from opensession.core.config.sets import OwnPattern
from opensession.core.config.settings import (
    CommandAgent,
    PublishRule,
    Settings,
    agent_key,
    agent_name,
    masked,
    value_of,
)
from opensession.core.paths import Paths

ORIGINAL_SERVER = "https://opensession.io"
"""The default of the original program: nothing is ever sent there because of an old file."""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What the layers gave. Where a value was bad, `errors` says so and the layer below counts.

    `origins` maps `section.key` to `default`, a file's path, a variable's name, or `flag`. A
    running daemon that finds `errors` keeps the settings it has; a starting one ends with exit
    code 2.
    """

    settings: Settings
    origins: dict[str, str]
    warnings: list[str]
    errors: list[str]

    def rows(self) -> list[tuple[str, Any, str]]:
        """Every (key, value, origin), keys and tokens masked, section by section."""
        found: list[tuple[str, Any, str]] = []
        for key in table.KEYS:
            value = value_of(self.settings, key)
            if key.kind == "secret":
                value = masked(str(value))
            shown = [_shown(item) for item in value] if isinstance(value, tuple) else value
            found.append((key.dotted, shown, self.origins[key.dotted]))
        for agent, on in sorted(self.settings.watchers.agents.items()):
            found.append((agent_key(agent), on, self.origins[agent_key(agent)]))
        order = list(table.SECTIONS)
        return sorted(found, key=lambda row: order.index(row[0].partition(".")[0]))


def load(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    flags: Mapping[str, Any] | None = None,
    agents: Collection[str] = (),
) -> Loaded:
    """Read the settings. `flags` maps dotted keys to values; `agents` are the names that are known
    (empty: any name is taken). Never raises for what files or variables hold.
    """
    gathered = _Gathered(str(paths.home), {agent_name(name) for name in agents})
    login = gathered.read(paths.login_file)
    main = gathered.read(paths.config_file)
    gathered.add_login(paths.login_file, login, main)
    gathered.add_file(paths.config_file, main)
    gathered.add_environment(environ)
    for dotted, value in (flags or {}).items():
        gathered.add(dotted, value, "flag", "flag")
    return gathered.loaded()


def _shown(item: Any) -> str:
    if isinstance(item, OwnPattern):
        return f"{item.name}: {item.mode} {item.pattern}"
    if isinstance(item, CommandAgent):
        return f"{item.name}: {' '.join(item.command)} {item.files}"
    if isinstance(item, PublishRule):
        return " ".join((item.action, *item.paths, *item.branches, *item.agents))
    return str(item)


class _Gathered:
    """Values and their origins while the layers are read, the lowest first."""

    def __init__(self, home: str, agents: Collection[str]) -> None:
        self.home = home
        self.known_agents = agents
        self.values: dict[str, dict[str, Any]] = {section: {} for section in table.SECTIONS}
        self.agents: dict[str, bool] = {}
        self.origins: dict[str, str] = {key.dotted: "default" for key in table.KEYS}
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.later: set[str] = set()

    def read(self, path: Path) -> dict[str, Any]:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            self.errors.append(f"{path}: {error}")
            return {}
        import tomllib  # only where there is a file: a command must start fast

        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            self.errors.append(values.syntax_error(path, str(error)))
            return {}

    def add_login(self, path: Path, login: dict[str, Any], main: dict[str, Any]) -> None:
        if login and path.stat().st_mode & 0o077:
            self.warnings.append(f"{path} can be read by other users: chmod 600 {path}")
        above = main.get("server", {})
        for section, entries in login.items():
            if section != "server" or not isinstance(entries, dict):
                self.warnings.append(f"{path}: [{section}] has no effect here, only in daemon.toml")
                continue
            for name, value in entries.items():
                if isinstance(above, dict) and name in above:
                    self.warnings.append(
                        f"server.{name} is in daemon.toml and in config.toml: daemon.toml counts"
                    )
                else:
                    where = values.place(path, section, name)
                    self.add(f"server.{name}", value, str(path), where)

    def add_file(self, path: Path, document: dict[str, Any]) -> None:
        for section, entries in document.items():
            if section in table.IGNORED_SECTIONS:
                self.warnings.append(f"{path}: {table.IGNORED_SECTIONS[section]}")
            elif section in table.LATER_SECTIONS:
                self.later.add(f"[{section}]")
            elif section not in table.SECTIONS:
                self.unknown(section, table.SECTIONS, f"{path}: section")
            elif not isinstance(entries, dict):
                self.errors.append(f"{path}: {section} must be a section: [{section}]")
            else:
                for name, value in entries.items():
                    where = values.place(path, section, name)
                    self.add(f"{section}.{name}", value, str(path), where)

    def add_environment(self, environ: Mapping[str, str]) -> None:
        if environ.get("OPENSESSION_NO_AUTOSTART", "") not in ("", "0"):
            name = "OPENSESSION_NO_AUTOSTART"
            self.add("cli.auto_start", False, name, name)
        for variable, value in sorted(environ.items()):
            dotted = table.key_of_variable(variable)
            if dotted:
                self.add(dotted, value, variable, variable)

    def add(self, dotted: str, value: Any, origin: str, where: str) -> None:
        """Put one value over what the layers below gave, or say why not."""
        dotted = table.ALIASES.get(dotted, dotted)
        section, _, name = dotted.partition(".")
        key = table.find(dotted)
        if key is not None:
            self.add_known(key, value, origin, where)
        elif section == "watchers":
            self.add_agent(name, value, origin, where)
        elif dotted in table.LATER_KEYS:
            self.later.add(dotted)
        else:
            self.unknown(dotted, [known.dotted for known in table.KEYS], f"{where}: setting")

    def add_known(self, key: table.Key, value: Any, origin: str, where: str) -> None:
        try:
            typed = values.convert(key, value, self.home)
        except ValueError as error:
            shown = "" if key.kind in ("secret", "patterns") else f", not {values.shown(value)}"
            self.errors.append(f"{where}: {key.dotted} must be {error}{shown}")
            return
        if key.dotted == "server.url" and typed.rstrip("/") == ORIGINAL_SERVER:
            self.warnings.append(f"{where}: the default server of the original program is ignored")
            return
        if key.kind == "commands":
            for command in typed:
                if command.name in self.known_agents:
                    self.errors.append(f"{where}: {command.name} is an agent that is known already")
                    return
        if key.later:
            self.later.add(key.dotted)
        self.values[key.section][key.name] = typed
        self.origins[key.dotted] = origin

    def add_agent(self, name: str, value: Any, origin: str, where: str) -> None:
        agent = agent_name(name)
        if self.known_agents and agent not in self.known_agents:
            self.unknown(agent, [*self.known_agents, "custom-paths", "repos"], f"{where}: agent")
            return
        try:
            self.agents[agent] = values.boolean(value)
        except ValueError as error:
            self.errors.append(
                f"{where}: watchers.{name} must be {error}, not {values.shown(value)}"
            )
            return
        self.origins[agent_key(agent)] = origin

    def unknown(self, name: str, names: Collection[str], what: str) -> None:
        import difflib  # only for a mistake

        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        advice = (
            f"; did you mean {near[0].replace('custom-paths', 'custom_paths')}?" if near else ""
        )
        self.warnings.append(f"{what} {name} is not known{advice}")

    def loaded(self) -> Loaded:
        if self.later:
            names = ", ".join(sorted(self.later))
            self.warnings.append(f"without effect in this version: {names}")
        excluded = tuple(
            agent_name(name) for name in self.values["privacy"].get("exclude_tools", ())
        )
        given = self.values
        settings = Settings(
            daemon=sections.DaemonSettings(**given["daemon"]),
            watchers=sections.WatcherSettings(
                **given["watchers"], agents=self.agents, excluded=excluded
            ),
            privacy=sections.PrivacySettings(**given["privacy"]),
            archive=sections.ArchiveSettings(**given["archive"]),
            publish=sections.PublishSettings(**given["publish"]),
            server=sections.ServerSettings(**given["server"]),
            identity=sections.IdentitySettings(**given["identity"]),
            git_storage=sections.GitStorageSettings(**given["git_storage"]),
            cli=sections.CliSettings(**given["cli"]),
        )
        return Loaded(
            settings=settings, origins=self.origins, warnings=self.warnings, errors=self.errors
        )
