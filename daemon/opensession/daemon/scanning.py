"""Looking for what is private in native files and in the index: `opensession-daemon scan`.

It runs in a process of its own, with limits, that the daemon (or the client, for a file that a
person names) starts, and that may be killed at any moment. Answers are lines of JSON: how far it
is, then one result. A value is in no answer but that of `values`, which goes to the daemon alone.
"""

from __future__ import annotations

import os
import resource
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from opensession.core.errors import NotFound, OpenSessionError, UsageError
from opensession.core.hail import Event
from opensession.core.paths import Paths, find_paths
from opensession.core.privacy import Stripper, load_key
from opensession.core.rpc.privacy import EventFinding, ScanReport
from opensession.daemon import admission, parsing
from opensession.daemon.explaining import why
from opensession.daemon.findings import may_be_secret, raw_values, tag, tags_of, valued
from opensession.daemon.native import Native, deltas
from opensession.daemon.reading import Setup
from opensession.daemon.scan_tally import FileTally, ReportTally
from opensession.daemon.state import load_config
from opensession.daemon.store.connect import open_reader
from opensession.parsers.agent import Source

MEMORY_BYTES = 2 << 30
FILE_CPU_SECONDS = 300
PIECE_BYTES = 4 << 20

ELSEWHERE = "the value was found elsewhere in this session, or over two pieces of one message"
LEFT_OUT = "; nothing of it is stored: the content of that file is excluded"


class Request(msgspec.Struct, frozen=True):
    """What the daemon asks for. `scan`: natives and what the index has of their sessions.
    `explain`: session `session` of the one native, event `seq` or all, `limit` findings of them.
    `values`: the values of `fingerprint` in the natives.
    """

    what: str
    natives: list[Native]
    session: str = ""
    seq: int = 0
    limit: int = 0
    fingerprint: bytes = b""


class Answer(msgspec.Struct, frozen=True):
    """One line: `done` bytes of all, or the end: a `result`, or the `error` in its stead."""

    done: int = 0
    detail: str = ""
    result: msgspec.Raw = msgspec.Raw(b"")
    error: str = ""
    hint: str = ""


Tell = Callable[[dict[str, Any]], None]
"""Writes a line that is an `Answer`."""


def run_file(environ: Mapping[str, str], file: str, agent: str) -> int:
    """Prints the `ScanReport` of one file. Raises OpenSessionError as `parse` does."""
    resource.setrlimit(resource.RLIMIT_CPU, (FILE_CPU_SECONDS, FILE_CPU_SECONDS))
    _limit_memory()
    path = Path(file).absolute()
    if not path.is_file():
        raise NotFound(f"no such file: {file}", "ls")
    paths = find_paths(environ)
    report = ReportTally(stripper_of(paths, environ))
    report.add(_named_file(report.stripper, environ, path, agent))
    sys.stdout.buffer.write(msgspec.json.encode(report.report()) + b"\n")
    return 0


def run_request(environ: Mapping[str, str]) -> int:
    """Answers the request on standard input; what goes wrong is an answer as well."""
    os.nice(10)
    _limit_memory()
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Request)
    out = sys.stdout.buffer

    def tell(answer: dict[str, Any]) -> None:
        out.write(msgspec.json.encode(answer) + b"\n")
        out.flush()

    try:
        result = _answer(environ, request, tell)
    except OpenSessionError as error:
        tell({"error": str(error), "hint": error.hint})
    except Exception as error:
        # The kind alone: its words may hold text of a session.
        tell({"error": f"it failed: {type(error).__name__}"})
    else:
        tell({"result": result})
    return 0


def _answer(environ: Mapping[str, str], request: Request, tell: Tell) -> Any:
    paths = find_paths(environ)
    stripper = stripper_of(paths, environ)
    scan = _Scan(paths, environ, stripper)
    if request.what == "scan":
        return scan.report(request.natives, tell)
    if request.what == "explain":
        return scan.explain(request)
    if request.what == "values":
        found = scan.values(request.natives, request.fingerprint)
        # As bytes, which JSON holds as base64: text may have half characters.
        return [value.encode("utf-8", "surrogatepass") for value in found]
    raise UsageError(f"no such request: {request.what}")


class Explained(msgspec.Struct):
    """The findings of a session, as far as they are told, and how many there are."""

    findings: list[EventFinding]
    total: int


class _Scan:
    """One request."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], stripper: Stripper) -> None:
        self._paths = paths
        self._scratch = paths.state_dir / "work"
        self._commands = load_config(paths, environ).settings.watchers.commands
        self._stripper = stripper
        # What is stored was made by the stricter rules of its repository, if it has some.
        self._taking = setup_of(paths, environ).taking(stripper)

    def report(self, natives: Sequence[Native], tell: Tell) -> ScanReport:
        report = ReportTally(self._stripper)
        done = 0
        for native in natives:
            tell({"done": done, "detail": native.source.agent})
            report.add(self._file(native))
            done += native.size
        return report.report()

    def explain(self, request: Request) -> Explained:
        """The findings of one session, event by event; what an agent rewrote is told once."""
        told: dict[int, list[EventFinding]] = {}
        for native in request.natives:
            for delta in deltas(native, self._scratch, self._commands):
                for part in delta.sessions:
                    if native.session(part.info.id) != request.session:
                        continue
                    for seq in [seq for seq in told if seq > part.keep]:
                        del told[seq]
                    stripper = self._taking.of(part.info.cwd).stripper
                    kept = self._taking.without_files(part).events
                    clean = stripper.strip_events(kept)
                    for seq, event in enumerate(part.events, start=part.keep + 1):
                        if request.seq in (0, seq):
                            place = seq - part.keep - 1
                            found = _explained(stripper, seq, event, clean[place][0])
                            if kept[place] is not event:
                                found = [_left_out(one) for one in found]
                            if found:
                                told[seq] = found
        rows = [row for seq in sorted(told) for row in told[seq]]
        return Explained(rows[: request.limit], len(rows))

    def values(self, natives: Sequence[Native], fingerprint: bytes) -> list[str]:
        """The values of a fingerprint: one, unless they differ in what groups their digits."""
        found: dict[str, None] = {}
        for native in natives:
            for delta in deltas(native, self._scratch, self._commands):
                for part in delta.sessions:
                    stripper = self._taking.of(part.info.cwd).stripper
                    for event in part.events:
                        if may_be_secret(stripper.strip_event(event)[1]):
                            for _, one, value in valued(stripper, event):
                                mark = stripper.fingerprint(one.kind, value)
                                if mark[: len(fingerprint)] == fingerprint:
                                    found[value] = None
                for one, forms in raw_values(self._stripper, delta.raw):
                    marks = [self._stripper.fingerprint(one.kind, form) for form in forms]
                    if any(mark[: len(fingerprint)] == fingerprint for mark in marks):
                        found.update(dict.fromkeys(forms))
        return list(found)

    def _file(self, native: Native) -> FileTally:
        tally = FileTally(self._stripper, native, lambda cwd: self._taking.of(cwd).stripper)
        tally.read(lambda: deltas(native, self._scratch, self._commands))
        if self._paths.index_db.exists():
            db = open_reader(self._paths.index_db)
            try:
                tally.read_index(db)
            finally:
                db.close()
        return tally


def _explained(stripper: Stripper, seq: int, event: Event, stored: Event) -> list[EventFinding]:
    """What was found in an event, then what stands replaced in it for another reason."""
    rows = []
    replaced = tags_of(stored) - tags_of(event)
    for place, one, value in valued(stripper, event):
        name = tag(stripper.fingerprint(one.kind, value))
        stands = next((pair for pair in replaced if pair[1] == name), None)
        if stands is not None:
            replaced[stands] -= 1
        rows.append(
            EventFinding(
                seq=seq,
                type=event.type,
                place=stripper.strip_text(place)[0][:200],
                set=one.set,
                kind=one.kind,
                confidence=one.confidence,
                mode=one.mode,
                why=why(one),
                tag=name if stands is not None else "",
            )
        )
    for (kind, name), count in (+replaced).items():
        rows.append(
            EventFinding(
                seq=seq,
                type=event.type,
                place=f"{count} times" if count > 1 else "",
                set="",
                kind=kind,
                confidence="likely",
                mode="redact",
                why=ELSEWHERE,
                tag=name,
            )
        )
    return rows


def _left_out(one: EventFinding) -> EventFinding:
    """The file's path stays, whatever becomes of its content."""
    if one.tag or one.place == "data.path":
        return one
    return msgspec.structs.replace(one, why=one.why + LEFT_OUT)


def _named_file(
    stripper: Stripper, environ: Mapping[str, str], path: Path, agent: str
) -> FileTally:
    """A file that a person names: a session file of an agent, else any text."""
    known = parsing.agents_for(environ, path, agent)
    for each in known:
        native = Native(parsing.source_for(each, path), path.stat().st_size)
        tally = FileTally(stripper, native)
        tally.read(lambda native=native: deltas(native, path.parent))  # type: ignore[misc]
        if tally.sessions and not tally.problem:
            return tally
    tally = FileTally(stripper, Native(Source("", "", str(path)), path.stat().st_size))
    with path.open("rb") as file:
        for piece in _lines_of(file):
            tally.read_raw(piece)
    return tally


def _lines_of(file: Any) -> Iterator[bytes]:
    """A file in pieces that end with lines, as far as its lines are not very long."""
    rest = b""
    while piece := file.read(PIECE_BYTES):
        head, mark, tail = (rest + piece).rpartition(b"\n")
        if len(tail) > 4 * PIECE_BYTES:
            head, mark, tail = rest + piece, b"", b""
        rest = tail
        yield head + mark
    yield rest


def _limit_memory() -> None:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def stripper_of(paths: Paths, environ: Mapping[str, str]) -> Stripper:
    """The stripper by the rules of the configuration."""
    return setup_of(paths, environ).stripper()


def setup_of(paths: Paths, environ: Mapping[str, str]) -> Setup:
    """What strips by the rules of the configuration. Without a key of this machine any will do: no
    tag is shown that could be compared with another.
    """
    privacy = load_config(paths, environ).settings.privacy
    key = load_key(paths.key_file) if paths.key_file.exists() else secrets.token_bytes(32)
    return Setup(str(paths.home), key, privacy, False, admission.Rules())
