"""The help of the program and of its groups of commands."""

from __future__ import annotations

from opensession.client.output import emit
from opensession.client.table import COMMANDS, GROUPS, canonical
from opensession.core.errors import UsageError

_EXAMPLES = (
    ("opensession daemon start", "watch from now on, index what is there"),
    ("opensession log", "sessions of this repository"),
    ("opensession search 'rate limit'", "find where it was said"),
    ("opensession show HEAD", "read the newest one"),
)

_SECTIONS = (
    ("Read", ("log", "show", "timeline", "search", "stats")),
    ("Capture", ("discover", "coverage", "parse", "index", "watcher", "daemon")),
    ("Name", ("alias", "tag", "note", "star")),
    ("Keep", ("revive", "backup", "restore", "storage", "doctor", "project")),
    ("Privacy", ("privacy", "leaks", "pause", "forget", "unforget")),
    ("Publish", ("stream", "publish", "upload", "upload-all", "recall", "account", "server")),
    ("Set up", ("config", "completion", "demo", "rpc", "uninstall")),
)

_ROOT_GROUPS = {
    "daemon": "start, stop, status, health, logs, service",
    "watcher": "which agents",
    "privacy": "scan, explain, test, preview",
    "leaks": "the secrets that sessions hold; resolve, scrub",
    "storage": "what is kept of each agent; prune, compact",
    "stream": "enable, disable, status: what is published by itself",
    "publish": "pending, approve, deny, refresh, receipts",
    "account": "login, connect, whoami, logout: this machine's key for a hub",
    "server": "status, verify: the hub; run: be one",
}


def print_root() -> int:
    """Print what the program is, examples first, and its commands."""
    lines = ["Keeps, cleans, indexes and searches everything your coding agents do.", ""]
    lines += [f"  {command:<34}# {what}" for command, what in _EXAMPLES]
    lines += ["", "Usage: opensession COMMAND [OPTIONS]"]
    for title, names in _SECTIONS:
        lines += ["", f"{title}:"]
        lines += [f"  {name:<12}{_summary(name)}" for name in names]
    lines += [
        "",
        "Options:",
        "  -h, --help   this text; after a command, its own",
        "  --version    the version",
        "  --no-color   as NO_COLOR=1",
    ]
    emit(lines)
    return 0


def _summary(name: str) -> str:
    return _ROOT_GROUPS.get(name) or (COMMANDS[name].summary if name in COMMANDS else GROUPS[name])


def print_group_or_fail(words: list[str]) -> int:
    """Print the help of the group that the words name; raise UsageError if they name nothing."""
    words = canonical(words)
    names = [word for word in words if not word.startswith("-")]
    group = " ".join(names)
    if group in GROUPS and set(words) - set(names) <= {"-h", "--help"}:
        emit(_group_lines(group))
        return 0
    raise _unknown(words)


def _group_lines(group: str) -> list[str]:
    members = {name: entry for name, entry in COMMANDS.items() if name.startswith(group + " ")}
    first = next(iter(members))
    lines = [f"{GROUPS[group][:1].upper()}{GROUPS[group][1:]}.", "", f"  opensession {first}", ""]
    lines += [f"Usage: opensession {group} COMMAND [OPTIONS]", "", "Commands:"]
    width = max(len(name) for name in members) - len(group) + 1
    for name, entry in members.items():
        lines.append(f"  {name.removeprefix(group + ' '):<{width}}{entry.summary}")
    return lines


def _unknown(words: list[str]) -> UsageError:
    import difflib

    if words[0].startswith("-"):
        return UsageError(f"no such option: {words[0]}", "opensession --help")
    known = [*COMMANDS, *GROUPS]
    for count in (3, 2, 1):
        group = " ".join(words[: count - 1])
        if count == 1 or group in GROUPS:
            tried = " ".join(words[:count])
            last = words[count - 1]
            beside = [name for name in known if " ".join(name.split()[:-1]) == group]
            spelled = {name.split()[-1]: name for name in beside}
            near = [spelled[word] for word in difflib.get_close_matches(last, spelled, n=1)]
            hint = f"opensession {near[0]} --help" if near else f"opensession {group} --help"
            return UsageError(f"no such command: {tried}", " ".join(hint.split()))
    return UsageError("no such command", "opensession --help")
