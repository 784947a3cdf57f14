"""The list of all commands. A command is a line here and a function in its module.

The module is imported when the command is used, so a new command costs the others nothing.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A command: `function` of the module `opensession.client.commands.<module>`."""

    module: str
    function: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "log": Entry("log", "log", "sessions of this repository, by last activity"),
    "show": Entry("show", "show", "a session, to read"),
    "timeline": Entry("timeline", "timeline", "a session, one line per event"),
    "search": Entry("search", "search", "full-text search in all sessions"),
    "stats": Entry("stats", "stats", "sessions, tokens, cost, errors of a period"),
    "discover": Entry("discover", "discover", "the agents that are known, and what was found"),
    "coverage": Entry("coverage", "coverage", "what was found, read, skipped and why, by agent"),
    "parse": Entry("parse", "parse", "a session file of any agent, as HAIL"),
    "index": Entry("index", "index", "compare everything on disk with the index now"),
    "daemon start": Entry("daemon", "start", "start the daemon; returns when it answers"),
    "daemon stop": Entry("daemon", "stop", "stop it; commands do not start it again"),
    "daemon restart": Entry("daemon", "restart", "stop and start"),
    "daemon status": Entry("status", "status", "how the daemon is"),
    "daemon health": Entry("status", "health", "every check, and what mends it"),
    "daemon run": Entry("daemon", "run", "run in the foreground"),
    "daemon logs": Entry("daemon", "logs", "the end of the daemon's log"),
    "daemon select": Entry("select", "select", "which repositories are watched"),
    "daemon show": Entry("select", "show", "what is watched"),
    "daemon service install": Entry("service", "install", "start with the login, by systemd"),
    "daemon service uninstall": Entry("service", "uninstall", "undo `install`"),
    "daemon service print": Entry("service", "print_unit", "the unit that would be installed"),
    "watcher list": Entry("watcher", "list_agents", "which agents are watched, and how"),
    "watcher enable": Entry("watcher", "enable", "watch agents"),
    "watcher disable": Entry("watcher", "disable", "stop watching agents"),
    "privacy scan": Entry("privacy", "scan", "what is private in files and in the index"),
    "privacy explain": Entry("privacy", "explain", "where something was replaced, and why"),
    "privacy test": Entry("privacy", "test", "a text from stdin as it would be stored"),
    "privacy allow": Entry("keeping", "allow", "let a blocked session leave"),
    "pause": Entry("keeping", "pause", "take in nothing for a while"),
    "forget": Entry("forget", "forget", "take away what is stored of sessions, for good"),
    "revive": Entry("revive", "revive", "put a session's files back where its agent looks"),
    "alias": Entry("names", "alias", "call a session by a name, which is a REF from then on"),
    "tag": Entry("names", "tag", "put tags on a session, to find it by"),
    "note": Entry("names", "note", "write a note on a session"),
    "star": Entry("names", "star", "put a star on a session"),
    "storage": Entry("storage", "storage", "what is kept of each agent, and what it takes"),
    "storage prune": Entry("storage", "prune", "take away what is older than it is to be kept"),
    "storage compact": Entry("storage", "compact", "make archive and index smaller"),
    "doctor": Entry("doctor", "doctor", "every check there is; --fix mends"),
    "project list": Entry("project", "list_projects", "folders that were worked in"),
    "project link": Entry("project", "link", "say that a folder was moved"),
    "backup": Entry("backup", "backup", "all that cannot be made again, in one file"),
    "restore": Entry("backup", "restore", "take in a backup"),
    "unforget": Entry("forget", "unforget", "take in again what was forgotten"),
    "privacy preview": Entry("privacy", "preview", "the bytes that publishing would send"),
    "leaks": Entry("leaks", "leaks", "the secrets that sessions hold, one row each"),
    "leaks resolve": Entry("leaks", "resolve", "mark secrets as changed where they were valid"),
    "leaks scrub": Entry("leaks", "scrub", "take a secret's value out of index and archive"),
    "stream enable": Entry("stream", "enable", "publish sessions by themselves, from now on"),
    "stream disable": Entry("stream", "disable", "stop that; what was sent stays there"),
    "stream status": Entry("stream", "status", "what is published by itself"),
    "publish pending": Entry("publish", "pending", "what is not on the hub yet, and why"),
    "publish approve": Entry("publish", "approve", "let sessions go that wait for you"),
    "publish deny": Entry("publish", "deny", "keep sessions here"),
    "publish refresh": Entry("publish", "refresh", "send again what would now be different"),
    "publish receipts": Entry("publish", "receipts", "what hubs acknowledged"),
    "upload": Entry("upload", "upload", "send sessions to the hub, once"),
    "upload-all": Entry("upload", "upload_all", "send all that the hub does not have"),
    "recall": Entry("publish", "recall", "take publications back"),
    "account login": Entry("account", "login", "log in at a hub; this machine gets a key"),
    "account connect": Entry("account", "connect", "use a key that you have"),
    "account whoami": Entry("account", "whoami", "whose this machine's key is"),
    "account logout": Entry("account", "logout", "end this machine's key and forget it"),
    "server status": Entry("server", "status", "the hub, as it was last found"),
    "server verify": Entry("server", "verify", "ask the hub now: is the key good?"),
    "config": Entry("config", "show", "all settings; keys are masked"),
    "config get": Entry("config", "get", "one setting"),
    "config set": Entry("config", "set_value", "change a setting; comments are kept"),
    "config path": Entry("config", "path", "where the settings are"),
    "server run": Entry("server", "run", "be a hub that sessions are published to"),
    "completion": Entry("completion", "completion", "a completion script for bash, zsh or fish"),
    "rpc": Entry("rpc", "rpc", "call a method of the daemon"),
    "demo": Entry("demo", "demo", "see it all on sample sessions, in a temporary home"),
    "uninstall": Entry("uninstall", "uninstall", "undo everything outside our folders"),
}

HIDDEN: dict[str, Entry] = {
    "": Entry("home", "home", "the status, and what to do next"),
    ".": Entry("home", "home", "the status, and what to do next"),
    "complete": Entry("completion", "complete", "candidates, for the completion scripts"),
}

GROUPS: dict[str, str] = {
    "daemon": "start, stop and ask the daemon",
    "daemon service": "have systemd or launchd run the daemon",
    "watcher": "which agents are watched",
    "privacy": "what is private, and what is done about it",
    "leaks": "the secrets that sessions hold",
    "project": "folders that were worked in",
    "storage": "what is kept, and what it takes",
    "stream": "what is published by itself",
    "publish": "what waits, and what was sent",
    "account": "this machine's key for a hub",
    "config": "settings",
    "server": "the hub that sessions are published to",
}

ALIASES: dict[str, str] = {
    "session log": "log",
    "session list": "log",
    "session show": "show",
    "session timeline": "timeline",
    "session search": "search",
    "session stats": "stats",
    "session discover": "discover",
    "session index": "index",
    "ops daemon": "daemon",
    "account config": "config",
    "account server": "server",
    "publish upload": "upload",
    "publish upload-all": "upload-all",
    "publish recall": "recall",
    "daemon enable-hook": "stream enable --hook",
    "account show": "config",
    "config show": "config",
    "docs completion": "completion",
    "unalias": "alias --remove",
    "untag": "tag --remove",
    "unstar": "star --remove",
    "status": "daemon status",
    "health": "daemon health",
}
"""Names of earlier generations and near misses, first words to first words; not in any help."""


def canonical(words: list[str]) -> list[str]:
    """The words with an alias at their beginning replaced; the longest alias counts."""
    for count in (2, 1):
        name = " ".join(words[:count])
        if len(words) >= count and name in ALIASES and name not in COMMANDS:
            return [*ALIASES[name].split(), *words[count:]]
    return words


def resolve(words: list[str]) -> tuple[str, list[str]] | None:
    """The command that words begin with, and its arguments; None if there is none."""
    words = canonical(words)
    for count in (3, 2, 1):
        name = " ".join(words[:count])
        if len(words) >= count and (name in COMMANDS or name in HIDDEN):
            return name, words[count:]
    return None


def entry_of(name: str) -> Entry:
    """The entry of a name that `resolve` gave."""
    return COMMANDS[name] if name in COMMANDS else HIDDEN[name]
