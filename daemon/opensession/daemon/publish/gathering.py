"""Reading a file that a person uploads into an index of its own: `opensession-daemon gather`.

It runs in a process of its own with limits, for such a file may be anything. It is read, stripped
and stored as the daemon would do it, so that the same lines come of it; only nothing is archived.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from opensession.core.errors import NotFound, OpenSessionError
from opensession.daemon import parsing, reading
from opensession.daemon.reading import Job, Setup
from opensession.daemon.store.connect import open_reader
from opensession.daemon.store.writer import Writer
from opensession.parsers.agent import Agent, Source, SourceGone, SourceRefused

INDEX_BYTES = 8 << 30
"""The index of one file must not become larger."""


class Request(msgspec.Struct, frozen=True, array_like=True):
    """`folder` is a private one, in which the index is made."""

    setup: Setup
    file: str
    folder: str


class Gathered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The index that was made, and the sessions (`agent`, id) that are to stay private; or an
    `error`.
    """

    index: str = ""
    private: list[tuple[str, str]] = []
    error: str = ""
    hint: str = ""


def run(environ: Mapping[str, str]) -> int:
    """Answers the request on standard input; what goes wrong is an answer as well."""
    parsing.limit()
    resource.setrlimit(resource.RLIMIT_FSIZE, (INDEX_BYTES, INDEX_BYTES))
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Request)
    try:
        found = _gathered(environ, request)
    except OpenSessionError as error:
        found = Gathered(error=str(error), hint=error.hint)
    except MemoryError:
        found = Gathered(error=f"{request.file}: it {reading.TOO_LARGE}")
    except Exception as error:
        # The kind alone: its words may hold text of a session.
        found = Gathered(error=f"{request.file} could not be read: {type(error).__name__}")
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


def _gathered(environ: Mapping[str, str], request: Request) -> Gathered:
    path = Path(request.file)
    if not path.is_file():
        raise NotFound(f"no such file: {request.file}", "ls")
    problems = []
    for number, agent in enumerate(parsing.agents_to_try(environ, path)):
        index = Path(request.folder) / f"{number}.db"
        try:
            private = _indexed(request.setup, agent, parsing.source_for(agent, path), index)
        except (SourceRefused, SourceGone) as error:
            problems.append(f"{agent.name}: {str(error).partition(' [')[0]}")
            continue
        except OSError as error:
            problems.append(f"{agent.name}: {error.strerror or type(error).__name__}")
            continue
        if _count(index):
            return Gathered(index=str(index), private=private)
        problems.append(f"{agent.name}: no session in it")
    raise OpenSessionError(
        f"{request.file} could not be read: {'; '.join(problems)}",
        "opensession parse --agent NAME FILE --out session.hail.jsonl",
    )


def _indexed(setup: Setup, agent: Agent, source: Source, index: Path) -> list[tuple[str, str]]:
    """Reads a source into an index; the sessions that say `#private`. Raises what a read raises."""
    stripper = setup.stripper()
    private = []
    writer = Writer(index, index.parent / "archive", archive=False)
    try:
        (number,) = writer.register([source])
        job = Job(number=0, source_id=number, source=source, cursor=None, size=0)
        for batch in reading.read(setup, stripper, job, index.parent):
            private += [(agent.name, line.session) for line in batch.private]
            writer.apply([batch])
    finally:
        writer.close()
    return private


def _count(index: Path) -> int:
    """How many sessions have events."""
    db = open_reader(index)
    try:
        found = db.execute("SELECT count(*) FROM session WHERE event_count > 0").get
    finally:
        db.close()
    assert isinstance(found, int)  # noqa: S101 - a count
    return found
