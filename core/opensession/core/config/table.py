"""Every key of `daemon.toml`: what it means, what it takes, and when a change counts.

The example file and the checks are made from this table; a test compares it with `settings`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from opensession.core.config.sets import SETS

Kind = Literal[
    "bool",
    "count",
    "seconds",
    "millis",
    "days",
    "size",
    "text",
    "secret",
    "choice",
    "list",
    "paths",
    "commands",
    "modes",
    "patterns",
    "rules",
]


TABLES = ("commands", "patterns", "rules")
"""Kinds that are written as tables of their own: `[[section.key]]`."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. `low` and `high` bound numbers (in the unit that is stored).

    `restart` says that a running daemon takes a change up at its next start only; `later` that this
    version takes the key and does nothing with it, which `load` warns of. `refused` maps documented
    values that are not built to a sentence.
    """

    dotted: str
    kind: Kind
    doc: str
    low: float = 0
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    restart: bool = False
    later: bool = False

    @property
    def section(self) -> str:
        return self.dotted.partition(".")[0]

    @property
    def name(self) -> str:
        return self.dotted.partition(".")[2]

    @property
    def variable(self) -> str:
        """The environment variable that sets this key."""
        return f"OPENSESSION_{self.section}_{self.name}".upper()


KEYS: tuple[Key, ...] = (
    Key(
        dotted="daemon.debounce_secs",
        kind="seconds",
        high=3600,
        doc="A source is read at the latest this long after its first unread change.",
    ),
    Key(
        dotted="daemon.realtime_debounce_ms",
        kind="millis",
        high=3_600_000,
        doc="A source is read this long after its last change (at most debounce_secs).",
    ),
    Key(
        dotted="daemon.session_end_idle_secs",
        kind="seconds",
        low=1,
        doc="A session that did not change for this long is over.",
    ),
    Key(
        dotted="daemon.reconcile_secs",
        kind="seconds",
        low=1,
        doc="How often everything on disk is compared with the index, missed events or not.",
    ),
    Key(
        dotted="daemon.poll_secs",
        kind="seconds",
        low=1,
        doc="The same for folders that give no events (network disks, exhausted watches).",
    ),
    Key(
        dotted="daemon.log_level",
        kind="choice",
        choices=("debug", "info", "warning", "error"),
        doc="What the daemon's log holds; never text of sessions. Also OPENSESSION_LOG.",
    ),
    Key(
        dotted="daemon.publish_on",
        kind="choice",
        choices=("manual", "session_end", "realtime"),
        doc="When sessions are published by themselves: those with events after this was set;"
        " `stream enable` says it for an agent or a repository.",
    ),
    Key(
        dotted="daemon.health_check_interval_secs",
        kind="seconds",
        doc="How often the hub, if one is set, is asked whether it is there and takes the key; 0 is"
        " never.",
    ),
    Key(
        dotted="daemon.max_retries",
        kind="count",
        doc="After more failures in a row than this `health` is red, and the upload of a file ends."
        " Sessions are tried again all the same, with longer and longer pauses.",
    ),
    Key(
        dotted="watchers.custom_paths",
        kind="paths",
        doc="Further folders to look for sessions in, each as an agent would lay it out.",
    ),
    Key(
        dotted="watchers.repos",
        kind="paths",
        doc="Take in sessions of these repositories only; empty means all.",
    ),
    Key(
        dotted="watchers.commands",
        kind="commands",
        restart=True,
        doc="Agents that a command knows: for each file of `files` it is run with the file's path"
        " and prints HAIL. One table a command: [[watchers.commands]] with name, files, command.",
    ),
    Key(
        dotted="privacy.strip_paths",
        kind="bool",
        doc="Home folders in text become ~ (yours) and /home/[user] (others').",
    ),
    Key(
        dotted="privacy.strip_env_vars",
        kind="bool",
        doc="Values of variables whose names tell of a secret become [redacted:…].",
    ),
    Key(
        dotted="privacy.modes",
        kind="modes",
        doc="What is done about each set: redact, block (replaced, and the session does not leave"
        " until `privacy allow`), warn or off. Sets: "
        + ", ".join(f"{one.name} ({one.default_mode})" for one in SETS.values())
        + ".",
    ),
    Key(
        dotted="privacy.patterns",
        kind="patterns",
        doc="Patterns of your own (RE2), one table each: [[privacy.patterns]] with name, pattern,"
        " test (a line that it must match) and mode. The first group is replaced, else all.",
    ),
    Key(
        dotted="privacy.exclude_paths",
        kind="paths",
        doc="Sessions of these folders are neither indexed nor archived; * is allowed.",
    ),
    Key(
        dotted="privacy.exclude_tools",
        kind="list",
        doc="Agents whose sessions are neither indexed nor archived.",
    ),
    Key(
        dotted="privacy.exclude_patterns",
        kind="list",
        doc="Files whose content is left out of sessions: names, or paths with a slash.",
    ),
    Key(
        dotted="archive.raw",
        kind="bool",
        doc="Keep the bytes as the agent wrote them, so that no session is lost.",
    ),
    Key(
        dotted="archive.keep_days",
        kind="days",
        doc="How old a session may get that its agent has deleted, until it is taken away here too,"
        " looked at once a day; 0 is for ever. Unset, an agent's own retention counts where it was"
        " made shorter.",
    ),
    Key(
        dotted="archive.max_size",
        kind="size",
        doc='Warn when the archive is larger, such as "20GB"; 0 is never.',
    ),
    Key(
        dotted="publish.rules",
        kind="rules",
        doc="What leaves by itself, one table each: [[publish.rules]] with action (never, ask or"
        " auto) and any of path, branch and agent. The first that fits a session counts.",
    ),
    Key(
        dotted="server.url",
        kind="text",
        doc="The hub to publish to. Empty: nothing ever touches the network.",
    ),
    Key(dotted="server.api_key", kind="secret", doc="Your key for the hub."),
    Key(dotted="server.team_id", kind="text", doc="The team that sessions go to."),
    Key(
        dotted="server.insecure",
        kind="bool",
        doc="Let the key go over http to another machine than this one.",
    ),
    Key(
        dotted="identity.nickname",
        kind="text",
        doc="What hubs call you, where `account login` makes an account; user is for none.",
    ),
    Key(
        dotted="git_storage.method",
        kind="choice",
        choices=("native", "sqlite", "none"),
        refused={"platform_api": "native, sqlite or none (platform_api is not built)"},
        later=True,
        doc="Where sessions are kept beside the index.",
    ),
    Key(dotted="git_storage.token", kind="secret", later=True, doc="For git over https."),
    Key(
        dotted="cli.auto_start",
        kind="bool",
        doc="A command that finds no daemon starts one. Also OPENSESSION_NO_AUTOSTART=1.",
    ),
)

SECTIONS: dict[str, str] = {
    "daemon": "The daemon's rhythm.",
    "watchers": "What is watched. Agents are all on; `codex = false` turns one off.",
    "privacy": "What is taken out before anything is stored, and what is not taken in.",
    "archive": "The raw bytes of sessions. They are kept as they were, on this machine alone.",
    "publish": "What leaves by itself, and what does not.",
    "server": "The hub.",
    "identity": "You.",
    "git_storage": "Sessions in git.",
    "cli": "The commands.",
}

LATER_SECTIONS = ("summary", "vector_search", "change_reader")
"""Documented sections that this version takes and does nothing with."""

LATER_KEYS = (
    "daemon.auto_publish",
    "daemon.detail_realtime_preview_enabled",
    "daemon.detail_auto_expand_selected_event",
    "daemon.session_default_view",
    "daemon.stream_write",
    "git_storage.retention",
)
"""The same for single keys, whatever they hold."""

IGNORED_SECTIONS = {
    "lifecycle": "[lifecycle] is of the original program and deleted sessions; it is ignored",
}

ALIASES = {"identity.team_id": "server.team_id"}

_BY_DOTTED = {key.dotted: key for key in KEYS}
_BY_VARIABLE = {key.variable: key.dotted for key in KEYS} | {"OPENSESSION_LOG": "daemon.log_level"}
_PREFIXES = tuple(f"OPENSESSION_{section}_".upper() for section in SECTIONS)


def find(dotted: str) -> Key | None:
    """The key of that name, or None (also for `watchers.<agent>`)."""
    return _BY_DOTTED.get(dotted)


def key_of_variable(variable: str) -> str:
    """The dotted key an environment variable sets, known or not; empty if it is none of ours."""
    known = _BY_VARIABLE.get(variable)
    if known or not variable.startswith(_PREFIXES):
        return known or ""
    for section in SECTIONS:
        prefix = f"OPENSESSION_{section}_".upper()
        if variable.startswith(prefix) and len(variable) > len(prefix):
            return f"{section}.{variable[len(prefix) :].lower()}"
    return ""
