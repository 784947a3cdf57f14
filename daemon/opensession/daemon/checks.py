"""The one list of checks that `health`, `status`, `coverage` and `doctor` are views of.

Each function looks at facts it is given and makes findings; names are stable. Red means that
sessions are not taken in, or that something of ours is open to others.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from opensession.core.paths import Paths
from opensession.core.rpc.coverage import Unrecognised
from opensession.core.rpc.daemon import AgentStatus, Check, Indexing, State
from opensession.core.timeparse import parse_time

LAG_SECONDS = 60.0
"""How far the index may be behind a file before that is worth a word, beyond the debounce."""

_UNITS = {86_400: "days", 3600: "h", 60: "min"}

DISK_BYTES = 1 << 30
DISK_SHARE = 0.05
"""Below either, archiving pauses (DECISIONS §4)."""


class Disk(msgspec.Struct, frozen=True):
    """Free and total bytes of the file system our data lies on."""

    free: int
    total: int


def disk_of(folder: Path) -> Disk:
    """The space below `folder`, as an ordinary user may use it."""
    found = os.statvfs(folder)
    return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def check_config(path: Path, warnings: list[str], refused: list[str]) -> list[Check]:
    """Bad values of the configuration, which a running daemon does not take up."""
    hint = f"edit {path}, then: opensession config"
    found = [_check("config", "red", f"not taken up: {error}", hint) for error in refused]
    if not refused:  # else these are of the file as it was before
        found += [_check("config", "warn", warning, hint) for warning in warnings]
    return found or [_check("config", "ok", "every setting is understood")]


def check_restart(due: list[str]) -> list[Check]:
    """Settings that wait for a restart."""
    if not due:
        return []
    said = f"taken up at the next start only: {', '.join(due)}"
    return [_check("restart", "warn", said, "opensession daemon restart")]


def check_disk(disk: Disk) -> list[Check]:
    """Free space for archive and index."""
    free = f"{disk.free / 1e9:.1f} GB free"
    if disk.free < DISK_BYTES or disk.free < disk.total * DISK_SHARE:
        said = f"{free}: archiving pauses below {DISK_BYTES / 1e9:.1f} GB or 5 %"
        return [_check("disk", "red", said, "free some space; all resumes by itself")]
    return [_check("disk", "ok", free)]


def archiving_is_off() -> Check:
    """What `archive.raw = false` means."""
    said = "archive.raw is false: of what your agents delete from now on only the index stays"
    return _check("archive.raw", "warn", said, "opensession config set archive.raw true")


def check_modes(paths: Paths, socket: Path) -> list[Check]:
    """Files and folders of ours that others could read."""
    found = []
    folders = (paths.config_dir, paths.data_dir, paths.archive_dir, paths.state_dir, socket.parent)
    files = (
        paths.index_db, paths.user_db, paths.key_file, paths.login_file,
        paths.lock_file, paths.run_file, paths.log_file, socket,
    )  # fmt: skip
    for path, wanted in [(p, 0o700) for p in folders] + [(p, 0o600) for p in files]:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue
        if mode & ~wanted & 0o777:
            said = f"{path} has mode {mode:o}, so that others may read it"
            found.append(_check("modes", "red", said, f"chmod {wanted:o} {path}"))
    return found or [_check("modes", "ok", "only you can read what is kept")]


def check_custom(unrecognised: Sequence[Unrecognised]) -> list[Check]:
    """Folders of the configuration that nothing is read from."""
    return [
        _check("watchers.custom_paths", "warn", f"{one.path}: {one.reason}", "opensession coverage")
        for one in unrecognised
    ]


def check_repositories(notes: Sequence[str]) -> list[Check]:
    """Keys of repositories' own configuration that do not count."""
    hint = "a repository can only make the rules stricter: edit that file"
    return [_check("privacy.repository", "warn", note, hint) for note in notes]


def check_installed(problems: Sequence[str]) -> list[Check]:
    """Agents of other distributions that could not be loaded."""
    hint = "update or uninstall that package, then: opensession daemon restart"
    return [_check("agents.installed", "warn", problem, hint) for problem in problems]


def check_leaks(unresolved: int) -> list[Check]:
    """Secrets that sessions hold and that nobody has said to be changed since."""
    if not unresolved:
        return [_check("leaks", "ok", "no unresolved secret")]
    which = "it" if unresolved == 1 else "each"
    said = (
        f"{_count(unresolved, 'unresolved secret')} in your sessions:"
        f" change {which} where it is valid"
    )
    return [_check("leaks", "warn", said, "opensession leaks")]


def check_agents(agents: Mapping[str, AgentStatus], indexing: Indexing, now_us: int) -> list[Check]:
    """Per agent: the newest change on disk against the newest indexed, and what was left out."""
    found = []
    for name, agent in agents.items():
        found.append(_lag(name, agent, indexing, now_us))
        if not agent.events and agent.read_bytes and _is_settled(agent, indexing):
            found.append(_empty(name, agent, now_us))
        if agent.failed_sources:
            said = (
                f"{name}: {agent.failed_sources} of {_count(agent.sources, 'file')} cannot be read"
            )
            found.append(_check(f"agent.{name}.failed", "warn", said, _look(name)))
        if agent.refused_sources:
            said = f"{name}: {_count(agent.refused_sources, 'file')} not as expected"
            found.append(
                _check(f"agent.{name}.refused", "warn", said + _because(agent), _look(name))
            )
        if agent.skipped_lines or agent.unknown_records:
            lines, records = agent.skipped_lines, agent.unknown_records
            told = [f"{_count(lines, 'line')} skipped"] if lines else []
            if records:
                told.append(f"{_count(records, 'record')} of unknown types kept as they are")
            said = f"{name}: {', '.join(told)}"
            found.append(_check(f"agent.{name}.records", "warn", said, _look(name)))
        if agent.note:
            said = f"{name}: {agent.note}"
            found.append(_check(f"agent.{name}.watch", "warn", said, "opensession doctor"))
    return found


def _lag(name: str, agent: AgentStatus, indexing: Indexing, now_us: int) -> Check:
    stable = f"agent.{name}.lag"
    changed = parse_time(agent.newest_change or "")
    indexed = parse_time(agent.newest_indexed or "")
    if agent.watching == "off":
        return _check(stable, "ok", f"{name} is not watched")
    if changed is None:
        return _check(stable, "ok", f"{name}: nothing on disk")
    if indexed is not None and indexed >= changed and not agent.pending_sources:
        return _check(stable, "ok", f"{name}: everything on disk is searchable")
    behind = (now_us - changed) / 1e6
    waiting = f"{name}: waiting to be read: {_count(agent.pending_sources or 1, 'file')}"
    if indexing.active:
        return _check(stable, "ok", f"{waiting}, still indexing: {indexing.fraction:.0%}")
    if behind < LAG_SECONDS:
        return _check(stable, "ok", waiting)
    said = f"{name}: changed {_span(behind)} ago and not searchable{_because(agent)}"
    return _check(stable, "red", said, _look(name) if agent.reasons else "opensession index --wait")


def _is_settled(agent: AgentStatus, indexing: Indexing) -> bool:
    """Whether what there is to read of a watched agent was read."""
    return agent.watching != "off" and not agent.pending_sources and not indexing.active


def _empty(name: str, agent: AgentStatus, now_us: int) -> Check:
    """Files were read, and there is no session of them."""
    stable = f"agent.{name}.empty"
    changed = parse_time(agent.newest_change or "") or 0
    said = f"{name}: {_count(agent.sources, 'file')} read, and no session came of it"
    if (now_us - changed) / 1e6 < LAG_SECONDS:
        return _check(stable, "ok", said)  # an agent that has just been started says nothing yet
    return _check(stable, "red", said, _look(name, "--all"))


def _because(agent: AgentStatus) -> str:
    """The most frequent reason why sources cannot be read."""
    reason = max(agent.reasons, key=lambda each: agent.reasons[each], default="")
    return f": {reason}" if reason else ""


def _look(name: str, *options: str) -> str:
    return " ".join(("opensession coverage --agent", name, *options))


def _span(seconds: float) -> str:
    for size, unit in ((172_800, 86_400), (7200, 3600), (120, 60)):
        if seconds >= size:
            return f"{seconds // unit:.0f} {_UNITS[unit]}"
    return f"{seconds:.0f} s"


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def _check(name: str, state: State, message: str, hint: str = "") -> Check:
    return Check(name=name, state=state, message=message, hint=hint)
