"""`daemon status`, `daemon health` and the bare program as text."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import pad, width
from opensession.client.render.words import line, tilde, time_us
from opensession.core.rpc.daemon import AgentStatus, Check, Health, Indexing, Status

_LABEL = 12
_STRIPPED = {"home": "home folder", "user": "user name"}
"""Kinds that say too little by their own names."""

_MARKS = {"ok": "✓", "warn": "!", "red": "✗"}

NEXT = (
    ("opensession log --all", "what there is, the last active first"),
    ("opensession search 'words'", "find where it was said or done"),
    ("opensession show HEAD", "read the newest session of this repository"),
)

FIRST = (
    ("opensession daemon start", "index what is there, watch what comes"),
    ("opensession discover", "which agents have left sessions here"),
    ("opensession demo", "see it all on sample sessions first"),
)


def status_lines(status: Status, screen: Screen, now_us: int, home: str) -> Iterator[str]:
    """Who runs, what is watched, how fresh the index is, what is kept."""
    yield (f"{screen.green('●')} {pad('running', _LABEL - 2)}{_process(status)}")
    yield from _row("watching", _watching(status), screen)
    yield from _row("fresh", _fresh(status, now_us), screen)
    yield from _row("kept", _kept(status), screen)
    yield from _row("private", _private(status), screen)
    yield from _row("network", [line(status.network)], screen)
    yield from _row("settings", [tilde(line(status.paths.config), home)], screen)
    if status.restart_due:
        due = ", ".join(line(key) for key in status.restart_due)
        yield from _row("restart", [f"due for {due}: opensession daemon restart"], screen)
    for notice in status.notices:
        yield from _paragraph("note", line(notice), screen)


def start_lines(status: Status) -> Iterator[str]:
    """What a person who has just started it should know."""
    if status.indexing.active:
        yield indexing_text(status.indexing)
    for notice in status.notices:
        yield line(notice)


def indexing_text(indexing: Indexing) -> str:
    """How far, how much is left, how long about."""
    said = f"indexing: {numbers.percent(indexing.fraction)}"
    if indexing.files_left:
        said += f", {numbers.count(indexing.files_left, 'file')}"
        said += f" ({numbers.size(indexing.bytes_left)}) left"
    if indexing.bytes_per_second > 0 and indexing.bytes_left:
        said += f", about {numbers.span(indexing.bytes_left / indexing.bytes_per_second)}"
    return said


def _row(label: str, facts: list[str], screen: Screen) -> Iterator[str]:
    """A labelled row; facts that do not fit go on in the next line."""
    begin, current = f"  {pad(label, _LABEL - 2)}", ""
    for fact in facts:
        joined = f"{current} · {fact}" if current else fact
        if current and _LABEL + width(joined) > screen.width:
            yield begin + current
            begin, joined = " " * _LABEL, fact
        current = joined
    yield begin + current


def _paragraph(label: str, text: str, screen: Screen) -> Iterator[str]:
    begin = f"  {pad(label, _LABEL - 2)}"
    for part in _wrapped(text, screen.line_width - _LABEL):
        yield begin + part
        begin = " " * _LABEL


def _process(status: Status) -> str:
    facts = [
        f"pid {status.pid}",
        line(status.version),
        f"up {numbers.span(status.uptime_seconds)}",
        numbers.size(status.pss_bytes or status.rss_bytes),
    ]
    if status.uptime_seconds >= 60:
        facts.append(f"{numbers.percent(status.cpu_seconds / status.uptime_seconds)} CPU")
    return " · ".join(facts)


def _watching(status: Status) -> list[str]:
    facts = []
    for name, agent in _by_size(status):
        if not (agent.sources or agent.sessions):
            continue
        said = f"{name} {numbers.count(agent.sessions, 'session')}"
        if agent.watching != "events":
            said += f" ({agent.watching})"
        if agent.failed_sources:
            said += f", {agent.failed_sources} unreadable"
        facts.append(said)
    missing = sum(not (each.sources or each.sessions) for each in status.agents.values())
    if not facts:
        return ["nothing yet: no agent has left a session (opensession discover)"]
    if missing:
        facts.append(f"{numbers.count(missing, 'other')} without sessions")
    return facts


def _by_size(status: Status) -> list[tuple[str, AgentStatus]]:
    return sorted(status.agents.items(), key=lambda pair: (-pair[1].sessions, pair[0]))


def _fresh(status: Status, now_us: int) -> list[str]:
    if status.indexing.active:
        return [indexing_text(status.indexing)]
    changes = [time_us(agent.newest_change) or 0 for agent in status.agents.values()]
    newest = max(changes, default=0)
    facts = [f"newest change {numbers.ago(newest, now_us)}" if newest else "no change yet"]
    waiting = sum(agent.pending_sources for agent in status.agents.values()) or status.queue_depth
    facts.append(f"{numbers.count(waiting, 'file')} waiting" if waiting else "nothing waiting")
    skipped = sum(agent.skipped_lines for agent in status.agents.values())
    if skipped:
        facts.append(f"{numbers.count(skipped, 'line')} could not be read")
    return facts


def _kept(status: Status) -> list[str]:
    found = sum(agent.bytes for agent in status.agents.values())
    return [
        f"archive {numbers.size(status.archive_bytes)}",
        f"index {numbers.size(status.index_bytes)}",
        f"the agents' own files {numbers.size(found)}",
    ]


def _private(status: Status) -> list[str]:
    return [*_stripped(status), *_told(status)]


def _told(status: Status) -> list[str]:
    """What was found and left, what does not leave, what is not taken in."""
    found = [f"left as it was: {n:,} of {line(name)}" for name, n in status.warned.items()]
    found += [
        f"blocked by {line(name)}: {numbers.count(n, 'session')}"
        for name, n in status.blocked.items()
    ]
    if status.private_sessions:
        found.append(f"{numbers.count(status.private_sessions, 'private session')} forgotten")
    if status.outdated_sessions:
        waiting = numbers.count(status.outdated_sessions, "session")
        found.append(f"{waiting} still stripped by earlier rules")
    return found


def _stripped(status: Status) -> list[str]:
    if not status.redacted:
        return ["nothing stripped so far"]
    most = sorted(status.redacted.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [stripped_fact(kind, count) for kind, count in most[:4]]
    rest = sum(count for _, count in most[4:])
    if rest:
        shown.append(f"{numbers.grouped(rest)} others")
    return [f"stripped so far: {shown[0]}", *shown[1:]]


def stripped_fact(kind: str, count: int) -> str:
    """`2,184 user names`: how often something of a kind was taken out."""
    return numbers.count(count, _STRIPPED.get(kind, line(kind)))


def health_lines(health: Health, screen: Screen) -> Iterator[str]:
    """What is not well first, each with what mends it."""
    order = {"red": 0, "warn": 1, "ok": 2}
    checks = sorted(health.checks, key=lambda check: order[check.state])
    names = max((width(line(check.name)) for check in checks), default=0)
    for check in checks:
        mark = _colored(check, screen, f"{_MARKS[check.state]} {pad(check.state, 4)}")
        begin = f"{mark}  {pad(line(check.name), names)}  "
        for part in _wrapped(line(check.message), screen.line_width - names - 10):
            yield begin + part
            begin = " " * (names + 10)
        if check.hint:
            yield f"{' ' * 8}{' ' * names}  next: {line(check.hint)}"


def _wrapped(text: str, columns: int) -> list[str]:
    """A sentence in lines of a width; words longer than that, as paths are, stay whole."""
    import textwrap

    wide = max(columns, 20)
    return textwrap.wrap(text, wide, break_long_words=False, break_on_hyphens=False) or [""]


def _colored(check: Check, screen: Screen, text: str) -> str:
    paint = {"ok": screen.green, "warn": screen.yellow, "red": screen.red}[check.state]
    return paint(text)


def command_lines(commands: tuple[tuple[str, str], ...], screen: Screen) -> Iterator[str]:
    """Commands, and what they are good for."""
    columns = max(len(command) for command, _ in commands)
    for command, what in commands:
        yield f"  {screen.bold(pad(command, columns))}  # {what}"
