"""The settings as typed, frozen values, by section of `daemon.toml`."""

from __future__ import annotations

import msgspec

from opensession.core.config import table
from opensession.core.config.sets import OwnPattern

MASK = "********"


class DaemonSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Waiting and rhythm. `_secs` are seconds, `_ms` milliseconds; both may be fractional."""

    publish_on: str = "manual"
    debounce_secs: float = 5.0
    realtime_debounce_ms: float = 500.0
    session_end_idle_secs: float = 300.0
    health_check_interval_secs: float = 300.0
    reconcile_secs: float = 600.0
    poll_secs: float = 60.0
    max_retries: int = 3
    log_level: str = "info"


class CommandAgent(msgspec.Struct, frozen=True):
    """An agent that a command knows: `command` and the path of one of `files` prints HAIL.

    `files` is an absolute path whose last part may hold `*`; `command` is a program and arguments.
    """

    name: str
    files: str
    command: tuple[str, ...]


class WatcherSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched. `agents` maps names (`claude-code`) to on or off; one not named is on.

    `excluded` are the agents of `privacy.exclude_tools`. `custom_paths` are further folders of
    sessions; with `repos` only sessions of these repositories are taken in. Paths are absolute.
    `commands` are agents that this program does not know itself.
    """

    agents: dict[str, bool] = {}
    excluded: tuple[str, ...] = ()
    custom_paths: tuple[str, ...] = ()
    repos: tuple[str, ...] = ()
    commands: tuple[CommandAgent, ...] = ()

    def enabled(self, agent: str) -> bool:
        """Reports whether an agent is watched; `claude_code` and `claude-code` are one."""
        name = agent_name(agent)
        return self.agents.get(name, True) and name not in self.excluded


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken out before anything is stored, and what is not taken in at all.

    `modes` maps names of sets (`sets.SETS`) to modes; one not named has its default. `patterns` are
    the user's own. `exclude_paths` are absolute folders or patterns with `*`, tested against a
    session's source and its working directory.
    """

    strip_paths: bool = True
    strip_env_vars: bool = True
    modes: dict[str, str] = {}
    patterns: tuple[OwnPattern, ...] = ()
    exclude_patterns: tuple[str, ...] = (".env", ".env.*", "*.pem", "id_*", "*.kdbx")
    exclude_paths: tuple[str, ...] = ()
    exclude_tools: tuple[str, ...] = ()


class ArchiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The raw bytes of sessions. `keep_days` 0 keeps them for ever; `max_size` (bytes, 0: no cap)
    only warns.
    """

    raw: bool = True
    keep_days: float = 0.0
    max_size: int = 0


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The hub. Without `url` nothing ever touches the network."""

    url: str = ""
    api_key: str = ""
    team_id: str = ""
    insecure: bool = False


class PublishRule(msgspec.Struct, frozen=True):
    """Whether sessions leave by themselves: `action` is never, ask or auto. `paths` are absolute
    folders or patterns with `*`, `branches` patterns; an empty one fits all.
    """

    action: str
    paths: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


class PublishSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The gate: of `rules` the first that fits a session counts; without one it is `auto`."""

    rules: tuple[PublishRule, ...] = ()


class IdentitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What hubs call a new account; `user` is for none."""

    nickname: str = "user"


class GitStorageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions in git."""

    method: str = "native"
    token: str = ""


class CliSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The commands."""

    auto_start: bool = True


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, by section."""

    daemon: DaemonSettings = DaemonSettings()
    watchers: WatcherSettings = WatcherSettings()
    privacy: PrivacySettings = PrivacySettings()
    archive: ArchiveSettings = ArchiveSettings()
    publish: PublishSettings = PublishSettings()
    server: ServerSettings = ServerSettings()
    identity: IdentitySettings = IdentitySettings()
    git_storage: GitStorageSettings = GitStorageSettings()
    cli: CliSettings = CliSettings()


def agent_name(name: str) -> str:
    """An agent's name as it is used everywhere: lower case, with hyphens."""
    return name.strip().lower().replace("_", "-")


def agent_key(name: str) -> str:
    """The dotted key that turns an agent on or off."""
    return f"watchers.{agent_name(name).replace('-', '_')}"


def masked(secret: str) -> str:
    """A key as it may be shown: its kind and its end, if what stays hidden is long enough."""
    if not secret:
        return ""
    if len(secret) < 16:
        return MASK
    head = secret[:4] if secret[3] in "_-" else ""
    return f"{head}{MASK}{secret[-4:]}"


def changed_keys(before: Settings, after: Settings) -> list[str]:
    """The dotted keys whose values differ."""
    changed = [key.dotted for key in table.KEYS if value_of(before, key) != value_of(after, key)]
    names = sorted(before.watchers.agents.keys() | after.watchers.agents.keys())
    changed += [
        agent_key(name)
        for name in names
        if before.watchers.agents.get(name, True) != after.watchers.agents.get(name, True)
    ]
    return changed


def restart_due(before: Settings, after: Settings) -> list[str]:
    """The dotted keys whose values differ and are taken up at the next start only."""
    late = {key.dotted for key in table.KEYS if key.restart}
    return [key for key in changed_keys(before, after) if key in late]


def value_of(settings: Settings, key: table.Key) -> object:
    """The value of one key; lists are tuples."""
    return getattr(getattr(settings, key.section), key.name)
