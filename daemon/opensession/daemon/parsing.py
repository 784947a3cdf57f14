"""One file of any agent as HAIL: what `opensession-daemon parse` does.

It runs in a process of its own with limits, for a file that a person names may be anything. Nothing
is stored. What is printed is stripped like all that leaves.
"""

from __future__ import annotations

import resource
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from opensession.core import hail_lines
from opensession.core.errors import NotFound, OpenSessionError, Refused, UsageError
from opensession.core.fold import fold_session
from opensession.core.hail import Event, SessionInfo
from opensession.core.parsed import Candidate, Parsed, ParsedSession
from opensession.core.paths import find_paths
from opensession.core.privacy import Stripper, beginning
from opensession.core.stats import recompute
from opensession.core.validate import validate
from opensession.daemon.file_globs import FileGlobs
from opensession.daemon.left_out import without_files
from opensession.daemon.privacy_rules import machine_name, privacy_rules
from opensession.daemon.state import load_config
from opensession.parsers import registry
from opensession.parsers.agent import (
    Agent,
    Cursor,
    Root,
    SessionDelta,
    Source,
    SourceGone,
    SourceRefused,
)
from opensession.parsers.detection import HEAD_BYTES, detect

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 300
STDIN_BYTES = 1 << 30
LEVELS = 8
"""So many folders above a file are tried as the root that an agent would find it below."""

SURE = 0.15
"""The best candidate counts alone if it is so much likelier than the next one."""


class Session(msgspec.Struct):
    """One session of the file."""

    info: SessionInfo
    events: list[Event]


def run(environ: Mapping[str, str], file: str, agent: str, session: str, *, preview: bool) -> int:
    """Prints a session of `file` (`-`: standard input) as HAIL, or with `preview` a `Parsed`.

    `agent` is a name or `auto`; `session` the id of the one to print where the file has several.
    """
    limit()
    with tempfile.TemporaryDirectory(prefix="opensession-parse-") as scratch:
        path = _stdin_file(Path(scratch)) if file == "-" else Path(file).absolute()
        if not path.is_file():
            problem = "not a file" if path.exists() else "no such file"
            raise NotFound(f"{problem}: {file}", "ls")
        shown = "standard input" if file == "-" else str(path)
        commands = load_config(find_paths(environ), environ).settings.watchers.commands
        agents = registry.agents(commands)
        candidates = _candidates(path, agents)
        try:
            chosen = _chosen(agent, agents, candidates, shown)
            found, problems = _first_that_reads(chosen, path, shown, session)
        except MemoryError:
            raise Refused(f"{shown} needs more than {MEMORY_BYTES >> 30} GiB to be read") from None
    stripper = _stripper(environ)
    _leave_out(found, environ)
    if preview:
        parsed = _parsed(found, problems, candidates, stripper)
        sys.stdout.buffer.write(msgspec.json.encode(parsed) + b"\n")
        return 0
    for line in _lines(_one_of(found.sessions, session, shown), stripper):
        sys.stdout.buffer.write(line)
    return 0


def agents_for(environ: Mapping[str, str], path: Path, agent: str) -> list[Agent]:
    """The agents that may have written a file, likeliest first; with a name that one alone.

    Raises UsageError for a name that is none.
    """
    commands = load_config(find_paths(environ), environ).settings.watchers.commands
    agents = registry.agents(commands)
    if agent != "auto":
        return _chosen(agent, agents, [], str(path))
    likely = [each.agent for each in _candidates(path, agents)]
    return [each for name in likely for each in agents if each.name == name]


def agents_to_try(environ: Mapping[str, str], path: Path) -> list[Agent]:
    """The agents that wrote a file, likeliest first. Raises UsageError where nothing tells which,
    or where several are as likely.
    """
    commands = load_config(find_paths(environ), environ).settings.watchers.commands
    agents = registry.agents(commands)
    return _chosen("auto", agents, _candidates(path, agents), str(path))


def source_for(agent: Agent, path: Path) -> Source:
    """The file as a source of the agent, as if it were found where it lies."""
    for folder in [*path.parents][:LEVELS]:
        source = agent.source_of(Root(agent.name, str(folder)), str(path))
        if source is not None:
            return source
    return Source(agent.name, str(path.parent), str(path))


class _Found(msgspec.Struct):
    """What an agent read of the file."""

    agent: str
    sessions: dict[str, Session]
    skipped: dict[str, int]
    unknown: dict[str, int]


def limit() -> None:
    """Bounds this process's memory and CPU time: a file that a person names may be anything."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def _stdin_file(folder: Path) -> Path:
    path = folder / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        if file.tell() > STDIN_BYTES:
            raise Refused(f"standard input is larger than {STDIN_BYTES >> 30} GiB", "name a file")
    return path


def _candidates(path: Path, agents: Sequence[Agent]) -> list[Candidate]:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return [
        Candidate(agent=each.agent, confidence=each.confidence, reason=each.reason)
        for each in detect(str(path), head, agents)
    ]


def _chosen(
    name: str, agents: Sequence[Agent], candidates: Sequence[Candidate], shown: str
) -> list[Agent]:
    """The agents to try, likeliest first."""
    by_name = {each.name: each for each in agents}
    if name != "auto":
        agent = by_name.get(name.replace("_", "-"))
        if agent is None:
            raise UsageError(f"no agent is named {name}", f"one of {', '.join(by_name)}")
        return [agent]
    if not candidates:
        raise UsageError(
            f"nothing tells which agent wrote {shown}",
            "opensession parse --agent NAME FILE; opensession discover lists the names",
        )
    first = candidates[0]
    close = [each for each in candidates if first.confidence - each.confidence < SURE]
    if len(close) > 1 and first.confidence < 1:
        told = ", ".join(f"{each.agent} ({each.confidence:.0%})" for each in close)
        raise UsageError(
            f"{shown} may be of several agents: {told}",
            f"opensession parse --agent {first.agent} FILE",
        )
    return [by_name[each.agent] for each in candidates if each.agent in by_name]


def _first_that_reads(
    agents: Sequence[Agent], path: Path, shown: str, wanted: str
) -> tuple[_Found, list[str]]:
    problems = []
    for agent in agents:
        try:
            found = _read(agent, source_for(agent, path), wanted)
        except (SourceRefused, SourceGone) as error:
            problems.append(f"{agent.name}: {error}")
            continue
        except OSError as error:
            problems.append(f"{agent.name}: {error.strerror or type(error).__name__}")
            continue
        if any(session.events for session in found.sessions.values()):
            return found, problems
        missing = f"no session {wanted}" if wanted else "no session"
        problems.append(f"{agent.name}: {missing} in it")
    raise OpenSessionError(
        f"{shown} could not be read: {'; '.join(problems)}",
        "opensession parse --agent NAME FILE names another agent",
    )


def _read(agent: Agent, source: Source, wanted: str) -> _Found:
    """Reads all of a source; with `wanted` the events of that session alone are kept."""
    found = _Found(agent.name, {}, {}, {})
    cursor: Cursor | None = None
    more = True
    while more:
        delta = agent.read(source, cursor)
        cursor, more = delta.cursor, delta.more
        for part in delta.sessions:
            if wanted and part.info.id != wanted:
                continue
            session = found.sessions.setdefault(part.info.id, Session(part.info, []))
            session.info = part.info
            session.events[part.keep :] = part.events
        for total, counts in ((found.skipped, delta.skipped), (found.unknown, delta.unknown)):
            for reason, count in counts.items():
                total[reason] = total.get(reason, 0) + count
    return found


def _one_of(sessions: Mapping[str, Session], wanted: str, shown: str) -> Session:
    """The session to print: the one that is asked for, else the only one that is nobody's child."""
    if wanted:
        return sessions[wanted]
    primary = [each for each in sessions.values() if each.info.role == "primary" and each.events]
    found = primary or [each for each in sessions.values() if each.events]
    if len(found) > 1:
        newest = max(found, key=lambda each: each.events[-1].time_us)
        raise UsageError(
            f"{shown} holds {len(found)} sessions: --preview lists them",
            f"opensession parse --session {newest.info.id} FILE",
        )
    return found[0]


def _leave_out(found: _Found, environ: Mapping[str, str]) -> None:
    """Takes the content of excluded files out of the events, as if they were to be stored."""
    paths = find_paths(environ)
    patterns = load_config(paths, environ).settings.privacy.exclude_patterns
    globs = FileGlobs(patterns, str(paths.home))
    for session in found.sessions.values():
        delta = SessionDelta(info=session.info, keep=0, events=session.events)
        session.events = list(without_files(delta, globs, {}).events)


def _stripper(environ: Mapping[str, str]) -> Stripper:
    paths = find_paths(environ)
    privacy = load_config(paths, environ).settings.privacy
    # What leaves has no tags, so that no key has to be there: any will do.
    return Stripper(
        str(paths.home),
        secrets.token_bytes(32),
        privacy_rules(privacy),
        host=machine_name(),
    )


def _outgoing(session: Session, stripper: Stripper) -> tuple[SessionInfo, list[Event]]:
    events = [
        stripper.strip_outgoing(stripper.strip_event(event)[0])
        for event in fold_session(session.events)
    ]
    events.sort(key=lambda event: event.time_us)  # stable: ties stay by seq
    return stripper.strip_outgoing_info(stripper.strip_info(session.info)), events


def _lines(session: Session, stripper: Stripper) -> Iterator[bytes]:
    info, events = _outgoing(session, stripper)
    return hail_lines.write(_header(info, events), events, recompute(events))


def _header(info: SessionInfo, events: Sequence[Event]) -> hail_lines.Header:
    return hail_lines.header_of(
        info,
        created_us=events[0].time_us if events else 0,
        updated_us=events[-1].time_us if events else 0,
        description=beginning(info.first_prompt, 500),
    )


def _parsed(
    found: _Found, problems: Sequence[str], candidates: Sequence[Candidate], stripper: Stripper
) -> Parsed:
    rows = []
    for session in found.sessions.values():
        info, events = _outgoing(session, stripper)
        header = _header(info, events)
        rows.append(
            ParsedSession(
                id=info.id,
                title=info.title or beginning(info.first_prompt, 80),
                role=info.role,
                parent=info.parent,
                cwd=info.cwd,
                model=info.model,
                started=header.context.created_at,
                ended=header.context.updated_at,
                stats=recompute(events),
                violations=[each.message for each in validate(header, events)][:20],
            )
        )
    return Parsed(
        agent=found.agent,
        candidates=list(candidates),
        problems=list(problems),
        sessions=rows,
        skipped=found.skipped,
        unknown=found.unknown,
    )
